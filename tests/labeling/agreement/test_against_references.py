"""On random judgments the figures equal those of krippendorff, statsmodels and SciPy."""

from itertools import combinations

import krippendorff
import numpy as np
import pytest
from scipy.stats import kendalltau
from statsmodels.stats import inter_rater

from labeling.agreement import (
    cohen_kappa,
    cohen_kappa_all,
    explode,
    fleiss_kappa,
    krippendorff_alpha,
    mean_tau_b,
    percent_agreement,
)
from tests.labeling.agreement.tables import random_matrix, random_rankings, votes_of

LABELS = [(-1, 0, 1), (-1, 1), (0, 1, 2, 3, 4), (1, 2, 4, 8)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_equals_the_krippendorff_package_with_missing_judgments(level, labels, seed):
    matrix = random_matrix(seed, people=6, units=40, labels=labels, missing=0.5, skill=0.5)
    ours = krippendorff_alpha(votes_of(matrix), level, replicates=20).value
    theirs = krippendorff.alpha(matrix, value_domain=sorted(labels), level_of_measurement=level)
    assert ours == pytest.approx(theirs, abs=1e-10)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_without_ties_treats_tie_votes_as_missing(level):
    matrix = random_matrix(3, people=4, units=50, labels=(-1, 0, 1), missing=0.2, skill=0.6)
    ours = krippendorff_alpha(votes_of(matrix), level, ties="drop", replicates=20).value
    theirs = krippendorff.alpha(np.where(matrix == 0, np.nan, matrix), level_of_measurement=level)
    assert ours == pytest.approx(theirs, abs=1e-10)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("labels", LABELS)
def test_fleiss_kappa_equals_statsmodels_when_all_units_have_equally_many_votes(labels, seed):
    matrix = random_matrix(seed, people=5, units=30, labels=labels, missing=0.0, skill=0.4)
    table, _ = inter_rater.aggregate_raters(matrix.T)
    assert fleiss_kappa(votes_of(matrix), replicates=20).value == pytest.approx(inter_rater.fleiss_kappa(table))


def test_fleiss_kappa_with_varying_votes_follows_gwets_formula():
    matrix = random_matrix(8, people=5, units=60, labels=(-1, 0, 1), missing=0.4, skill=0.5)
    agreement, share = [], []
    for unit in matrix.T:
        counts = np.array([(unit == label).sum() for label in (-1, 0, 1)])
        if counts.sum() >= 2:
            agreement.append((counts * (counts - 1)).sum() / (counts.sum() * (counts.sum() - 1)))
            share.append(counts / counts.sum())
    expected = (np.mean(share, axis=0) ** 2).sum()
    figure = fleiss_kappa(votes_of(matrix), replicates=20)
    assert figure.value == pytest.approx((np.mean(agreement) - expected) / (1 - expected))
    assert figure.n == len(agreement)


@pytest.mark.parametrize("weights", ["unweighted", "linear", "quadratic"])
@pytest.mark.parametrize("seed", range(5))
def test_cohens_kappa_equals_statsmodels_for_every_two_people(weights, seed):
    matrix = random_matrix(seed, people=4, units=60, labels=(-1, 0, 1), missing=0.3, skill=0.5)
    votes = votes_of(matrix)
    found = cohen_kappa_all(votes, weights=weights, replicates=50)
    assert [pair.annotators for pair in found] == list(combinations(range(4), 2))
    for pair in found:
        a, b = pair.annotators
        table = np.array([[((matrix[a] == i) & (matrix[b] == j)).sum() for j in (-1, 0, 1)] for i in (-1, 0, 1)])
        wt = None if weights == "unweighted" else weights
        theirs = inter_rater.cohens_kappa(table, wt=wt, return_results=False)
        assert pair.figure.value == pytest.approx(theirs, abs=1e-12)
        assert pair.figure.n == table.sum()
        assert cohen_kappa(votes, b, a, weights=weights, replicates=50) == pair.figure


def test_people_who_never_meet_are_not_paired():
    matrix = np.full((4, 20), np.nan)
    matrix[:2, :10] = random_matrix(1, 2, 10, (-1, 0, 1), 0, 0.7)
    matrix[2:, 10:] = random_matrix(2, 2, 10, (-1, 0, 1), 0, 0.7)
    found = cohen_kappa_all(votes_of(matrix), replicates=50)
    assert [pair.annotators for pair in found] == [(0, 1), (2, 3)]


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("completions", range(2, 10))
def test_mean_tau_b_equals_scipy_for_every_number_of_completions(completions, ties):
    comparisons, judges = 15, 3
    ranks = [random_rankings(100 * completions + c, judges, completions, ties) for c in range(comparisons)]
    taus = [kendalltau(x, y).statistic for block in ranks for x, y in combinations(block, 2)]
    votes = explode(
        np.repeat(np.arange(comparisons), judges), np.tile(np.arange(judges), comparisons), np.vstack(ranks)
    )
    figure = mean_tau_b(votes, replicates=20)
    assert figure.value == pytest.approx(np.nanmean(taus))
    assert figure.n == np.isfinite(taus).sum()


def test_tau_b_of_partial_rankings_compares_the_completions_both_ranked():
    one, other = np.array([1, 2, np.nan, 3, 3, 4]), np.array([2, 1, 1, 3, np.nan, 4])
    both = ~np.isnan(one) & ~np.isnan(other)
    figure = mean_tau_b(explode(["c", "c"], ["ann", "bob"], np.stack([one, other])))
    assert figure.value == pytest.approx(kendalltau(one[both], other[both]).statistic)


@pytest.mark.parametrize("completions", range(2, 10))
def test_percent_agreement_equals_a_loop_over_pairs_of_judgments(completions):
    comparisons, judges = 10, 4
    ranks = np.vstack([random_rankings(7 * c, judges, completions) for c in range(comparisons)])
    ranks[np.random.default_rng(completions).random(ranks.shape) < 0.1] = np.nan
    votes = explode(np.repeat(np.arange(comparisons), judges), np.tile(np.arange(judges), comparisons), ranks)
    agree = total = 0
    for block in ranks.reshape(comparisons, judges, completions):
        for x, y in combinations(block, 2):
            for i, j in combinations(range(completions), 2):
                if not np.isnan([x[i], x[j], y[i], y[j]]).any():
                    total += 1
                    agree += np.sign(x[j] - x[i]) == np.sign(y[j] - y[i])
    figure = percent_agreement(votes, replicates=20)
    assert (figure.value, figure.n) == (pytest.approx(agree / total), total)
