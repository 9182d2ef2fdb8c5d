"""The agreement that noise implies is the agreement that people with that noise show."""

import numpy as np
import pytest

from labeling.agreement import explode, implied_agreement, label_probabilities, percent_agreement


def test_without_a_tie_band_the_choice_is_bradley_terry():
    second, tie, first = label_probabilities([np.log(3)])[0]
    assert (second, tie, first) == pytest.approx((0.25, 0, 0.75))


def test_a_tie_band_follows_rao_and_kupper():
    worth, other, theta = 5.0, 2.0, 1.5
    second, tie, first = label_probabilities([np.log(worth / other)], tie_band=np.log(theta))[0]
    assert first == pytest.approx(worth / (worth + theta * other))
    assert second == pytest.approx(other / (other + theta * worth))
    assert first + tie + second == pytest.approx(1)


def test_coin_flips_agree_half_the_time_and_certainty_always():
    assert implied_agreement(label_probabilities(np.zeros(10))).value == pytest.approx(0.5)
    assert implied_agreement(label_probabilities([-50, 50], temperature=0.1)).value == pytest.approx(1)


@pytest.mark.parametrize("ties", ["count", "drop"])
def test_simulated_people_agree_as_often_as_their_noise_implies(ties):
    rng = np.random.default_rng(3)
    comparisons, judges, band, temperature = 4000, 3, 0.4, 0.7
    utility = rng.normal(size=(comparisons, 2))
    gap = utility[:, 0] - utility[:, 1]
    seen = gap + temperature * rng.logistic(size=(judges, comparisons))
    label = np.where(seen > band, 1, np.where(seen < -band, -1, 0)).ravel()
    ranks = np.stack([1 + (label < 0), 1 + (label > 0)], axis=1)
    votes = explode(np.tile(np.arange(comparisons), judges), np.repeat(np.arange(judges), comparisons), ranks)
    measured = percent_agreement(votes, ties=ties)
    implied = implied_agreement(label_probabilities(gap, temperature, band), ties=ties)
    assert measured.low <= implied.value <= measured.high
    assert measured.high - measured.low < 0.05


def test_two_different_people_and_weights():
    certain, coin = np.array([[0, 0, 1.0]]), np.array([[0.5, 0, 0.5]])
    assert implied_agreement(certain, coin).value == pytest.approx(0.5)
    both = implied_agreement(np.vstack([certain, coin]), weights=[3, 1])
    assert both.value == pytest.approx((3 * 1 + 0.5) / 4)


def test_nothing_to_compare_has_a_reason_and_no_distribution_is_refused():
    assert implied_agreement(np.empty((0, 3))).undefined_because == "There is nothing to compare."
    assert "tie" in implied_agreement([[0, 1, 0]], ties="drop").undefined_because
    with pytest.raises(ValueError, match="sum to 1"):
        implied_agreement([[0.5, 0.5, 0.5]])
    with pytest.raises(ValueError, match="temperature"):
        label_probabilities([1], temperature=0)
