"""The queue against a small model of it: whatever people and leads do, in whatever order, both agree at every step.

Hypothesis draws the steps. In a run of the suite they are the same each time and few;
`LUCE_QUEUE_EXAMPLES=2000 pytest tests/labeling/test_queue_machine.py` draws new ones, as many as it is told.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from labeling.actions import gold, leases
from labeling.actions.comparisons import change_comparison
from labeling.actions.draws import draw_special
from labeling.actions.errors import ActionError
from labeling.actions.nothing import NothingLeft
from labeling.actions.projects import set_member_state, set_project_state, update_project
from labeling.actions.queue import PASSED
from labeling.actions.serving import serve_next
from labeling.actions.submitting import amend_judgment, submit_judgment
from labeling.models import Assignment, Comparison, Judgment, Membership, Project
from tests.labeling.counted import assert_tallies_are_true
from tests.labeling.queue_model import LIVE, SAID, Hold, Item, Person, QueueModel

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("LUCE_QUEUE_EXAMPLES") or 0)
PROFILE = settings(
    max_examples=EXAMPLES or 25,
    stateful_step_count=40,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # to shrink takes minutes; whoever looks for what is wrong asks for it
    phases=[Phase.generate, *([Phase.shrink] if EXAMPLES else [])],
)
SHARES = {"gold_percent": 20, "repeat_percent": 20}
NUMBERS = st.integers(0, 10**6)
ORDERS = ["priority", "breadth", "depth"]


class World:
    """The rows that every example starts from, and the clock that both sides read."""

    project: Project
    people: dict[int, Any]
    comparisons: list[Comparison]
    now = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def world(project, annotator, compare, monkeypatch) -> None:
    """Three people and five comparisons of four prompts, wanting one to three judgments each; a clock that we move."""
    update_project(
        project=project, lease_seconds=300, undo_seconds=600, spacing=1, repeat_gap=2, skips_to_lead=2, seed=7, **SHARES
    )
    World.project, World.now = project, datetime(2030, 1, 1, 12, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: World.now)
    World.people = {person.pk: person for person in map(annotator, ("ann", "bob", "cleo"))}
    World.comparisons = [
        compare(f"What is {number % 4}?", f"{number}", "something else", overlap=1 + number % 3) for number in range(5)
    ]


class Queue(RuleBasedStateMachine):
    """Each rule does the same to Luce and to the model, and compares what they say."""

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.start, self.keys = World.now, 0

    def teardown(self) -> None:
        """Take back everything that this example did."""
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)
        World.now = self.start
        for person_id in World.people:
            PASSED.forget(person_id)

    @initialize(order=st.sampled_from(ORDERS), known=st.sets(st.integers(0, 4), max_size=1))
    def begin(self, order: str, known: set[int]) -> None:
        World.project = update_project(project=Project.objects.get(pk=World.project.pk), order=order)
        self.model = QueueModel(order=order, lease=300, spacing=1, undo=600, gap=2, skips_to_lead=2)
        self.model.people = {pk: Person(pk) for pk in World.people}
        for comparison in World.comparisons:
            self.model.items[comparison.pk] = Item(comparison.pk, comparison.prompt_id, comparison.overlap)
        for number in known:
            self.mark_gold(number)

    # people

    @rule(who=NUMBERS, ahead=st.booleans())
    def next(self, who: int, ahead: bool) -> None:
        self.serve(self.one(self.model.people, who), ahead)

    def serve(self, person: Person, ahead: bool) -> Hold | None:
        """Ask for the next item; it must be the one that the model says, or one of those it allows."""
        project = World.project
        drawn = draw_special(project.seed, person.pk, person.opened, *SHARES.values())
        expected = self.model.next(person, ahead, World.now, drawn)
        found = serve_next(person=World.people[person.pk], project=project, ahead=ahead)
        if isinstance(found, NothingLeft):
            assert found.reason == expected.nothing, (found, expected)
            return None
        assert not expected.nothing, (found.__dict__, expected)
        if expected.hold is None:
            assert found.kind == expected.kind
            item = next(each for each in expected.items if each.pk == found.comparison_id)
            ours = Hold(found.pk, person.pk, item, found.kind, found.attempt, person.opened, "leased", ahead, World.now)
            ours.attempt = int(found.kind == "repeat")
            self.model.serve(person, ours)
        else:
            ours = expected.hold
        length = min(300, 120) if ahead else 300
        assert found.pk == ours.pk
        assert timedelta(seconds=length / 2) <= found.expires - World.now or found.expires == ours.expires
        ours.expires = found.expires
        return ours

    @rule(who=NUMBERS, times=st.integers(1, 4))
    def rank(self, who: int, times: int) -> None:
        """What people mostly do: take the next and rank it."""
        for _ in range(times):
            hold = self.serve(self.one(self.model.people, who), ahead=False)
            if hold is not None:
                self.say(hold, f"k{self.another()}")

    @precondition(lambda self: self.model.holds)
    @rule(which=NUMBERS)
    def submit_whatever_became_of_it(self, which: int) -> None:
        self.say(self.one(self.model.holds, which), f"k{self.another()}")

    @precondition(lambda self: self.lost())
    @rule(which=NUMBERS)
    def submit_late(self, which: int) -> None:
        self.say(self.one(self.lost(), which), f"k{self.another()}")

    @precondition(lambda self: self.said())
    @rule(which=NUMBERS, amending=st.booleans())
    def send_again(self, which: int, amending: bool) -> None:
        hold = self.one(self.said(), which)
        key = list(hold.said)[which % len(hold.said)]
        (self.change_mind if amending else self.say)(hold, key)

    @precondition(lambda self: self.said())
    @rule(which=NUMBERS, pauses=st.lists(st.sampled_from([0, 400]), min_size=1, max_size=3))
    def amend(self, which: int, pauses: list[int]) -> None:
        """Now and later: the window counts from what was said first."""
        for seconds in pauses:
            World.now += timedelta(seconds=seconds)
            self.change_mind(self.one(self.said(), which), f"k{self.another()}")

    def say(self, hold: Hold, key: str) -> None:
        expected = self.model.submit(hold, key)
        told = self.told(submit_judgment, hold, key)
        assert told == expected
        if told in SAID:
            hold.state, hold.ahead, hold.first = told, False, World.now

    def change_mind(self, hold: Hold, key: str) -> None:
        expected = self.model.amend(hold, key, World.now)
        told = self.told(amend_judgment, hold, key)
        assert ("stored" if told in SAID else told) == expected

    def told(self, action: Any, hold: Hold, key: str) -> str:
        """What Luce answers; an acknowledged judgment is noted, and must be the same ever after."""
        person = World.people[hold.person]
        ranks = [1, 2] if self.keys % 2 else [2, 1]
        try:
            result = action(person=person, assignment_id=hold.pk, key=key, ranks=ranks, active_seconds=1.5)
        except ActionError as error:
            assert error.code == "conflict"  # noqa: PT017 - of the answers that are allowed
            return "refused"
        if result.replayed:
            assert hold.said[key][:2] == (result.judgment.pk, result.judgment.revision)
            return "replayed"
        assert key not in hold.said
        hold.said[key] = (result.judgment.pk, len(hold.said) + 1, ranks)
        return Assignment.objects.get(pk=hold.pk).state

    @precondition(lambda self: self.model.holds)
    @rule(which=NUMBERS, how=st.sampled_from(["skip", "release", "give_back"]), newest=st.booleans())
    def leave(self, which: int, how: str, newest: bool) -> None:
        hold = self.one(self.held() if newest and self.held() else self.model.holds, which)
        if how == "give_back" and not hold.ahead:
            expected = True
        else:
            expected = self.model.leave(hold, "skipped" if how == "skip" else "released")
        assert self.may(getattr(leases, how), hold) == expected

    @precondition(lambda self: self.model.holds)
    @rule(which=NUMBERS)
    def renew(self, which: int) -> None:
        hold = self.one(self.model.holds, which)
        renewed = self.may(leases.renew_lease, hold)
        assert renewed in self.model.may_renew(hold)
        if renewed:
            self.model.renew(hold)
            hold.expires = Assignment.objects.get(pk=hold.pk).expires
            assert hold.expires > World.now

    def may(self, action: Any, hold: Hold) -> bool:
        try:
            action(person=World.people[hold.person], assignment=Assignment.objects.get(pk=hold.pk))
        except ActionError as error:
            assert error.code in ("conflict", "gone")  # noqa: PT017 - of the answers that are allowed
            return False
        return True

    @rule(who=NUMBERS)
    def sign_out(self, who: int) -> None:
        person = self.one(self.model.people, who)
        assert leases.leave_all(World.people[person.pk]) == len(self.model.leases(person))
        for hold in self.model.leases(person):
            self.model.end(hold, "released")

    # time

    @rule(seconds=st.sampled_from([100, 200, 400, 500, 4000, -1000]))
    def time_passes(self, seconds: int) -> None:
        World.now += timedelta(seconds=seconds)

    @rule(who=NUMBERS)
    def all_leave_and_one_comes_back(self, who: int) -> None:
        """Nobody sweeps meanwhile: whoever finds nothing frees what has ended."""
        for person in self.model.people.values():
            self.serve(person, ahead=False)
        World.now += timedelta(seconds=500)
        for _ in range(3):
            hold = self.serve(self.one(self.model.people, who), ahead=False)
            if hold is not None:
                self.say(hold, f"k{self.another()}")

    @rule()
    def leases_expire(self) -> None:
        assert leases.free_expired_leases() == self.model.expire(World.now)

    # leads

    @precondition(lambda self: self.held())
    @rule(which=NUMBERS)
    def lead_frees_a_lease(self, which: int) -> None:
        hold = self.one(self.held(), which)
        assert leases.free_leases([hold.pk]) == 1
        self.model.end(hold, "expired")

    @rule(who=NUMBERS)
    def pause_the_project_for_a_moment(self, who: int) -> None:
        for paused in (True, False):
            self.model.paused = paused
            World.project = set_project_state(project=World.project, state="paused" if paused else "active")
            self.serve(self.one(self.model.people, who), ahead=False)

    @rule(who=NUMBERS)
    def pause_or_resume_a_person(self, who: int) -> None:
        person = self.one(self.model.people, who)
        person.paused = not person.paused
        member = Membership.objects.get(project=World.project, person=person.pk)
        set_member_state(membership=member, state="paused" if person.paused else "active")
        for hold in self.model.leases(person) if person.paused else []:
            self.model.end(hold, "expired")

    @rule(order=st.sampled_from(ORDERS))
    def change_order(self, order: str) -> None:
        self.model.order = order
        World.project = update_project(project=World.project, order=order)

    @rule(which=NUMBERS, state=st.sampled_from(["open", "open", "paused", "retired"]))
    def change_state(self, which: int, state: str) -> None:
        item = self.one(self.model.items, which)
        change_comparison(comparison=Comparison.objects.get(pk=item.pk), state=state)
        item.state = state

    @rule(which=NUMBERS, priority=st.integers(-1, 1), who=NUMBERS)
    def change_priority(self, which: int, priority: int, who: int) -> None:
        """Of what somebody could be given, so that it matters."""
        item = self.one(self.model.offers(self.one(self.model.people, who)) or self.model.items, which)
        change_comparison(comparison=Comparison.objects.get(pk=item.pk), priority=priority)
        item.priority = priority

    @rule(which=NUMBERS, by=st.integers(-1, 2))
    def change_overlap(self, which: int, by: int) -> None:
        """Down to as many judgments as are given or being given, and not below."""
        item = self.one(self.model.items, which)
        overlap = max(1, self.model.live(item) + by)
        try:
            change_comparison(comparison=Comparison.objects.get(pk=item.pk), overlap=overlap)
        except ActionError:
            assert overlap < self.model.live(item)
        else:
            assert overlap >= self.model.live(item)
            item.overlap = overlap

    @precondition(lambda self: sum(item.gold for item in self.model.items.values()) < 2)
    @rule(which=NUMBERS)
    def mark_gold(self, which: int) -> None:
        item = self.one(self.model.items, which)
        try:
            gold.mark_gold(comparison=Comparison.objects.get(pk=item.pk), ranks=[1, 2])
        except ActionError:
            assert item.state == "retired"
        else:
            self.change_gold(item, True)

    @precondition(lambda self: any(item.gold for item in self.model.items.values()))
    @rule(which=NUMBERS)
    def unmark_gold(self, which: int) -> None:
        item = self.one(self.model.items, which)
        gold.unmark_gold(comparison=Comparison.objects.get(pk=item.pk))
        if item.gold:
            self.change_gold(item, False)

    def change_gold(self, item: Item, known: bool) -> None:
        item.gold = known
        for hold in self.held():
            if hold.item is item:
                self.model.end(hold, "expired")

    # what must hold after every step

    @invariant()
    def luce_holds_what_the_model_holds(self) -> None:
        rows = Assignment.objects.filter(project=World.project)
        names = ("pk", "annotator", "comparison", "kind", "attempt", "number", "state", "ahead")
        ours = {(h.pk, h.person, h.item.pk, h.kind, h.attempt, h.number, h.state, h.ahead) for h in self.holds()}
        assert set(rows.values_list(*names)) == ours
        states = Comparison.objects.values_list("pk", "state", "gold", "live", "skips")
        assert set(states) == {
            (i.pk, i.state, i.gold, self.model.live(i), self.model.skips(i)) for i in self.model.items.values()
        }

    @invariant()
    def slots_are_different_and_below_the_overlap(self) -> None:
        held = Assignment.objects.filter(slot__isnull=False).values_list("comparison", "slot", "comparison__overlap")
        assert len({(pk, slot) for pk, slot, _ in held}) == len(held)
        assert all(slot < overlap for _, slot, overlap in held)

    @invariant()
    def every_count_is_true(self) -> None:
        assert_tallies_are_true(World.project)

    @invariant()
    def what_was_acknowledged_is_there_once(self) -> None:
        rows = Judgment.objects.values_list("assignment", "key", "pk", "revision", "ranks")
        ours = [(hold.pk, key, *said) for hold in self.holds() for key, said in hold.said.items()]
        assert sorted(rows) == sorted(ours)

    @invariant()
    def nobody_holds_two_or_judges_one_thing_twice(self) -> None:
        for person in World.people:
            mine = Assignment.objects.filter(annotator=person)
            assert mine.filter(state="leased", ahead=False).count() <= 1
            assert mine.filter(state="leased", ahead=True).count() <= 1
            once = mine.filter(kind__in=["collect", "gold"], state__in=[*SAID, *LIVE]).values_list("comparison")
            assert len(set(once)) == len(once)

    # what there is to choose from

    def another(self) -> int:
        self.keys += 1
        return self.keys

    def holds(self) -> list[Hold]:
        return list(getattr(self, "model", QueueModel("", 0, 0, 0, 0, 0)).holds.values())

    def held(self) -> list[Hold]:
        return [hold for hold in self.holds() if hold.state == "leased"]

    def lost(self) -> list[Hold]:
        return [hold for hold in self.holds() if hold.state in ("skipped", "released", "expired")]

    def said(self) -> list[Hold]:
        return [hold for hold in self.holds() if hold.said]

    @staticmethod
    def one(things: Any, number: int) -> Any:
        every = list(things.values() if isinstance(things, dict) else things)
        return every[number % len(every)]


def test_the_queue_does_what_a_small_model_of_it_does(world):
    run_state_machine_as_test(Queue, settings=PROFILE)
