"""A win rate counts a tie as half a win and always comes with an interval."""

import numpy as np
import pytest

from labeling.agreement import wilson, win_rate


def test_a_tie_is_half_a_win():
    figure = win_rate([1, 1, 0.5, 0] * 5)
    assert (figure.value, figure.n, figure.clusters) == (0.625, 20, 20)
    assert figure.low < 0.625 < figure.high


def test_few_prompts_give_wilsons_interval_over_prompts():
    figure = win_rate([1, 1, 1, 0], ["p", "p", "q", "q"])
    assert (figure.value, figure.n, figure.clusters) == (0.75, 4, 2)
    assert (figure.low, figure.high) == pytest.approx(wilson(1.5, 2))
    assert "2 prompts" in figure.interval_note


@pytest.mark.parametrize("outcome", [0, 0.5, 1])
def test_when_every_prompt_gives_the_same_the_interval_is_not_a_point(outcome):
    figure = win_rate([outcome] * 30)
    assert (figure.low, figure.high) == pytest.approx(wilson(30 * outcome, 30))
    assert figure.high - figure.low > 0.1


def test_outcomes_of_one_prompt_are_resampled_together():
    rng = np.random.default_rng(0)
    outcomes = np.repeat(rng.integers(0, 2, size=60), 5)
    together, apart = win_rate(outcomes, np.repeat(np.arange(60), 5)), win_rate(outcomes)
    assert together.value == apart.value
    assert together.high - together.low > 1.8 * (apart.high - apart.low)


def test_missing_outcomes_are_not_counted_and_none_at_all_has_a_reason():
    assert win_rate([1, 0, np.nan]).n == 2
    for outcomes in ([], [np.nan]):
        figure = win_rate(outcomes)
        assert (figure.value, figure.n) == (None, 0)
        assert "Nothing has been compared" in figure.undefined_because


def test_what_is_no_outcome_is_refused():
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        win_rate([2])
    with pytest.raises(ValueError, match="one prompt an outcome"):
        win_rate([1, 0], ["p"])
