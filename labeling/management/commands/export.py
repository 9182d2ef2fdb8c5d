"""manage.py export PROJECT --format luce|trl"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling.management.naming import project_named
from labeling.progress_bar import ProgressBar
from labeling.queries.export import FORMATS, Tally, export_lines

REPORT_EVERY = 500


class Command(BaseCommand):
    help = "Export a project as JSON Lines: luce (imports again) or trl (preference pairs). See docs/format.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Short name of the project.")
        parser.add_argument("--format", choices=FORMATS, default="luce")
        parser.add_argument("--output", help="File to write; standard output without it.")
        parser.add_argument(
            "--split",
            choices=["train", "heldout"],
            help="Only these prompts. Without it luce gives all; trl gives train: nothing trains on held-out ones.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        project, tally, bar = project_named(options["project"]), Tally(), ProgressBar()
        try:
            with written(options["output"]) as file:
                for line in export_lines(project, options["format"], split=options["split"], tally=tally):
                    file.write(line)
                    if tally.lines % REPORT_EVERY == 0:
                        bar("written", tally.lines, None)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader, such as head, has enough
        except OSError as error:
            raise CommandError(f"{options['output'] or 'standard output'} cannot be written: {error}.") from error
        finally:
            bar.close()
        self.stderr.write(summary(tally, options["format"]))


def summary(tally: Tally, format: str) -> str:
    """What was written and what was left out, in a line."""
    words = f"{tally.lines:,} lines from {tally.judgments:,} judgments"
    if format == "trl":
        words += f"; left out {tally.ties:,} ties and {tally.not_ranked:,} pairs that were not ranked"
    return words + "."


@contextmanager
def written(name: str | None) -> Iterator[TextIO]:
    """Standard output, or a file that appears under its name only when it is whole."""
    if name is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    target = Path(name)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as file:
        try:
            yield file
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    os.replace(file.name, target)
