"""What a person said, stored once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from labeling.actions import screening
from labeling.actions.content import check_text, kind_of
from labeling.actions.errors import ActionError
from labeling.actions.leases import count_live, free_slot, own_assignment
from labeling.actions.tallies import COUNTED_AS, count_person, count_project, weight
from labeling.models import Assignment, Comparison, Judgment
from labeling.statements import add, change, on_disk

State = Assignment.State
SAID = (State.JUDGED, State.SURPLUS)
MAX_COMMENT = 20_000
_COLUMNS = [field.column for field in Judgment._meta.concrete_fields if not field.primary_key]
Ranks = list[int | None]


@dataclass(frozen=True)
class SubmitResult:
    """The judgment that is stored; `replayed` when it was stored by an earlier submit with the same key."""

    judgment: Judgment
    replayed: bool


@on_disk()
@transaction.atomic
def submit_judgment(
    *,
    person: Any,
    assignment_id: int,
    key: str,
    ranks: Sequence[int | None],
    comment: str = "",
    active_seconds: float | None = None,
    as_shown: bool = False,
) -> SubmitResult:
    """Store a ranking. `ranks[p]` belongs to canonical position p: 1 is best, equal is a tie, None is not ranked.
    as_shown: to place p on the person's page instead.

    The same key again returns the first result, whatever else it carries. A lease that has ended is honoured while a
    slot is free; after that the judgment is kept as a surplus one, which holds no slot. Raises ActionError
    "not_found", "invalid" (with `field`), "conflict" (judged already under another key).
    """
    check_key(key)
    assignment = own_assignment(person=person, assignment_id=assignment_id)
    if assignment.state != State.LEASED:
        stored = assignment.judgments.filter(key=key).first()
        if stored is not None:
            return SubmitResult(stored, replayed=True)
    if assignment.state in SAID:
        raise ActionError("Your ranking of this comparison is stored already; this one was not added.", "conflict")
    ranks = _canonical(assignment, ranks) if as_shown else ranks
    said = _check_said(assignment, ranks, comment, active_seconds)
    before = assignment.state
    assignment.state, assignment.slot = _place_for(assignment)
    judgment = _store(assignment, key, revision=1, **said)
    counted = "surplus" if assignment.state == State.SURPLUS else COUNTED_AS[assignment.kind]
    count_person(
        assignment.project_id,
        person.pk,
        leased=-int(before == State.LEASED),
        skipped=-int(before == State.SKIPPED),
        revisions=+1,
        active_seconds=said["active_seconds"] or 0,
        last=assignment,
        **{counted: +1},
    )
    if before == State.SKIPPED:
        change(Comparison, "skips = skips - 1", "id = %s", [assignment.comparison_id])
    if assignment.slot is not None:
        _count_judged(assignment.comparison)
    screening.after_judgment(assignment, judgment)
    return SubmitResult(judgment, replayed=False)


def _canonical(assignment: Assignment, ranks: Sequence[int | None]) -> Sequence[int | None]:
    """Ranks given in the order shown, in canonical order; unchanged when their number is wrong, to be refused."""
    if len(ranks) != assignment.comparison.k:
        return ranks
    place_of = {position: place for place, position in enumerate(assignment.order)}
    return [ranks[place_of[position]] for position in range(len(ranks))]


def _place_for(assignment: Assignment) -> tuple[str, int | None]:
    """State and slot of an assignment that is judged now: its own slot, a free one, or surplus when there is none."""
    if assignment.state == State.LEASED or assignment.kind != Assignment.Kind.COLLECT:
        return State.JUDGED, assignment.slot
    comparison = assignment.comparison
    if not count_live(comparison.pk, +1, assignment.project, even_closed=True):
        return State.SURPLUS, None
    return State.JUDGED, free_slot(comparison)


def _count_judged(comparison: Comparison) -> None:
    """One more slot is filled; with the last of them the comparison is done. The caller has locked it."""
    change(Comparison, "judged = judged + 1", "id = %s", [comparison.pk])
    if not weight(comparison)["comparisons"]:
        count_project(comparison.project_id, set_aside=+1)
    elif comparison.judged + 1 == comparison.overlap:
        count_project(comparison.project_id, done=+1)


@on_disk()
@transaction.atomic
def amend_judgment(
    *,
    person: Any,
    assignment_id: int,
    key: str,
    ranks: Sequence[int | None],
    comment: str = "",
    active_seconds: float | None = None,
) -> SubmitResult:
    """Store the next revision of a judgment; what was said before stays. Arguments and errors as `submit_judgment`.

    "conflict" also when the project's window for changing one's mind is over, counted from the first revision.
    """
    check_key(key)
    assignment = own_assignment(person=person, assignment_id=assignment_id)
    stored = assignment.judgments.filter(key=key).first()
    if stored is not None:
        return SubmitResult(stored, replayed=True)
    if assignment.state not in SAID:
        raise ActionError("There is no judgment to amend yet; submit one.", "conflict")
    if assignment.kind == Assignment.Kind.PRACTICE:
        raise ActionError("A practice item is not changed once its answer has been shown.", "conflict")
    said = _check_said(assignment, ranks, comment, active_seconds)
    first, last = assignment.judgments.order_by("revision").first(), assignment.judgments.order_by("revision").last()
    if timezone.now() > first.created + timedelta(seconds=assignment.project.undo_seconds):
        raise ActionError(
            f"This ranking can no longer be changed: the time for it, {_in_words(assignment.project.undo_seconds)}, "
            "is over. It stays as it was.",
            "conflict",
        )
    if said["active_seconds"] is not None:  # all revisions of a ranking together count for no more than its lease
        spent = assignment.judgments.aggregate(all=Sum("active_seconds", default=0))["all"]
        said["active_seconds"] = max(0.0, min(said["active_seconds"], assignment.project.lease_seconds - spent))
    judgment = _store(assignment, key, revision=last.revision + 1, **said)
    count_person(assignment.project_id, person.pk, revisions=+1, active_seconds=said["active_seconds"] or 0)
    screening.after_judgment(assignment, judgment)
    return SubmitResult(judgment, replayed=False)


def _in_words(seconds: int) -> str:
    return f"{seconds // 60} minutes" if seconds >= 120 else f"{seconds} seconds"


def _check_said(
    assignment: Assignment, ranks: Sequence[int | None], comment: str, active_seconds: float | None
) -> dict[str, Any]:
    project = assignment.project
    return {
        "ranks": check_ranks(ranks, k=assignment.comparison.k, allow_ties=project.allow_ties),
        "comment": check_text(comment, "comment", empty=True, longest=MAX_COMMENT).strip(),
        "active_seconds": check_active_seconds(active_seconds, longest=project.lease_seconds),
    }


def _store(assignment: Assignment, key: str, revision: int, **said: Any) -> Judgment:
    judgment = Judgment(assignment=assignment, key=key, revision=revision, created=timezone.now(), **said)
    judgment.pk = add(Judgment, {name: getattr(judgment, name) for name in _COLUMNS})
    judgment._state.adding, judgment._state.db = False, "default"
    assignment.latest, assignment.ahead = judgment, False
    values = [str(assignment.state), assignment.slot, judgment.pk, False, assignment.pk]
    change(Assignment, "state = %s, slot = %s, latest_id = %s, ahead = %s", "id = %s", values)
    return judgment


def check_key(key: Any) -> str:
    """An idempotency key: text of 1 to 64 characters, made by the client once for each ranking."""
    return check_text(key, "key", longest=64)


def check_ranks(ranks: Any, *, k: int, allow_ties: bool = True) -> Ranks:
    """Ranks as 1 … m without gaps. At least two completions are ranked; ties only where they are allowed."""
    if not isinstance(ranks, (list, tuple)):
        raise ActionError(f"ranks must be a list, not {kind_of(ranks)}.", field="ranks")
    if len(ranks) != k:
        raise ActionError(f"ranks has {len(ranks)} entries; there are {k} completions.", field="ranks")
    for place, rank in enumerate(ranks):
        if rank is not None and (isinstance(rank, bool) or not isinstance(rank, int) or rank < 1):
            raise ActionError(
                f"ranks[{place}] must be a whole number from 1, or null for not ranked, not {rank!r:.40}.",
                field=f"ranks[{place}]",
            )
    given = [rank for rank in ranks if rank is not None]
    if len(given) < 2:
        raise ActionError("Rank at least two completions; one alone says nothing about preference.", field="ranks")
    if not allow_ties and len(set(given)) < len(given):
        raise ActionError("Two completions have the same rank, and this project does not allow ties.", field="ranks")
    dense = {rank: place for place, rank in enumerate(sorted(set(given)), start=1)}
    return [None if rank is None else dense[rank] for rank in ranks]


def check_active_seconds(seconds: Any, *, longest: float) -> float | None:
    """Seconds of work, cut to 0 … `longest`; None when unknown."""
    if seconds is None:
        return None
    # an integer may be too large for any float, and is cut like one that is merely large
    endless = isinstance(seconds, float) and not math.isfinite(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or endless:
        raise ActionError("active_seconds must be a number of seconds.", field="active_seconds")
    return float(min(max(seconds, 0), longest))
