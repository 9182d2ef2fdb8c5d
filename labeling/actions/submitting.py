"""What a person said, stored once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from labeling.actions.content import check_text, kind_of
from labeling.actions.errors import ActionError
from labeling.actions.serving import own_assignment, retake_slot
from labeling.models import Assignment, Judgment

MAX_COMMENT = 20_000
Ranks = list[int | None]


@dataclass(frozen=True)
class SubmitResult:
    """The judgment that is stored; `replayed` when it was stored by an earlier submit with the same key."""

    judgment: Judgment
    replayed: bool


@transaction.atomic
def submit_judgment(
    *,
    person: Any,
    assignment_id: int,
    key: str,
    ranks: Sequence[int | None],
    comment: str = "",
    active_seconds: float | None = None,
) -> SubmitResult:
    """Store a ranking. `ranks[p]` belongs to canonical position p: 1 is best, equal is a tie, None is not ranked.

    The same key again returns the first result, whatever else it carries. A lease that has ended is honoured while a
    slot is free. Raises ActionError "not_found", "invalid" (with `field`), "conflict" (judged already under another
    key), "gone" (given to somebody else meanwhile).
    """
    check_key(key)
    assignment = own_assignment(person=person, assignment_id=assignment_id)
    stored = assignment.judgments.filter(key=key).first()
    if stored is not None:
        return SubmitResult(stored, replayed=True)
    if assignment.state == Assignment.State.JUDGED:
        raise ActionError("Your ranking of this comparison is stored already; this one was not added.", "conflict")
    said = _check_said(assignment, ranks, comment, active_seconds)
    if assignment.state != Assignment.State.LEASED:
        assignment = retake_slot(assignment)
    return SubmitResult(_store(assignment, key, revision=1, **said), replayed=False)


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
    """Store the next revision of a judgment; what was said before stays. Arguments and errors as `submit_judgment`."""
    check_key(key)
    assignment = own_assignment(person=person, assignment_id=assignment_id)
    stored = assignment.judgments.filter(key=key).first()
    if stored is not None:
        return SubmitResult(stored, replayed=True)
    if assignment.state != Assignment.State.JUDGED:
        raise ActionError("There is no judgment to amend yet; submit one.", "conflict")
    said = _check_said(assignment, ranks, comment, active_seconds)
    revision = assignment.judgments.order_by("-revision").values_list("revision", flat=True)[0] + 1
    return SubmitResult(_store(assignment, key, revision=revision, **said), replayed=False)


def _check_said(
    assignment: Assignment, ranks: Sequence[int | None], comment: str, active_seconds: float | None
) -> dict[str, Any]:
    project = assignment.comparison.project
    return {
        "ranks": check_ranks(ranks, k=assignment.comparison.k, allow_ties=project.allow_ties),
        "comment": check_text(comment, "comment", empty=True, longest=MAX_COMMENT).strip(),
        "active_seconds": check_active_seconds(active_seconds, longest=project.lease_seconds),
    }


def _store(assignment: Assignment, key: str, revision: int, **said: Any) -> Judgment:
    judgment = Judgment.objects.create(
        assignment=assignment, key=key, revision=revision, created=timezone.now(), **said
    )
    assignment.state, assignment.latest = Assignment.State.JUDGED, judgment
    assignment.save(update_fields=["state", "latest"])
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
