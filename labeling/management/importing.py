"""What the two import commands share."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import QuerySet
from tqdm import tqdm

from labeling.actions.errors import ActionError
from labeling.actions.import_lines import read_lines
from labeling.actions.importing import BadLine, ImportReport
from labeling.actions.projects import create_project
from labeling.management.naming import account_named, project_named
from labeling.models import Membership, Project
from labeling.progress_bar import ProgressBar


class ImportCommand(BaseCommand):
    """Checks every line, then stores all in one transaction; bad lines are listed and nothing is stored."""

    action: Callable[..., ImportReport]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Short name of the project.")
        parser.add_argument("file", help='A JSON Lines file, or "-" for standard input.')
        parser.add_argument("--create", action="store_true", help="Make the project if there is none.")
        parser.add_argument("--lead", metavar="NAME", help="With --create: the account that leads the new project.")
        parser.add_argument("--skip-bad", action="store_true", help="Store the good lines although others are bad.")

    def handle(self, *args: Any, **options: Any) -> None:
        lead = self.lead(options) if options["lead"] is not None else None
        bar = ProgressBar()
        try:
            with opened(options["file"]) as file, self.project(options["project"], options["create"], lead) as project:
                report = self.run(project, file, bar, options["skip_bad"])
        except ActionError as error:
            raise CommandError(f"{options['file']}: {error}") from error
        finally:
            bar.close()
        self.tell(report)
        if not leads(project).exists():
            self.stderr.write(
                f'The project "{project.slug}" has no lead, so nobody can run it in the browser. To give it one: '
                f"{add_lead('NAME', project.slug)}"
            )

    def lead(self, options: dict[str, Any]) -> Any:
        """The account that --lead names, before anything is read. CommandError where it cannot come to lead."""
        name, slug = options["lead"], options["project"]
        if not options["create"]:
            raise CommandError(f"--lead goes with --create. For a project that is there: {add_lead(name, slug)}")
        person = account_named(name)
        project = Project.objects.filter(slug=slug).first()
        if project is not None and not leads(project).filter(person=person).exists():
            raise CommandError(
                f'The project "{slug}" is there already and "{name}" does not lead it. Leave --lead out, or first: '
                f"{add_lead(name, slug)}"
            )
        return person

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
    def project(self, slug: str, create: bool, lead: Any) -> Iterator[Project]:
        """The project; one made here, which `lead` leads if there is one, stays only if the import succeeds."""
        if not create or Project.objects.filter(slug=slug).exists():
            yield project_named(slug)
            return
        with transaction.atomic():
            yield create_project(slug=slug, name=slug, by=lead)

    def tell(self, report: ImportReport) -> None:
        nouns = [counted(count, noun.removesuffix("s")) for noun, count in report.added.items() if count]
        added = ", ".join(nouns) or "nothing"
        there = f"; {report.duplicates:,} were there already" if report.duplicates else ""
        skipped = f"; {counted(report.bad_count, 'bad line')} left out" if report.bad_count else ""
        self.stdout.write(f"{counted(report.lines, 'line')}: added {added}{there}{skipped}.")


def leads(project: Project) -> QuerySet[Membership]:
    """Those who lead the project now."""
    return project.memberships.filter(role=Membership.Role.LEAD, person__is_active=True).exclude(
        state=Membership.State.RETIRED
    )


def add_lead(name: str, slug: str) -> str:
    """What to type, by the Python that runs this."""
    here = Path.cwd()
    python = Path(sys.executable)
    typed = python.relative_to(here) if python.is_relative_to(here) else python
    return shlex.join([str(typed), "manage.py", "add_person", name, "--project", slug, "--role", "lead"])


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
