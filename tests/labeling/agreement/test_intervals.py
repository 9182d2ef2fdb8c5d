"""Intervals are those of resampling whole prompts, and they cover as often as they say, roughly."""

import krippendorff
import numpy as np
import pytest
from scipy.stats import binom, norm, t
from statsmodels.stats.proportion import proportion_confint

from labeling.agreement import (
    cohen_kappa,
    cohen_kappa_all,
    fleiss_kappa,
    krippendorff_alpha,
    percent_agreement,
    wilson,
    win_rate,
)
from tests.labeling.agreement.tables import random_matrix, votes_of


def tails(prompts):
    """Where the ends of an expanded percentile interval lie among the replicates."""
    tail = norm.cdf(-np.sqrt(prompts / (prompts - 1)) * t.ppf(0.975, prompts - 1))
    return [tail, 1 - tail]


def test_the_bootstrap_equals_recomputing_alpha_on_resampled_prompts():
    prompts, each = 25, 4
    matrix = random_matrix(11, people=3, units=prompts * each, labels=(-1, 0, 1), missing=0.2, skill=0.6)
    figure = krippendorff_alpha(votes_of(matrix, np.repeat(np.arange(prompts), each)), "ordinal", replicates=4000)
    rng = np.random.default_rng(12)
    blocks = matrix.reshape(3, prompts, each)
    alphas = []
    for _ in range(1500):
        drawn = blocks[:, rng.integers(prompts, size=prompts)].reshape(3, -1)
        alphas.append(krippendorff.alpha(drawn, level_of_measurement="ordinal"))
    spread = np.std(alphas)
    low, high = np.quantile(alphas, tails(prompts))
    assert figure.low == pytest.approx(low, abs=0.2 * spread)
    assert figure.high == pytest.approx(high, abs=0.2 * spread)


@pytest.mark.parametrize("prompts", [2, 3, 5])
def test_with_few_prompts_the_exact_bootstrap_distribution_is_used(prompts):
    matrix = random_matrix(2, people=3, units=prompts * 10, labels=(-1, 0, 1), missing=0, skill=0.6)
    votes = votes_of(matrix, np.repeat(np.arange(prompts), 10))
    exact, other_seed = (percent_agreement(votes, seed=seed) for seed in (0, 1))
    assert exact == other_seed  # nothing is drawn
    assert f"Only {prompts} prompts" in exact.interval_note
    rates = (matrix[[0, 0, 1]] == matrix[[1, 2, 2]]).reshape(3, prompts, 10).mean(axis=(0, 2))
    draws = np.stack(np.meshgrid(*[np.arange(prompts)] * prompts)).reshape(prompts, -1)
    expected = np.quantile(rates[draws].mean(axis=0), tails(prompts), method="inverted_cdf")
    assert (exact.low, exact.high) == pytest.approx(tuple(expected))


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    matrix = random_matrix(4, people=3, units=200, labels=(-1, 0, 1), missing=0.1, skill=0.5)
    cluster = np.arange(200) // 4
    first, again, other = (fleiss_kappa(votes_of(matrix, cluster), seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)


@pytest.mark.parametrize("prompts", [4, 30, 120])
def test_the_interval_of_two_people_does_not_depend_on_who_else_is_there(prompts):
    matrix = random_matrix(6, people=5, units=prompts * 3, labels=(-1, 0, 1), missing=0.1, skill=0.5)
    votes = votes_of(matrix, np.arange(prompts * 3) // 3)
    for pair in cohen_kappa_all(votes):
        assert cohen_kappa(votes, *pair.annotators) == pair.figure


def test_many_prompts_with_few_and_with_many_distinct_statistics_give_like_intervals():
    """The two ways of drawing (how often each distinct prompt comes; each prompt by itself) agree."""
    rng = np.random.default_rng(0)
    outcomes = rng.random(3000)
    rounded = np.round(outcomes, 1)
    fine, coarse = win_rate(outcomes, replicates=4000), win_rate(rounded, replicates=4000)
    assert fine.high - fine.low == pytest.approx(coarse.high - coarse.low, rel=0.1)
    assert fine.high - fine.low == pytest.approx(2 * 1.96 * outcomes.std() / np.sqrt(3000), rel=0.1)


def test_pairs_of_one_prompt_that_depend_on_each_other_widen_the_interval():
    one = random_matrix(9, people=3, units=40, labels=(-1, 1), missing=0, skill=0.5)
    copied = np.repeat(one, 6, axis=1)  # six pairs of each prompt that all say the same
    by_prompt = krippendorff_alpha(votes_of(copied, np.repeat(np.arange(40), 6)))
    by_pair = krippendorff_alpha(votes_of(copied))
    assert by_prompt.value == pytest.approx(by_pair.value)
    assert by_prompt.high - by_prompt.low > 2 * (by_pair.high - by_pair.low)


def figure_of_simulated_people(statistic, seed, prompts):
    """Three people on three pairs a prompt; how clear a prompt is, is shared by its pairs."""
    rng = np.random.default_rng(seed)
    truth = rng.choice([-1, 1], size=prompts * 3)
    clarity = np.repeat(rng.choice([0.2, 0.9], size=prompts), 3)
    guess = rng.choice([-1, 0, 1], size=(3, prompts * 3))
    matrix = np.where(rng.random(guess.shape) < clarity, truth, guess).astype(float)
    return statistic(votes_of(matrix, np.repeat(np.arange(prompts), 3)), replicates=400, seed=seed)


@pytest.mark.parametrize("statistic", [percent_agreement, krippendorff_alpha, fleiss_kappa])
def test_the_interval_covers_the_true_value_about_as_often_as_it_says(statistic):
    true_value = figure_of_simulated_people(statistic, 0, prompts=60_000).value
    trials = 300
    figures = [figure_of_simulated_people(statistic, seed, prompts=60) for seed in range(1, trials + 1)]
    covered = sum(figure.low <= true_value <= figure.high for figure in figures)
    # A percentile bootstrap of 60 prompts may cover a little less than 95 %: 93 % is allowed, within 3 in 1000.
    assert binom.ppf(0.0015, trials, 0.93) <= covered <= binom.ppf(0.9985, trials, 0.97)


@pytest.mark.parametrize(("wins", "n"), [(0, 5), (5, 5), (3, 7), (70, 100), (0.5, 1)])
def test_wilsons_interval_equals_statsmodels(wins, n):
    assert wilson(wins, n) == pytest.approx(proportion_confint(wins, n, method="wilson"), abs=1e-12)


@pytest.mark.parametrize(("wins", "n"), [(1, 0), (-1, 3), (4, 3)])
def test_wilsons_interval_refuses_what_is_no_share(wins, n):
    with pytest.raises(ValueError, match="successes"):
        wilson(wins, n)
