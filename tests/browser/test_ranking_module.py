"""The state of a ranking, as the page's own module keeps it."""

from typing import Any

import pytest

from tests.browser.conftest import Desk

START = "import('/static/labeling/ranking.js').then(r => {{ let s = r.start({k}, {ties}); {steps} return {result}; }})"


@pytest.fixture
def play(desk: Desk) -> Any:
    page = desk.open(None, "/sign-in/")

    def run(steps: str, k: int = 4, ties: str = "true", result: str = "s.ranks") -> Any:
        return page.evaluate(START.format(k=k, ties=ties, steps=steps, result=result))

    return run


def test_placing_goes_from_best_to_worst(play: Any) -> None:
    assert play("for (const i of [2, 0, 3, 1]) s = r.place(s, i);") == [2, 4, 1, 3]


def test_placing_twice_changes_nothing(play: Any) -> None:
    assert play("s = r.place(s, 1); const t = r.place(s, 1);", result="t === s") is True


def test_a_tie_joins_the_last_one(play: Any) -> None:
    assert play("s = r.place(s, 0); s = r.tie(s); s = r.place(s, 3); s = r.place(s, 1);") == [1, 2, None, 1]


def test_a_tie_needs_somebody_to_tie_with(play: Any) -> None:
    assert play("s = r.tie(s);", result="s.tieNext") is False


def test_ties_can_be_switched_off(play: Any) -> None:
    assert play("s = r.place(s, 0); s = r.tie(s); s = r.place(s, 1);", ties="false") == [1, 2, None, None]
    assert play("s = r.setRank(s, 0, 1); s = r.setRank(s, 1, 1);", ties="false") == [2, 1, None, None]


def test_buttons_may_leave_gaps_that_submitting_closes(play: Any) -> None:
    steps = "s = r.setRank(s, 0, 4); s = r.setRank(s, 1, 1); s = r.setRank(s, 2, 1); s = r.setRank(s, 3, 3);"
    assert play(steps) == [4, 1, 1, 3]
    assert play(steps, result="r.toRanks(s)") == [3, 1, 1, 2]


def test_inserting_moves_those_in_the_way_down(play: Any) -> None:
    assert play("for (const i of [0, 1, 2]) s = r.place(s, i); s = r.insert(s, 3, 2);") == [1, 3, 4, 2]


def test_inserting_closes_gaps_when_the_end_is_full(play: Any) -> None:
    steps = "s = r.setRank(s, 0, 1); s = r.setRank(s, 1, 3); s = r.setRank(s, 2, 4); s = r.insert(s, 3, 4);"
    assert play(steps) == [1, 2, 4, 3]


def test_inserting_after_the_last_place(play: Any) -> None:
    assert play("for (const i of [0, 1, 2, 3]) s = r.place(s, i); s = r.insert(s, 0, 5);") == [4, 1, 2, 3]


def test_placing_after_gaps_finds_room(play: Any) -> None:
    assert play("s = r.setRank(s, 0, 4); s = r.place(s, 1);") == [1, 2, None, None]


def test_undo_takes_back_step_by_step(play: Any) -> None:
    steps = "s = r.place(s, 0); s = r.place(s, 1); s = r.step(s, 1, -1); s = r.undo(s);"
    assert play(steps) == [1, 2, None, None]
    assert play(steps + "s = r.undo(s); s = r.undo(s); s = r.undo(s);") == [None] * 4


def test_nothing_is_ever_ranked_outside_one_to_k(play: Any) -> None:
    """Thousands of random steps keep ranks within 1 … K and never lose an answer's place by moving another."""
    steps = """
      let seed = 7; const roll = (n) => (seed = (seed * 48271) % 2147483647) % n; const bad = [];
      for (let n = 0; n < 4000; n += 1) {
        const i = roll(5); const before = s.ranks.filter((x) => x !== null).length; const kind = roll(7);
        if (kind === 0) s = r.place(s, i); if (kind === 1) s = r.tie(s);
        if (kind === 2) s = r.setRank(s, i, 1 + roll(5));
        if (kind === 3) s = r.insert(s, i, 1 + roll(6)); if (kind === 4) s = r.step(s, i, roll(2) ? 1 : -1);
        if (kind === 5) s = r.takeOut(s, i); if (kind === 6) s = r.tieWith(s, i, roll(5));
        const after = s.ranks.filter((x) => x !== null).length;
        if (s.ranks.some((x) => x !== null && (x < 1 || x > 5)) || Math.abs(after - before) > 1) bad.push(s.ranks);
        const dense = r.toRanks(s).filter((x) => x !== null);
        if (dense.length && Math.max(...dense) !== new Set(dense).size) bad.push(dense);
      }"""
    assert play(steps, k=5, result="bad") == []
    assert play(steps, k=5, ties="false", result="bad") == []


def test_words_say_the_order(play: Any) -> None:
    steps = "s = r.place(s, 2); s = r.place(s, 0); s = r.tie(s); s = r.place(s, 3);"
    assert play(steps, result="r.inWords(s.ranks)") == "C, then A and D tied"
