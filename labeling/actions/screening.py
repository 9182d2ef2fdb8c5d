"""Passing the qualification set before work is given, and staying above the floor on gold afterwards."""

import hashlib
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from labeling.actions.draws import draw
from labeling.actions.errors import ActionError
from labeling.actions.leases import FREE_AGAIN, Taking
from labeling.actions.nothing import NothingLeft, nothing
from labeling.actions.notices import settle, tell_lead
from labeling.actions.projects import set_member_state
from labeling.actions.queue import lanes_for
from labeling.agreement import Figure, accuracy_on_known, kappa_with_known, right_of
from labeling.models import Assignment, Comparison, GoldAnswer, Judgment, Membership, Notice, Project, ScreeningAttempt
from labeling.queries.quality import NOT_COLLECTED, latest_gold, practice_rows

Kind, State, Try = Assignment.Kind, Assignment.State, ScreeningAttempt.State
DONE = (State.JUDGED, State.SKIPPED)
LOOKS = 3
PAUSED_BECAUSE = (
    "Lately your rankings differ from what this project looks for more often than usual. A lead has been told and "
    "will talk it over with you."
)


def is_asked_of(project: Project, member: Membership | None) -> bool:
    """Whether the person has to pass the qualification set first: annotators of projects that screen."""
    return bool(
        project.screening_items
        and member is not None
        and member.role == Membership.Role.ANNOTATOR
        and member.qualified is None
    )


@transaction.atomic
def next_practice(*, person: Any, project: Project) -> Taking | NothingLeft | None:
    """The next item of the person's try; why there is none; or None: they may go on with work.

    A project that screens and has no practice item for somebody gives them work and tells a lead: a set that was
    forgotten stops nobody. IntegrityError: the same person opened the try in another tab; look again.
    """
    found = _open_try(person, project)
    if found is None:
        if _tries_used(person.pk, project) >= project.screening_tries:
            return nothing("screened_out")
        items = _practice_items(person, project)
        if not items:
            _tell_of_missing_items(project)
            return None
        found = _start_try(person, project, len(items))
    return _next_item(found, person)


def _next_item(attempt: ScreeningAttempt, person: Any) -> Taking | NothingLeft | None:
    states = dict(_assignments(attempt).values_list("comparison", "state"))
    done, leased = (sum(state in wanted for state in states.values()) for wanted in (DONE, [State.LEASED]))
    if done + leased < attempt.items:
        items = _in_order(attempt, person, _practice_items(person, attempt.project))
        left = [pk for pk in items if states.get(pk) not in (*DONE, State.LEASED)]
        if left:
            return Taking(left[0], Kind.PRACTICE, attempt=attempt.number)
    if leased:
        return nothing("all_leased")  # it is asked for one ahead, and the last one is in hand
    if not done:
        attempt.delete()  # a lead took the items away before the first was judged
        return None
    _conclude(attempt)
    return next_practice(person=person, project=attempt.project) if attempt.state == Try.FAILED else None


def after_judgment(assignment: Assignment, judgment: Judgment) -> None:
    """What follows from a judgment for its person. Runs inside the transaction that stored it."""
    if assignment.kind == Kind.PRACTICE:
        found = _open_try(assignment.annotator, assignment.project)
        is_its_try = found is not None and found.number == assignment.attempt
        if is_its_try and _assignments(found).filter(state__in=DONE).count() >= found.items:
            _conclude(found)
    elif assignment.project.gold_floor and looks_at_gold(assignment):
        _hold_to_the_floor(assignment.annotator, assignment.project)


def looks_at_gold(assignment: Assignment) -> bool:
    """Whether the floor is looked at after this item: after one of every LOOKS, drawn for the person. Looked at after
    each gold item alone, a pause would tell that the item before it was one."""
    stretch, place = divmod(assignment.number, LOOKS)
    return place == draw(f"{assignment.project.seed}:{assignment.annotator_id}:floor:{stretch}", LOOKS)


@transaction.atomic
def let_pass(*, membership: Membership, by: Any = None) -> Membership:
    """Let a person work who has not passed the practice items; a lead's decision. Twice changes nothing."""
    if membership.qualified is None:
        membership.qualified = timezone.now()
        membership.save(update_fields=["qualified"])
    _settle_screened_out(membership, by, "let pass")
    return membership


@transaction.atomic
def grant_try(*, membership: Membership, by: Any = None) -> ScreeningAttempt:
    """Open one more try, beyond what the project gives. The open one, if there is one.

    Raises ActionError "conflict" when they have passed already, or there is no practice item for them.
    """
    person, project = membership.person, membership.project
    if membership.qualified is not None:
        raise ActionError(f"{person} has passed already.", "conflict")
    found = _open_try(person, project)
    if found is None:
        items = len(_practice_items(person, project))
        if not items:
            raise ActionError("There are no practice items to try; mark some comparisons for practice.", "conflict")
        found = _start_try(person, project, items)
    _settle_screened_out(membership, by, "one more try")
    return found


def _open_try(person: Any, project: Project) -> ScreeningAttempt | None:
    found = ScreeningAttempt.objects.filter(project=project, person=person, state=Try.OPEN).first()
    if found is not None:
        found.project, found.person = project, person
    return found


def _tries_used(person_id: int, project: Project) -> int:
    return ScreeningAttempt.objects.filter(project=project, person=person_id, state=Try.FAILED).count()


def _start_try(person: Any, project: Project, available: int) -> ScreeningAttempt:
    """With fewer items than the project asks for, the try has those that are there."""
    tried = ScreeningAttempt.objects.filter(project=project, person=person).aggregate(last=Max("number"))["last"]
    practised = Assignment.objects.filter(NOT_COLLECTED, project=project, annotator=person, kind=Kind.PRACTICE)
    imported = practised.aggregate(last=Max("attempt"))["last"]  # judged elsewhere, where tries had numbers too
    return ScreeningAttempt.objects.create(
        project=project,
        person=person,
        number=max(tried or 0, imported or 0) + 1,
        items=min(project.screening_items or available, available),
    )


def _assignments(attempt: ScreeningAttempt) -> Any:
    return Assignment.objects.filter(
        NOT_COLLECTED,
        project=attempt.project_id,
        annotator=attempt.person_id,
        kind=Kind.PRACTICE,
        attempt=attempt.number,
    )


def _practice_items(person: Any, project: Project) -> list[int]:
    """Comparisons for practice that the person may read and has not had as work."""
    member = Membership.objects.filter(project=project, person=person).first()
    lanes, _ = lanes_for(project, member)
    had = Assignment.objects.filter(comparison=OuterRef("comparison"), annotator=person).exclude(kind=Kind.PRACTICE)
    items = GoldAnswer.objects.filter(
        project=project,
        use=GoldAnswer.Use.PRACTICE,
        comparison__state=Comparison.State.OPEN,
        comparison__lane__in=lanes,
    ).filter(~Exists(had.exclude(state__in=FREE_AGAIN)))
    return list(items.values_list("comparison", flat=True))


def _in_order(attempt: ScreeningAttempt, person: Any, items: list[int]) -> list[int]:
    """Shuffled for this person and this try; items whose answer an earlier try has shown come last."""
    earlier = Assignment.objects.filter(
        NOT_COLLECTED,
        project=attempt.project_id,
        annotator=person,
        kind=Kind.PRACTICE,
        state__in=DONE,
        attempt__lt=attempt.number,
    )
    shown = set(earlier.values_list("comparison", flat=True))

    def place(pk: int) -> tuple[bool, bytes]:
        drawn = f"{attempt.project.seed}:{person.pk}:practice:{attempt.number}:{pk}"
        return pk in shown, hashlib.sha256(drawn.encode()).digest()

    return sorted(items, key=place)


def _conclude(attempt: ScreeningAttempt) -> None:
    """Compare the try with the marks of the project. A mark that cannot be computed is not asked for."""
    locked = ScreeningAttempt.objects.select_for_update(no_key=True).get(pk=attempt.pk)
    if locked.state == Try.OPEN:
        rows = practice_rows(attempt)
        accuracy, agreement = accuracy_on_known(rows), kappa_with_known(rows)
        locked.accuracy, locked.agreement = accuracy.value, agreement.value
        locked.state = Try.PASSED if _reaches(attempt.project, accuracy, agreement) else Try.FAILED
        locked.finished = timezone.now()
        locked.save(update_fields=["accuracy", "agreement", "state", "finished"])
        _follow(locked, attempt.project, attempt.person)
    attempt.state, attempt.accuracy, attempt.agreement = locked.state, locked.accuracy, locked.agreement


def _reaches(project: Project, accuracy: Figure, agreement: Figure) -> bool:
    right = accuracy.value is None or 100 * accuracy.value >= project.screening_accuracy - 1e-9
    return right and (agreement.value is None or agreement.value >= project.screening_agreement - 1e-9)


def _follow(attempt: ScreeningAttempt, project: Project, person: Any) -> None:
    """Let the person work, or tell a lead that they have no try left."""
    waiting = Membership.objects.filter(project=project, person=person, qualified=None)
    if attempt.state == Try.PASSED:
        waiting.update(qualified=timezone.now())
    elif _tries_used(person.pk, project) >= project.screening_tries and waiting.exists():
        tries = "try" if attempt.number == 1 else f"{attempt.number} tries"
        said = ", ".join(filter(None, [_percent(attempt.accuracy), _kappa(attempt.agreement)]))
        text = f"{person} has not passed the practice items in {tries}" + (f"; the last: {said}." if said else ".")
        tell_lead(project, Notice.Kind.SCREENED_OUT, text, person=person)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} % of the pairs right"


def _kappa(value: float | None) -> str:
    return "" if value is None else f"κ {value:.2f}"


def _settle_screened_out(membership: Membership, by: Any, resolution: str) -> None:
    open_ones = Notice.objects.filter(
        project=membership.project_id, person=membership.person_id, kind=Notice.Kind.SCREENED_OUT, settled=None
    )
    for notice in open_ones:
        settle(notice=notice, by=by, resolution=resolution)


def _tell_of_missing_items(project: Project) -> None:
    tell_lead(
        project,
        Notice.Kind.NO_PRACTICE,
        "People are to pass practice items before they get work, but for some there is none. Mark comparisons for "
        "practice, or set the screening to 0 items. Until then these people are given work without it.",
    )


def _hold_to_the_floor(person: Any, project: Project) -> None:
    """Pause somebody whose accuracy on their latest gold lies below the floor, and tell the leads.

    The words do not say which items were gold, nor how many. Leads are never paused: nobody could resume the last.
    """
    member = Membership.objects.filter(project=project, person=person, state=Membership.State.ACTIVE).first()
    if member is None or member.role == Membership.Role.LEAD:
        return
    latest = latest_gold(project, person, project.gold_window, since=member.gold_since)
    if 2 * len(latest) < project.gold_window:
        return
    counted = [right_of(said, known) for said, known in latest]
    right, strict = sum(each for each, _ in counted), sum(each for _, each in counted)
    if not strict or 100 * right >= project.gold_floor * strict:
        return
    set_member_state(membership=member, state=Membership.State.PAUSED, reason=PAUSED_BECAUSE)
    text = (
        f"{person} ordered {right} of {strict} pairs as known, {100 * right / strict:.0f} %, on the latest "
        f"{len(latest)} gold items; the floor is {project.gold_floor} %. They are paused until a lead resumes them."
    )
    tell_lead(project, Notice.Kind.BELOW_FLOOR, text, person=person)
