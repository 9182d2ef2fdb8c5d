"""manage.py import_judgments PROJECT FILE"""

import sys
from typing import IO

from django.core.management.base import CommandError
from tqdm import tqdm

from labeling.actions.import_lines import read_lines
from labeling.actions.importing import BadLine, ImportReport, import_judgments
from labeling.management.importing import ImportCommand
from labeling.models import Project
from labeling.progress_bar import ProgressBar


class Command(ImportCommand):
    help = "Import prompts, completions and what annotators said from a Luce JSON Lines file (docs/format.md)."
    action = staticmethod(import_judgments)

    def run(self, project: Project, file: IO[bytes], bar: ProgressBar, skip_bad: bool) -> ImportReport:
        """Import `file`, telling each bad line when it is found: there may be more of them than memory holds."""
        report = type(self).action(
            project=project, lines=read_lines(file), skip_bad=skip_bad, progress=bar, tell_bad=self.tell_bad
        )
        if report.bad_count and not report.stored:
            lines = f"{report.bad_count:,} bad line{'' if report.bad_count == 1 else 's'}"
            raise CommandError(f"{lines}; nothing was stored. Mend them, or leave them out: --skip-bad.")
        return report

    def tell_bad(self, bad: BadLine) -> None:
        """Write one bad line to standard error, on a line of its own also while a progress bar stands there."""
        with tqdm.external_write_mode(file=sys.stderr):
            self.stderr.write(str(bad))
