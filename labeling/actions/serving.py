"""Who ranks what next. Leases, and the slots they hold.

The row of a comparison is the lock of its slots: whoever takes or frees a slot first locks or updates that row, then
touches assignments. With one order for all there is no deadlock, and `Comparison.live` always equals the slots held.
"""

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from labeling.actions.comparisons import count_live
from labeling.actions.content import check_text
from labeling.actions.errors import ActionError
from labeling.models import Assignment, Comparison, Membership, Project
from labeling.policies import may_hold, role_in

State = Assignment.State
LIVE = (State.LEASED, State.JUDGED)
FREE_AGAIN = (State.RELEASED, State.EXPIRED)
ATTEMPTS = 20
FREED_AT_ONCE = 500

Reason = Literal["all_done", "all_leased", "paused", "no_comparisons", "not_member"]
WORDS: dict[str, str] = {
    "all_done": "You have ranked everything that is here for you. Thank you.",
    "all_leased": "Everything that is left is open with other people right now. It comes back when they leave it.",
    "paused": "Ranking is paused here. Your earlier rankings are safe; a lead can resume it.",
    "no_comparisons": "There is nothing to rank yet. Comparisons appear as soon as completions are there.",
    "not_member": "You are not a member of this project. Ask a lead to add you.",
}


@dataclass(frozen=True)
class NothingLeft:
    """Why there is no comparison for a person; `next_expiry` is when the next lease of somebody else ends."""

    reason: Reason
    message: str
    next_expiry: datetime | None = None


def serve_next(*, person: Any, project: Project) -> Assignment | NothingLeft:
    """The comparison this person holds in the project, or the next one that wants a judgment, leased to them.

    Higher priority first, then those with fewer judgments (all get one before any gets two), then older ones; the
    prompt they ranked last is avoided while there is another.
    """
    closed = _closed_to(person, project)
    if closed is not None:
        return closed
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                assignment = _held(person, project) or _lease_next(person, project)
        except IntegrityError:
            continue  # somebody took the slot, or the same person in another tab; look again
        if assignment is not None:
            return assignment
        if not free_expired_leases(project=project):
            return _nothing_left(person, project)
    raise ActionError("The queue is too busy to find a comparison; try again in a moment.", "conflict")


def _closed_to(person: Any, project: Project) -> NothingLeft | None:
    if role_in(person, project) is None:
        return NothingLeft("not_member", WORDS["not_member"])
    paused = Membership.objects.filter(project=project, person=person, state=Membership.State.PAUSED).exists()
    if paused or project.state != Project.State.ACTIVE:
        return NothingLeft("paused", WORDS["paused"])
    return None


def _held(person: Any, project: Project) -> Assignment | None:
    """The lease this person has, renewed when its time is up or half gone: the slot is still theirs.

    Locks the person, so that two tabs are served the same comparison. Runs inside a transaction.
    """
    get_user_model().objects.select_for_update(no_key=True).filter(pk=person.pk).first()
    held = (
        Assignment.objects.filter(annotator=person, state=State.LEASED, comparison__project=project)
        .filter(comparison__state=Comparison.State.OPEN)
        .select_related("comparison")
        .order_by("id")
        .first()
    )
    if held is None:
        return None
    if held.expires > timezone.now() + timedelta(seconds=project.lease_seconds / 2):
        return held
    expires = lease_end(project)
    if not Assignment.objects.filter(pk=held.pk, state=State.LEASED).update(expires=expires):
        return None
    held.expires = expires
    return held


def _lease_next(person: Any, project: Project) -> Assignment | None:
    """Take a slot of the first comparison in the queue. Runs inside a transaction; IntegrityError means look again."""
    comparison = _first(_waiting(person, project), _last_prompt(person, project))
    if comparison is None:
        return None
    if not count_live(comparison.pk, +1):
        raise IntegrityError("the last slot went to somebody else")
    return _take_slot(comparison, person, lease_end(project), seed=project.seed)


def _waiting(person: Any, project: Project) -> QuerySet[Comparison]:
    """Open work for the person in the order of the queue; the index `comparison_open_work` answers it."""
    mine = Assignment.objects.filter(comparison=OuterRef("pk"), annotator=person).exclude(state__in=FREE_AGAIN)
    return (
        Comparison.objects.filter(project=project, state=Comparison.State.OPEN, live__lt=F("overlap"))
        .filter(~Exists(mine))
        .order_by("-priority", "live", "id")
    )


def _first(waiting: QuerySet[Comparison], last_prompt: int | None) -> Comparison | None:
    """The head of the queue, past rows that others are taking this moment, and past the prompt ranked last."""
    others = waiting.exclude(prompt_id=last_prompt) if last_prompt else waiting
    choices = [others, waiting] if last_prompt else [waiting]
    if connection.features.has_select_for_update_skip_locked:
        choices = [each.select_for_update(skip_locked=True, of=("self",), no_key=True) for each in choices] + choices
    return next((found for each in choices if (found := each.first()) is not None), None)


def _last_prompt(person: Any, project: Project) -> int | None:
    """The prompt of the person's latest assignment in the project."""
    latest = Assignment.objects.filter(annotator=person, comparison__project=project).order_by("-id")
    return latest.values_list("comparison__prompt_id", flat=True).first()


def _take_slot(comparison: Comparison, person: Any, expires: datetime, seed: int) -> Assignment:
    """Write the lease at the lowest free slot. `live` has been counted already, so this transaction holds the row."""
    taken = set(comparison.assignments.filter(slot__isnull=False).values_list("slot", flat=True))
    slot = next(number for number in range(len(taken) + 1) if number not in taken)
    lease = {"slot": slot, "state": State.LEASED, "expires": expires, "skip_reason": ""}
    earlier = comparison.assignments.filter(annotator=person).exclude(state__in=LIVE).first()
    if earlier is None:
        shown = draw_order(seed, comparison.pk, person.pk, comparison.k)
        return Assignment.objects.create(comparison=comparison, annotator=person, shown=shown, **lease)
    if not Assignment.objects.filter(pk=earlier.pk).exclude(state__in=LIVE).update(**lease):
        raise IntegrityError("the assignment became live meanwhile")
    earlier.refresh_from_db()
    return earlier


def draw_order(seed: int, comparison_id: int, person_id: int, k: int) -> list[int]:
    """A random order of the canonical positions 0 … k−1: always the same for one seed, comparison and person."""
    digest = hashlib.sha256(f"{seed}:{comparison_id}:{person_id}".encode()).digest()
    order = list(range(k))
    random.Random(digest).shuffle(order)  # noqa: S311 - an order on a page, no secret
    return order


def lease_end(project: Project) -> datetime:
    """When a lease opened now ends."""
    return timezone.now() + timedelta(seconds=project.lease_seconds)


def _nothing_left(person: Any, project: Project) -> NothingLeft:
    comparisons = Comparison.objects.filter(project=project, state=Comparison.State.OPEN)
    if not comparisons.exists():
        return NothingLeft("no_comparisons", WORDS["no_comparisons"])
    mine = Assignment.objects.filter(comparison=OuterRef("comparison_id"), annotator=person)
    others = (
        Assignment.objects.filter(state=State.LEASED, comparison__in=comparisons)
        .filter(~Exists(mine.exclude(state__in=FREE_AGAIN)))
        .order_by("expires")
    )
    next_expiry = others.values_list("expires", flat=True).first()
    if next_expiry is None:
        return NothingLeft("all_done", WORDS["all_done"])
    return NothingLeft("all_leased", WORDS["all_leased"], next_expiry)


@transaction.atomic
def renew_lease(*, person: Any, assignment: Assignment) -> Assignment:
    """Lengthen the lease while the page is used. A lease that expired is taken again if a slot is free.

    Raises ActionError "not_found" for somebody else's, "conflict" once judged or left, "gone" when no slot is left.
    """
    held = own_assignment(person=person, assignment_id=assignment.pk)
    if held.state == State.EXPIRED:
        return retake_slot(held)
    if held.state != State.LEASED:
        raise ActionError(
            f"This comparison is not open with you: it is {held.get_state_display().lower()}.", "conflict"
        )
    held.expires = lease_end(held.comparison.project)
    held.save(update_fields=["expires"])
    return held


def release(*, person: Any, assignment: Assignment) -> Assignment:
    """Give the comparison back unjudged; it may come again to the same person."""
    return _leave(person, assignment.pk, State.RELEASED)


def skip(*, person: Any, assignment: Assignment, reason: str = "") -> Assignment:
    """Put the comparison aside with a reason; it goes to others and does not come again to this person."""
    return _leave(person, assignment.pk, State.SKIPPED, check_text(reason, "reason", empty=True, longest=200).strip())


@transaction.atomic
def _leave(person: Any, assignment_id: int, state: str, reason: str = "") -> Assignment:
    held = own_assignment(person=person, assignment_id=assignment_id)
    if held.state == State.JUDGED:
        raise ActionError("Your ranking of this comparison is stored already; it cannot be left.", "conflict")
    if held.state == State.LEASED:
        count_live(held.comparison_id, -1)
    held.state, held.slot, held.skip_reason = state, None, reason
    held.save(update_fields=["state", "slot", "skip_reason"])
    return held


def own_assignment(*, person: Any, assignment_id: int) -> Assignment:
    """The person's assignment, locked together with its comparison. Runs inside a transaction.

    Raises ActionError "not_found" when there is none or it is somebody else's: the two look the same.
    """
    missing = ActionError("There is no such assignment of yours.", "not_found")
    found = Assignment.objects.filter(pk=assignment_id).values_list("comparison_id", flat=True).first()
    if found is None:
        raise missing
    comparison = Comparison.objects.select_for_update(no_key=True).get(pk=found)
    assignment = Assignment.objects.select_for_update(no_key=True).filter(pk=assignment_id).first()
    if assignment is None or not may_hold(person, assignment):
        raise missing
    assignment.comparison = comparison
    return assignment


def retake_slot(assignment: Assignment) -> Assignment:
    """Hold a slot again for an assignment that lost its own. The caller holds the locks of `own_assignment`.

    Raises ActionError "gone" when none is free.
    """
    comparison = assignment.comparison
    if not count_live(comparison.pk, +1):
        raise ActionError(
            "This comparison was given to somebody else because it was left open too long. Your text is still on "
            "the page; copy what you want to keep and go on with the next one.",
            "gone",
        )
    project = comparison.project
    leased = _take_slot(comparison, assignment.annotator, lease_end(project), seed=project.seed)
    leased.comparison = comparison
    return leased


def free_expired_leases(now: datetime | None = None, project: Project | None = None) -> int:
    """Free the slots of leases that have ended, of one project or of all; the number freed."""
    now = now or timezone.now()
    ended = Assignment.objects.filter(state=State.LEASED, expires__lte=now)
    if project is not None:
        ended = ended.filter(comparison__project=project)
    freed = 0
    while batch := list(ended.order_by("expires").values_list("pk", "comparison_id")[:FREED_AT_ONCE]):
        freed_now = sum(_expire(assignment_id, comparison_id, now) for assignment_id, comparison_id in batch)
        freed += freed_now
        if not freed_now:
            break  # others are freeing or renewing the same leases
    return freed


@transaction.atomic
def _expire(assignment_id: int, comparison_id: int, now: datetime) -> int:
    """1 if this call freed the slot; 0 if it was renewed, submitted or freed meanwhile."""
    Comparison.objects.select_for_update(no_key=True).get(pk=comparison_id)
    ended = Assignment.objects.filter(pk=assignment_id, state=State.LEASED, expires__lte=now)
    if not ended.update(state=State.EXPIRED, slot=None):
        return 0
    count_live(comparison_id, -1)
    return 1
