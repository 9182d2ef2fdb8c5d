"""The floor on known answers: who falls below it is paused, in words and at a moment that tell nothing."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from labeling.actions.nothing import NothingLeft
from labeling.actions.projects import set_member_state, update_project
from labeling.actions.screening import looks_at_gold
from labeling.actions.serving import serve_next
from labeling.models import Assignment, GoldAnswer, Membership, Notice, PersonTally, Project
from labeling.queries.quality import accuracy_of_people, scores_of_items
from tests.labeling.test_gold import hide, judge

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]


def wrong_on_gold(held: Assignment) -> list[int]:
    return [2, 1] if held.kind == "gold" else [1, 2]


@pytest.fixture
def floor(project: Project, compare: Make) -> Project:
    update_project(project=project, gold_percent=50, gold_floor=60, gold_window=4)
    hide(compare, 12)
    for number in range(12):
        compare(f"How long does tea no. {number} steep?", overlap=9)
    return project


def test_below_the_floor_a_person_is_paused_in_kind_words_and_a_lead_told(
    floor: Project, annotator: Make, lead: Any
) -> None:
    ann = annotator("ann")
    served = []
    for _ in range(12):
        if isinstance(serve_next(person=ann, project=floor), NothingLeft):
            break
        served.append(judge(ann, floor, wrong_on_gold).kind)
    had = served.count("gold")
    assert 2 <= had <= 4, "half the window, and what comes before the next look"
    nothing = serve_next(person=ann, project=floor)
    assert isinstance(nothing, NothingLeft)
    assert nothing.reason == "person_paused"
    assert not re.search(r"gold|known|\d", nothing.message)
    notice = Notice.objects.get()
    assert (notice.kind, notice.person, f"0 of {had} pairs" in notice.text) == ("below_floor", ann, True)
    assert not Assignment.objects.filter(annotator=ann, state="leased").exists()


def test_the_moment_of_the_pause_does_not_tell_which_item_had_a_known_answer(floor: Project, annotator: Make) -> None:
    """Looked at after one of every three items, at a place that is drawn and does not depend on what the item is."""
    ann, looks = annotator("ann"), {}
    for kind in ("gold", "collect", "repeat"):
        items = [Assignment(project=floor, annotator=ann, kind=kind, number=number) for number in range(300)]
        looks[kind] = [item.number for item in items if looks_at_gold(item)]
    assert looks["gold"] == looks["collect"] == looks["repeat"]
    assert [number // 3 for number in looks["gold"]] == list(range(100))
    assert {number % 3 for number in looks["gold"]} == {0, 1, 2}


def test_a_reinstated_person_starts_anew(floor: Project, annotator: Make) -> None:
    ann = annotator("ann")
    while isinstance(serve_next(person=ann, project=floor), Assignment):
        judge(ann, floor, wrong_on_gold)
    member = Membership.objects.get(person=ann)
    wrong = PersonTally.objects.get(person=ann).gold
    set_member_state(membership=member, state="active")
    for _ in range(8):
        judge(ann, floor)
    member.refresh_from_db()
    assert member.state == "active"
    items = PersonTally.objects.get(person=ann).gold
    (shown,) = accuracy_of_people(floor)
    assert (shown.items, shown.figure.value, shown.figure.n) == (items, (items - wrong) / items, items)
    assert shown.figure.low < shown.figure.value < shown.figure.high


def test_above_the_floor_nobody_is_paused_and_a_lead_never_is(floor: Project, annotator: Make, lead: Any) -> None:
    ann = annotator("ann")
    for _ in range(8):
        judge(ann, floor)
    for _ in range(8):
        judge(lead, floor, wrong_on_gold)
    assert not Membership.objects.filter(state="paused").exists()
    assert not Notice.objects.exists()
    scores = scores_of_items(floor, list(GoldAnswer.objects.values_list("comparison", flat=True)))
    assert sum(score.right for score in scores.values()) == sum(score.people for score in scores.values()) - 4
