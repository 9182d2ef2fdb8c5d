"""Taking a comparison for a person, keeping it, and giving it back.

The row of a comparison is the lock of its slots: whoever takes or frees a slot first locks or updates that row, then
touches assignments, then tallies. With one order for all there is no deadlock, and `Comparison.live` always equals the
slots held.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from labeling.actions.content import check_text
from labeling.actions.draws import draw, draw_order
from labeling.actions.errors import ActionError
from labeling.actions.notices import tell_of_skips
from labeling.actions.queue import level_sql
from labeling.actions.tallies import count_person
from labeling.models import Assignment, Comparison, Membership, Project
from labeling.policies import may_hold
from labeling.statements import add, changed, find, find_one

State, Kind = Assignment.State, Assignment.Kind
LIVE = (State.LEASED, State.JUDGED)
FREE_AGAIN = (State.RELEASED, State.EXPIRED)
AHEAD_SECONDS = 120
_COLUMNS = [field.column for field in Assignment._meta.concrete_fields if not field.primary_key]
FREED_AT_ONCE = 500


@dataclass(frozen=True)
class Taking:
    """What is to be leased: a comparison, as what, and the how-many-th item of the person it will be."""

    comparison_id: int
    kind: str = Kind.COLLECT
    attempt: int = 0
    number: int = 0
    ahead: bool = False


def count_live(comparison_id: int, by: int, project: Project, even_closed: bool = False) -> Comparison | None:
    """Move `live` of an open comparison by +1 (a slot is taken) or of any by −1; None when none was free.

    A conditional UPDATE: of two who want the last slot, one changes no row. even_closed: also of one that is
    paused or with a lead, for work that was begun before.
    """
    free = ""
    if by > 0:
        state = "state <> 'retired'" if even_closed else "state = 'open'"
        free = f" AND live < overlap AND NOT gold AND {state}"
    moved = f"live = live + ({by:d}), level = {level_sql(project.order, f'live + ({by:d})')}"
    return changed(Comparison, moved, f"id = %s{free}", [comparison_id])


def take(taking: Taking, person: Any, project: Project) -> Assignment | None:
    """Lease the comparison to the person; None when no slot is free. Runs inside a transaction.

    IntegrityError: the same person took it, or another comparison, in another tab.
    """
    if taking.kind == Kind.COLLECT:
        comparison = count_live(taking.comparison_id, +1, project)
        return None if comparison is None else _write_lease(comparison, taking, person, project)
    comparison = find_one(Comparison, "id = %s", [taking.comparison_id])
    if comparison is None:
        raise IntegrityError("the comparison is gone")
    if comparison.state != Comparison.State.OPEN:
        return None
    return _write_lease(comparison, taking, person, project)


def _write_lease(comparison: Comparison, taking: Taking, person: Any, project: Project) -> Assignment:
    """The lease at the lowest free slot. `live` has been counted, so this transaction holds the comparison's row."""
    there = find(
        Assignment,
        "comparison_id = %s AND (slot IS NOT NULL OR (annotator_id = %s AND attempt = %s))",
        [comparison.pk, person.pk, taking.attempt],
    )
    earlier = next((each for each in there if each.annotator_id == person.pk and each.attempt == taking.attempt), None)
    lease = earlier or Assignment(
        annotator=person,
        attempt=taking.attempt,
        shown=draw_order(project.seed, comparison.pk, person.pk, comparison.k, taking.attempt),
        created=timezone.now(),
    )
    if lease.state in (*LIVE, State.SURPLUS) and earlier:
        raise IntegrityError("the assignment became live meanwhile")
    lease.project, lease.comparison = project, comparison
    lease.slot = _lowest_free({each.slot for each in there}) if taking.kind == Kind.COLLECT else None
    lease.kind, lease.number, lease.ahead = str(taking.kind), taking.number, taking.ahead
    lease.state, lease.skip_reason = str(State.LEASED), ""
    lease.expires = lease_end(project, ahead=taking.ahead)
    if earlier:
        lease.save()
    else:
        lease.pk = add(Assignment, {name: getattr(lease, name) for name in _COLUMNS})
        lease._state.adding, lease._state.db = False, "default"
    return lease


def free_slot(comparison: Comparison) -> int:
    """The lowest slot that nobody holds. The caller has locked the comparison and counted the slot."""
    return _lowest_free(set(comparison.assignments.filter(slot__isnull=False).values_list("slot", flat=True)))


def _lowest_free(taken: set[int | None]) -> int:
    return next(number for number in range(len(taken) + 1) if number not in taken)


def lease_end(project: Project, ahead: bool = False) -> datetime:
    """When a lease opened now ends; one ahead of its turn is short, for it may never be looked at."""
    seconds = min(project.lease_seconds, AHEAD_SECONDS) if ahead else project.lease_seconds
    return timezone.now() + timedelta(seconds=seconds)


@transaction.atomic
def renew_lease(*, person: Any, assignment: Assignment) -> Assignment:
    """Lengthen the lease while the page is used. A lease that expired is taken again if a slot is free.

    Raises ActionError "not_found" for somebody else's, "conflict" once judged or left, "gone" when no slot is left.
    """
    held = own_assignment(person=person, assignment_id=assignment.pk)
    if held.state in FREE_AGAIN:
        return _retake(held)
    if held.state != State.LEASED:
        raise ActionError(
            f"This comparison is not open with you: it is {held.get_state_display().lower()}.", "conflict"
        )
    held.expires = lease_end(held.project, held.ahead)
    held.save(update_fields=["expires"])
    return held


def _retake(held: Assignment) -> Assignment:
    """Hold a comparison again after its lease was lost. The caller holds the locks of `own_assignment`."""
    mine = Membership.objects.filter(project=held.project_id, person=held.annotator_id)
    if mine.exclude(state=Membership.State.ACTIVE).exists():  # a lead gave what they held to others
        raise ActionError("Your work here is paused. You can still submit what you have.", "conflict")
    if held.project.state != Project.State.ACTIVE:
        raise ActionError("Ranking is paused here. You can still submit what you have.", "conflict")
    if Assignment.objects.filter(
        project_id=held.project_id, annotator_id=held.annotator_id, state=State.LEASED, ahead=False
    ).exists():
        raise ActionError("Another comparison is open with you by now; go on with that one.", "conflict")
    try:
        with transaction.atomic():
            again = Taking(held.comparison_id, held.kind, held.attempt, held.number)
            taken = None if _lapses(held) else take(again, held.annotator, held.project)
    except IntegrityError:
        raise ActionError("Another comparison is open with you by now; go on with that one.", "conflict") from None
    if taken is None:
        raise ActionError(
            "This comparison was given to somebody else because it was left open too long. You can still submit what "
            "you have: it is kept as an extra judgment.",
            "gone",
        )
    count_person(held.project_id, held.annotator_id, leased=+1)
    return taken


def _lapses(held: Assignment) -> bool:
    """Whether an item that measures its person counts as given to others. It never is; but were it always there to be
    taken again, that would tell what it is. Practice is open about it."""
    hidden = held.kind in (Kind.GOLD, Kind.REPEAT)
    return hidden and draw(f"{held.project.seed}:{held.annotator_id}:lapse:{held.pk}", 2) == 0


def release(*, person: Any, assignment: Assignment) -> Assignment:
    """Give the comparison back unjudged; it may come again to the same person."""
    return _leave(person, assignment.pk, State.RELEASED)


def give_back(*, person: Any, assignment: Assignment) -> Assignment:
    """Give back what was held ahead and not looked at; what is in hand by now, or done with, stays as it is."""
    return _leave(person, assignment.pk, State.RELEASED, only_ahead=True)


def skip(*, person: Any, assignment: Assignment, reason: str = "") -> Assignment:
    """Put the comparison aside with a reason; it goes to others and does not come again to this person.

    Skipped by as many people as the project says, it goes to a lead.
    """
    return _leave(person, assignment.pk, State.SKIPPED, check_text(reason, "reason", empty=True, longest=200).strip())


@transaction.atomic
def _leave(person: Any, assignment_id: int, state: str, reason: str = "", only_ahead: bool = False) -> Assignment:
    held = own_assignment(person=person, assignment_id=assignment_id)
    if only_ahead and not held.ahead:
        return held
    if held.state in (State.JUDGED, State.SURPLUS):
        raise ActionError("Your ranking of this comparison is stored already; it cannot be left.", "conflict")
    if held.state == state:
        return held
    was_leased, was_skipped = held.state == State.LEASED, held.state == State.SKIPPED
    if was_leased and held.slot is not None:
        count_live(held.comparison_id, -1, held.project)
    held.state, held.slot, held.skip_reason, held.ahead = state, None, reason, False
    held.save(update_fields=["state", "slot", "skip_reason", "ahead"])
    skipped = int(state == State.SKIPPED) - int(was_skipped)
    count_person(held.project_id, held.annotator_id, leased=-int(was_leased), skipped=skipped)
    if skipped:
        Comparison.objects.filter(pk=held.comparison_id).update(skips=F("skips") + skipped)
        tell_of_skips(held.comparison, held.project, reason)
    return held


_THEIRS = """id = %s AND (%s OR EXISTS (
    SELECT 1 FROM labeling_membership m
    WHERE m.project_id = labeling_project.id AND m.person_id = %s AND m.state <> 'retired'))"""


def own_assignment(*, person: Any, assignment_id: int) -> Assignment:
    """The person's assignment in a project that they are (still) in, locked together with its comparison. Runs inside
    a transaction.

    Raises ActionError "not_found" when there is none or it is somebody else's: the two look the same.
    """
    theirs = "id = (SELECT comparison_id FROM labeling_assignment WHERE id = %s)"
    comparison = find_one(Comparison, theirs, [assignment_id], lock=True)
    assignment = find_one(Assignment, "id = %s", [assignment_id], lock=True)
    if comparison is None or assignment is None or not may_hold(person, assignment):
        raise ActionError("There is no such assignment of yours.", "not_found")
    project = find_one(Project, _THEIRS, [assignment.project_id, bool(person.is_superuser), person.pk])
    if project is None:
        raise ActionError("There is no such assignment of yours.", "not_found")
    assignment.comparison, assignment.annotator = comparison, person
    assignment.project = comparison.project = project
    return assignment


def free_expired_leases(now: datetime | None = None, project: Project | None = None) -> int:
    """Free the slots of leases that have ended, of one project or of all; the number freed."""
    now = now or timezone.now()
    ended = Assignment.objects.filter(state=State.LEASED, expires__lte=now)
    if project is not None:
        ended = ended.filter(project=project)
    freed = 0
    while batch := list(ended.order_by("expires").values_list("pk", flat=True)[:FREED_AT_ONCE]):
        freed_now = sum(_end(assignment_id, State.EXPIRED, expired_by=now) for assignment_id in batch)
        freed += freed_now
        if not freed_now:
            break  # others are freeing or renewing the same leases
    return freed


def free_leases(leases: Iterable[int]) -> int:
    """End these leases now, whoever holds them; the number freed. What was begun may still be submitted."""
    return sum(_end(assignment_id, State.EXPIRED) for assignment_id in leases)


def leave_all(person: Any) -> int:
    """Give back everything a person holds, in every project: they signed out. The number given back."""
    held = Assignment.objects.filter(annotator=person, state=State.LEASED).values_list("pk", flat=True)
    return sum(_end(assignment_id, State.RELEASED) for assignment_id in list(held))


@transaction.atomic
def _end(assignment_id: int, state: str, expired_by: datetime | None = None) -> int:
    """1 if this call freed the lease; 0 if it was renewed, submitted or freed meanwhile."""
    found = Assignment.objects.filter(pk=assignment_id, state=State.LEASED).select_related("project").first()
    if found is None:
        return 0
    Comparison.objects.select_for_update(no_key=True).get(pk=found.comparison_id)
    ended = Assignment.objects.filter(pk=assignment_id, state=State.LEASED)
    if expired_by is not None:
        ended = ended.filter(expires__lte=expired_by)
    if not ended.update(state=state, slot=None, ahead=False):
        return 0
    if found.kind == Kind.COLLECT:
        count_live(found.comparison_id, -1, found.project)
    count_person(found.project_id, found.annotator_id, leased=-1)
    return 1
