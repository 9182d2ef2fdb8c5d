"""What the queue tells somebody who gets nothing, and that nobody gets what is not for them."""

from collections.abc import Callable
from typing import Any

import pytest

from labeling.actions import leases, serving
from labeling.actions.comparisons import change_comparison
from labeling.actions.errors import ActionError
from labeling.actions.gold import mark_gold, unmark_gold
from labeling.actions.leases import _end, renew_lease
from labeling.actions.nothing import NothingLeft
from labeling.actions.projects import (
    add_member,
    set_abilities,
    set_member_state,
    set_project_state,
    set_role,
    update_project,
)
from labeling.actions.serving import _taken, serve_next
from labeling.actions.submitting import submit_judgment
from labeling.actions.tallies import tally_of
from labeling.models import Assignment, Comparison, Membership, Project

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]


def member(person: Any) -> Membership:
    return Membership.objects.get(person=person)


def why(person: Any, project: Project) -> str:
    served = serve_next(person=person, project=project)
    assert isinstance(served, NothingLeft), served
    return served.reason


def rank(person: Any, project: Project) -> Assignment:
    served = serve_next(person=person, project=project)
    assert isinstance(served, Assignment), served
    submit_judgment(person=person, assignment_id=served.pk, key=f"k{served.pk}", ranks=[1, 2])
    return served


@pytest.mark.parametrize("asks", [{"language": "de"}, {"qualification": "law"}], ids=["a language", "a qualification"])
def test_what_asks_for_something_goes_only_to_those_who_have_it(
    project: Project, compare: Make, annotator: Make, asks: dict[str, str]
) -> None:
    compare("Was tun?", overlap=3, **asks)
    without, with_it = annotator("ann"), annotator("ben")
    # of languages, none said means all
    set_abilities(membership=member(without), languages=["en"], qualifications=["medicine"])
    set_abilities(membership=member(with_it), languages=["de"], qualifications=["law"])
    assert why(without, project) == "not_qualified"
    rank(with_it, project)
    set_abilities(membership=member(with_it), languages=["en"], qualifications=[])
    assert why(with_it, project) == "all_done", "what they have ranked already is not what they lack anything for"


@pytest.mark.parametrize("state", ["paused", "review"])
def test_what_a_lead_holds_back_is_said_to_be_held_back(
    project: Project, compare: Make, annotator: Make, state: str
) -> None:
    ann, comparison = annotator("ann"), compare("How do I brew tea?")
    Comparison.objects.filter(pk=comparison.pk).update(state=state)
    assert why(ann, project) == "held_back"
    Comparison.objects.filter(pk=comparison.pk).update(state="open")
    rank(ann, project)
    Comparison.objects.filter(pk=comparison.pk).update(state=state)
    assert why(ann, project) == "all_done"


def test_nobody_is_thanked_for_what_others_have_ranked(project: Project, compare: Make, annotator: Make) -> None:
    compare("How do I brew tea?", overlap=1)
    ann, ben = annotator("ann"), annotator("ben")
    rank(ann, project)
    assert "You have ranked everything" in serve_next(person=ann, project=project).message
    assert "ranked by others" in serve_next(person=ben, project=project).message


def test_what_somebody_has_practised_is_not_work_for_them_later(
    project: Project, compare: Make, annotator: Make
) -> None:
    update_project(project=project, screening_items=1)
    practised, other = compare("How do I brew tea?", overlap=9), compare("And coffee?", overlap=9)
    mark_gold(comparison=practised, ranks=[1, 2], use="practice")
    ann, ben = annotator("ann"), annotator("ben")
    assert rank(ann, project).kind == "practice"
    unmark_gold(comparison=practised)
    update_project(project=project, screening_items=0)
    assert rank(ann, project).comparison_id == other.pk
    assert why(ann, project) == "all_done"
    assert {rank(ben, project).comparison_id for _ in range(2)} == {practised.pk, other.pk}


@pytest.mark.parametrize("state", ["paused", "retired"])
def test_who_is_stopped_while_they_are_served_holds_nothing(
    project: Project, compare: Make, annotator: Make, monkeypatch: Any, state: str
) -> None:
    ann = annotator("ann")
    compare("How do I brew tea?")
    lease_next = serving._lease_next

    def stopped_meanwhile(*args: Any) -> Any:
        taken = lease_next(*args)
        Membership.objects.filter(person=ann).update(state=state)  # as another process does, before it frees leases
        return taken

    monkeypatch.setattr(serving, "_lease_next", stopped_meanwhile)
    assert why(ann, project) == {"paused": "person_paused", "retired": "not_member"}[state]
    assert not Assignment.objects.filter(state="leased").exists()
    assert Comparison.objects.get().live == 0


def test_another_role_lets_nobody_back_in(project: Project, lead: Any, annotator: Make, call: Make) -> None:
    ann = annotator("ann")
    set_member_state(membership=member(ann), state="paused", reason="Come and see me.")
    sent = call(lead).patch(f"/api/projects/tea/members/{member(ann).pk}/", {"role": "reviewer"}, format="json")
    assert (sent.status_code, sent.data["role"], sent.data["state"]) == (200, "reviewer", "paused")
    set_role(membership=member(ann), role="annotator")
    assert (member(ann).state, member(ann).pause_reason) == ("paused", "Come and see me.")
    with pytest.raises(ActionError):
        set_role(membership=member(lead), role="annotator")
    add_member(project=project, person=ann)
    assert member(ann).state == "active"


@pytest.mark.parametrize("state", ["paused", "retired"])
def test_a_lost_lease_is_not_taken_again_in_a_project_that_gives_nothing_out(
    project: Project, compare: Make, annotator: Make, state: str
) -> None:
    ann = annotator("ann")
    compare("How do I brew tea?")
    held = serve_next(person=ann, project=project)
    _end(held.pk, "expired")
    set_project_state(project=project, state=state)
    with pytest.raises(ActionError, match="You can still submit") as refused:
        renew_lease(person=ann, assignment=held)
    assert refused.value.code == "conflict"
    assert submit_judgment(person=ann, assignment_id=held.pk, key="k", ranks=[1, 2]).judgment.pk


def test_an_item_that_measures_somebody_lapses_like_any_other(
    project: Project, compare: Make, annotator: Make, monkeypatch: Any
) -> None:
    """Were it always there to be taken again, that alone would tell what it is."""
    ann = annotator("ann")
    drawn = {
        kind: {leases._lapses(Assignment(pk=pk, project=project, annotator=ann, kind=kind)) for pk in range(200)}
        for kind in ("gold", "repeat", "collect", "practice")
    }
    assert drawn == {"gold": {True, False}, "repeat": {True, False}, "collect": {False}, "practice": {False}}
    compare("How do I brew tea?")
    held = serve_next(person=ann, project=project)
    _end(held.pk, "expired")
    monkeypatch.setattr(leases, "_lapses", lambda held: True)
    with pytest.raises(ActionError, match="given to somebody else") as refused:
        renew_lease(person=ann, assignment=held)
    assert refused.value.code == "gone"
    assert submit_judgment(person=ann, assignment_id=held.pk, key="k", ranks=[1, 2]).judgment.pk


def test_a_late_submit_to_what_a_lead_has_paused_still_fills_its_slot(
    project: Project, compare: Make, annotator: Make
) -> None:
    ann, comparison = annotator("ann"), compare("How do I brew tea?")
    held = serve_next(person=ann, project=project)
    _end(held.pk, "expired")
    change_comparison(comparison=comparison, state="paused")
    submit_judgment(person=ann, assignment_id=held.pk, key="k", ranks=[1, 2])
    held.refresh_from_db()
    assert (held.state, held.slot) == ("judged", 0)


def test_a_sweep_leaves_a_lease_that_was_renewed_meanwhile(project: Project, compare: Make, annotator: Make) -> None:
    ann = annotator("ann")
    compare("How do I brew tea?")
    held = serve_next(person=ann, project=project)
    assert _end(held.pk, "expired", expired_by=held.created) == 0
    assert Assignment.objects.get(pk=held.pk).state == "leased"


def test_who_was_served_in_another_tab_meanwhile_is_not_served_by_old_counts(
    project: Project, compare: Make, annotator: Make
) -> None:
    from django.db import IntegrityError, transaction

    from labeling.actions.leases import Taking

    ann = annotator("ann")
    first, second = compare("How do I brew tea?"), compare("And coffee?")
    old = tally_of(project, ann)
    rank(ann, project)
    assert Assignment.objects.get().comparison_id == first.pk
    with pytest.raises(IntegrityError, match="another tab"), transaction.atomic():
        _taken([Taking(second.pk)], ann, project, old, False)
    assert Comparison.objects.get(pk=second.pk).live == 0
