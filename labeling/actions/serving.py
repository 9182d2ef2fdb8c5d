"""Who ranks what next."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from labeling.actions import screening
from labeling.actions.draws import draw_special
from labeling.actions.errors import ActionError
from labeling.actions.leases import FREE_AGAIN, Kind, State, Taking, free_expired_leases, free_leases, lease_end, take
from labeling.actions.nothing import DONE_BY_OTHERS, NothingLeft, nothing
from labeling.actions.queue import PASSED, first_offers, lanes_for, lock_first
from labeling.actions.specials import pick_gold, pick_repeat
from labeling.actions.tallies import tally_of
from labeling.models import Assignment, Comparison, Membership, PersonTally, Project, ProjectTally
from labeling.policies import role_in
from labeling.statements import change, find, find_one, rows, stored

ATTEMPTS = 20
RECENT = 50


def serve_next(*, person: Any, project: Project, ahead: bool = False) -> Assignment | NothingLeft:
    """The comparison this person holds in the project, or the next one for them, leased to them.

    ahead: one more, beyond the one they hold, on a short lease, so that the page has it at hand. When the one they
    held is done, the one ahead becomes theirs.
    """
    member = find_one(Membership, "project_id = %s AND person_id = %s", [project.pk, person.pk])
    closed = _closed_to(person, project, member)
    if closed is not None:
        return closed
    for again in range(ATTEMPTS):
        tally = tally_of(project, person)
        try:
            # whoever holds nothing is not asked what; should the count be wrong, the lease collides and they are
            held = _held(person, project, ahead) if tally.leased or again else None
            found = held or _lease_next(person, project, member, tally, ahead)
        except IntegrityError:
            continue  # somebody took the slot, or the same person in another tab; look again
        if not isinstance(found, NothingLeft):
            return found if held is not None else _unless_closed(found, person, project)
        if not free_expired_leases(project=project) and not PASSED.forget(person.pk):
            return found
    raise ActionError("The queue is too busy to find a comparison; try again in a moment.", "conflict")


def _unless_closed(taken: Assignment, person: Any, project: Project) -> Assignment | NothingLeft:
    """What was just taken, or, for somebody whom a lead has stopped meanwhile, why not: it is given back. Asked after
    the lease is stored, and a lead frees leases after the stop is stored, so that one of the two sees the other."""
    member = find_one(Membership, "project_id = %s AND person_id = %s", [project.pk, person.pk])
    closed = _closed_to(person, project, member)
    if closed is None or closed.reason == "paused":  # of a paused project, what is open stays with its people
        return taken
    free_leases([taken.pk])
    return closed


def _closed_to(person: Any, project: Project, member: Membership | None) -> NothingLeft | None:
    if role_in(person, project, member) is None:
        return nothing("not_member")
    if member is not None and member.state == Membership.State.PAUSED:
        return nothing("person_paused", more=member.pause_reason)
    if project.state != Project.State.ACTIVE:
        return nothing("paused")
    return None


def _held(person: Any, project: Project, ahead: bool) -> Assignment | None:
    """The lease this person has. Renewed when its time is up or half gone: the slot is still theirs.

    Without a lease in hand the one ahead moves up.
    """
    mine = "project_id = %s AND annotator_id = %s AND state = 'leased' ORDER BY ahead"
    held = find(Assignment, mine, [project.pk, person.pk])
    for each in held:
        found = find_one(Comparison, "id = %s", [each.comparison_id])
        if found is None or found.state != Comparison.State.OPEN:
            free_leases([each.pk])
            raise IntegrityError("a lead has closed what the person held")
        each.comparison = found
    in_hand = next((each for each in held if not each.ahead), None)
    if in_hand is None and held:
        in_hand = _renewed(held.pop(), project, ahead=False)
    wanted = in_hand if not ahead else next((each for each in held if each.ahead), None)
    if wanted is None:
        return None
    wanted.project = project
    half = (lease_end(project, ahead) - timezone.now()) / 2
    return wanted if wanted.expires > timezone.now() + half else _renewed(wanted, project, ahead)


def _renewed(held: Assignment, project: Project, ahead: bool) -> Assignment:
    expires = lease_end(project, ahead)
    if not Assignment.objects.filter(pk=held.pk, state=State.LEASED).update(expires=expires, ahead=ahead):
        raise IntegrityError("the lease ended meanwhile")
    held.expires, held.ahead, held.project = expires, ahead, project
    return held


def _lease_next(
    person: Any, project: Project, member: Membership | None, tally: PersonTally, ahead: bool
) -> Assignment | NothingLeft:
    """Look without a lock, then take what was found in a short transaction. IntegrityError means look again."""
    if screening.is_asked_of(project, member):
        practice = screening.next_practice(person=person, project=project)
        if isinstance(practice, NothingLeft):
            return practice
        if practice is not None:
            with transaction.atomic():
                return _taken([practice], person, project, tally, ahead) or nothing("all_done")
    lanes, others = lanes_for(project, member)
    special = _special(person, project, lanes, tally)
    if special is not None:
        with transaction.atomic():
            assignment = _taken([special], person, project, tally, ahead)
        if assignment is not None:
            return assignment
    offers = first_offers(person, project, lanes, tally)
    if not offers:
        return _nothing_left(person, project, lanes, others, tally)
    with transaction.atomic():
        takings = [Taking(offer.comparison_id) for offer in lock_first(offers)]
        assignment = _taken(takings, person, project, tally, ahead)
    if assignment is None:
        raise IntegrityError("all that was open is taken")
    return assignment


def _special(person: Any, project: Project, lanes: list[int], tally: PersonTally) -> Taking | None:
    kind = draw_special(project.seed, person.pk, tally.opened, project.gold_percent, project.repeat_percent)
    if kind == "gold":
        return pick_gold(person, project, lanes, tally)
    return pick_repeat(person, project, tally) if kind == "repeat" else None


def _taken(takings: list[Taking], person: Any, project: Project, tally: PersonTally, ahead: bool) -> Assignment | None:
    """The first of these that can be taken, leased. IntegrityError when the person was served meanwhile.

    Runs inside a transaction."""
    for taking in takings:
        numbered = Taking(taking.comparison_id, taking.kind, taking.attempt, tally.opened, ahead)
        assignment = take(numbered, person, project)
        if assignment is None:
            continue
        recent = [assignment.comparison.prompt_id, *tally.recent][:RECENT]
        work = int(taking.kind != Kind.PRACTICE)  # practice is no work: the draws do not count it
        served = "opened = opened + %s, leased = leased + 1, recent = %s"
        if not change(PersonTally, served, "id = %s AND opened = %s", [work, stored(recent), tally.pk, tally.opened]):
            raise IntegrityError("the same person was served in another tab")
        return assignment
    return None


def _nothing_left(
    person: Any, project: Project, lanes: list[int], others: list[int], tally: PersonTally
) -> NothingLeft:
    mine = Assignment.objects.filter(comparison=OuterRef("comparison"), annotator=person, attempt=0)
    leased = (
        Assignment.objects.filter(project=project, state=State.LEASED, kind=Kind.COLLECT, comparison__lane__in=lanes)
        .filter(comparison__state=Comparison.State.OPEN)
        .filter(~Exists(mine.exclude(state__in=FREE_AGAIN)))
        .order_by("expires")
    )
    next_expiry = leased.values_list("expires", flat=True).first()
    if next_expiry is not None:
        return nothing("all_leased", next_expiry)
    elsewhere = Comparison.objects.filter(state=Comparison.State.OPEN, gold=False, live__lt=F("overlap"))
    had = Assignment.objects.filter(comparison=OuterRef("pk"), annotator=person, attempt=0)
    if others and elsewhere.filter(~Exists(had.exclude(state__in=FREE_AGAIN)), lane__in=others).exists():
        return nothing("not_qualified")
    if any(rows(_HELD_BACK, [lane, person.pk]) for lane in lanes):
        return nothing("held_back")
    holds = ProjectTally.objects.filter(project=project, comparisons__gt=0).first()
    if holds is None and not tally.said:
        return nothing("no_comparisons")
    coming = holds is not None and holds.prompts_compared < holds.prompts
    more = "More comes when the other prompts have their answers." if coming else ""
    return nothing("all_done", words="" if tally.said else DONE_BY_OTHERS, more=more)


# Written out so that SQLite sees that the index of just these comparisons serves.
_HELD_BACK = """
    SELECT c.id FROM labeling_comparison c
    WHERE c.lane_id = %s AND c.state IN ('paused', 'review') AND NOT c.gold AND c.live < c.overlap AND NOT EXISTS (
        SELECT 1 FROM labeling_assignment a WHERE a.comparison_id = c.id AND a.annotator_id = %s AND a.attempt = 0
        AND a.state NOT IN ('released', 'expired'))
    LIMIT 1
"""
