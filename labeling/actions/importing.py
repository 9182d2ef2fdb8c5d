"""Import of Luce JSON Lines: first every line is checked, then all is stored in one transaction.

The lines pass through a private SQLite file between the two, so a million of them take constant memory and a stream
is read once.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from django.db import transaction

from labeling.actions.errors import ActionError
from labeling.actions.import_lines import Row, check_line
from labeling.actions.import_store import Complain, Store
from labeling.content import MAX_COPIES, comparison_hash
from labeling.models import Project

MAX_LISTED = 1000
LINES_AT_ONCE = 500
CHARACTERS_AT_ONCE = 16 * 1024 * 1024
REPORT_EVERY = 500

_encode = json.JSONEncoder(ensure_ascii=False).encode

Progress = Callable[[str, int, int | None], None]
"""Called with a stage ("checked" or "stored"), the lines done, and how many there are if that is known."""


@dataclass(frozen=True)
class BadLine:
    """What is wrong with one line: its number from 1, the field, and the words."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.field}: {self.message}"


@dataclass
class ImportReport:
    """What an import did. `bad` lists the first MAX_LISTED bad lines, `bad_count` counts them all.

    added: rows added by noun. duplicates: judgments, and lines without any, that were stored already.
    stored: False when bad lines kept everything out.
    """

    lines: int = 0
    added: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    bad: list[BadLine] = field(default_factory=list)
    bad_count: int = 0
    stored: bool = False

    def note(self, bad: BadLine) -> None:
        """Count a bad line, and list it while there is room."""
        self.bad_count += 1
        if len(self.bad) < MAX_LISTED:
            self.bad.append(bad)


TellBad = Callable[[BadLine], None]
"""Called with every bad line as it is found, also with those for which the report has no room."""


class _KeptOut(Exception):
    """Rolls the transaction back: a bad line came up while storing."""


def import_prompts(
    *,
    project: Project,
    lines: Iterable[str | bytes],
    skip_bad: bool = False,
    progress: Progress | None = None,
    tell_bad: TellBad | None = None,
) -> ImportReport:
    """Add prompts, and where a line carries completions also these and their comparison.

    Good lines go in only if all are good, unless skip_bad. What is there already is left as it is.
    """
    return _import(project, lines, judgments=False, skip_bad=skip_bad, progress=progress, tell_bad=tell_bad)


def import_judgments(
    *,
    project: Project,
    lines: Iterable[str | bytes],
    skip_bad: bool = False,
    progress: Progress | None = None,
    tell_bad: TellBad | None = None,
) -> ImportReport:
    """Add prompts, completions, comparisons and what annotators said about them.

    Annotators become accounts that cannot sign in until somebody gives them a password. A line is a comparison of
    its own, also when an earlier line holds the same texts, unless both say the same "copy". The same file again
    adds nothing; another judgment by the same annotator of the same comparison makes a bad line.
    """
    return _import(project, lines, judgments=True, skip_bad=skip_bad, progress=progress, tell_bad=tell_bad)


def _import(
    project: Project,
    lines: Iterable[str | bytes],
    *,
    judgments: bool,
    skip_bad: bool,
    progress: Progress | None,
    tell_bad: TellBad | None,
) -> ImportReport:
    report = ImportReport()
    tell = progress or (lambda stage, done, of: None)
    complain = _complain(report, tell_bad)
    try:
        with closing(_Spool()) as spool:
            report.lines = _check_all(project, lines, spool, complain, judgments=judgments, tell=tell)
            # with bad lines too: what contradicts other lines or the project is told now, not after the next try
            _store_all(project, spool, report, complain, skip_bad=skip_bad, tell=tell)
    except sqlite3.OperationalError as error:
        raise ActionError(f"The temporary folder cannot hold the lines being imported: {error}.") from error
    return report


def _complain(report: ImportReport, tell_bad: TellBad | None) -> Complain:
    def complain(line: int, error: ActionError) -> None:
        bad = BadLine(line, printable(error.field or "line"), printable(error.message))
        report.note(bad)
        if tell_bad is not None:
            tell_bad(bad)

    return complain


def printable(text: str) -> str:
    """What a file brought may stand in a complaint: as one line, in UTF-8, without commands to the terminal."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _check_all(
    project: Project,
    lines: Iterable[str | bytes],
    spool: "_Spool",
    complain: Complain,
    *,
    judgments: bool,
    tell: Progress,
) -> int:
    """Spool the good lines, complain of the others; how many there are."""
    number = 0
    for number, raw in enumerate(lines, start=1):
        try:
            row = check_line(raw, judgments=judgments, allow_ties=project.allow_ties)
            if row is not None:
                spool.add(number, row)
        except ActionError as error:
            complain(number, error)
        if number % REPORT_EVERY == 0:
            tell("checked", number, None)
    tell("checked", number, number)
    return number


def _store_all(
    project: Project, spool: "_Spool", report: ImportReport, complain: Complain, *, skip_bad: bool, tell: Progress
) -> None:
    """In one transaction, which is rolled back when a bad line was or is found, unless skip_bad."""
    store, done = Store(project, complain), 0
    stage = "compared" if report.bad_count and not skip_bad else "stored"
    try:
        with transaction.atomic():
            for batch in spool.batches():
                store.add(batch)
                done += len(batch)
                tell(stage, done, spool.rows)
            if report.bad_count and not skip_bad:
                raise _KeptOut
    except _KeptOut:
        return
    report.added, report.duplicates, report.stored = dict(store.added), store.duplicates, True


class _Spool:
    """Checked lines on disk, and how often each comparison has been seen in the file."""

    def __init__(self) -> None:
        self.rows = 0
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN;"
            "CREATE TABLE line (number INTEGER PRIMARY KEY, body TEXT);"
            "CREATE TABLE seen (hash TEXT PRIMARY KEY, times INTEGER) WITHOUT ROWID;"
        )

    def close(self) -> None:
        self._file.close()

    def add(self, number: int, row: Row) -> None:
        """Keep a line. Raises ActionError when it is the 1001st of the same texts."""
        copy = row["copy"] or self._copy(row)
        row["comparison_hash"] = comparison_hash(row["prompt_hash"], row["hashes"], row["purpose"], copy)
        self._file.execute("INSERT INTO line VALUES (?, ?)", (number, _encode(row)))
        self.rows += 1

    def _copy(self, row: Row) -> int:
        """Which copy of its texts a judged line is: real data sets hold the same comparison several times, and
        putting their judgments together would change the agreement. Lines without judgments are not counted."""
        if not row["judgments"]:
            return 1
        digest = comparison_hash(row["prompt_hash"], row["hashes"], row["purpose"])
        times = self._file.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT (hash) DO UPDATE SET times = times + 1 RETURNING times",
            (digest,),
        ).fetchone()[0]
        if times > MAX_COPIES:
            raise ActionError(
                f"the same prompt and completions come more than {MAX_COPIES} times; leave this line out.",
                field="completions",
            )
        return times

    def batches(self) -> Iterator[list[tuple[int, Row]]]:
        """All lines in order, at most LINES_AT_ONCE or CHARACTERS_AT_ONCE (and one line) at a time."""
        batch: list[tuple[int, Row]] = []
        size = 0
        for number, body in self._file.execute("SELECT number, body FROM line ORDER BY number"):
            batch.append((number, json.loads(body)))
            size += len(body)
            if len(batch) == LINES_AT_ONCE or size > CHARACTERS_AT_ONCE:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch
