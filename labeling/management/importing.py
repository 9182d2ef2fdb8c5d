"""What the two import commands share."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from tqdm import tqdm

from labeling.actions.errors import ActionError
from labeling.actions.import_lines import read_lines
from labeling.actions.importing import BadLine, ImportReport
from labeling.actions.projects import create_project
from labeling.management.naming import project_named
from labeling.models import Project
from labeling.progress_bar import ProgressBar


class ImportCommand(BaseCommand):
    """Checks every line, then stores all in one transaction; bad lines are listed and nothing is stored."""

    action: Callable[..., ImportReport]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Short name of the project.")
        parser.add_argument("file", help='A JSON Lines file, or "-" for standard input.')
        parser.add_argument("--create", action="store_true", help="Make the project if there is none.")
        parser.add_argument("--skip-bad", action="store_true", help="Store the good lines although others are bad.")

    def handle(self, *args: Any, **options: Any) -> None:
        bar = ProgressBar()
        try:
            with opened(options["file"]) as file, self.project(options["project"], options["create"]) as project:
                report = self.run(project, file, bar, options["skip_bad"])
        except ActionError as error:
            raise CommandError(f"{options['file']}: {error}") from error
        finally:
            bar.close()
        self.tell(report)

    def run(self, project: Project, file: IO[bytes], bar: ProgressBar, skip_bad: bool) -> ImportReport:
        """Import `file`, telling each bad line when it is found: there may be more of them than memory holds."""
        report = type(self).action(
            project=project, lines=read_lines(file), skip_bad=skip_bad, progress=bar, tell_bad=self.tell_bad
        )
        if report.bad_count and not report.stored:
            lines = counted(report.bad_count, "bad line")
            raise CommandError(f"{lines}; nothing was stored. Mend them, or leave them out: --skip-bad.")
        return report

    def tell_bad(self, bad: BadLine) -> None:
        """Write one bad line to standard error, on a line of its own also while a progress bar stands there."""
        with tqdm.external_write_mode(file=sys.stderr):
            self.stderr.write(str(bad))

    @contextmanager
    def project(self, slug: str, create: bool) -> Iterator[Project]:
        """The project; one made here stays only if the import succeeds."""
        if not create or Project.objects.filter(slug=slug).exists():
            yield project_named(slug)
            return
        with transaction.atomic():
            yield create_project(slug=slug, name=slug)

    def tell(self, report: ImportReport) -> None:
        nouns = [counted(count, noun.removesuffix("s")) for noun, count in report.added.items() if count]
        added = ", ".join(nouns) or "nothing"
        there = f"; {report.duplicates:,} were there already" if report.duplicates else ""
        skipped = f"; {counted(report.bad_count, 'bad line')} left out" if report.bad_count else ""
        self.stdout.write(f"{counted(report.lines, 'line')}: added {added}{there}{skipped}.")


def counted(count: int, noun: str) -> str:
    """1 line, 2 lines."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@contextmanager
def opened(name: str) -> Iterator[IO[bytes]]:
    """The file in binary, or standard input for "-"."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = open(name, "rb")  # noqa: SIM115 - closed below, after the caller's own errors
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from error
    with file:
        yield file
