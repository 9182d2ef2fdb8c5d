"""A figure that does not exist says why, and no figure is ever NaN or a silent zero."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.agreement import (
    Figure,
    agreement_report,
    cohen_kappa,
    cohen_kappa_all,
    fleiss_kappa,
    krippendorff_alpha,
    mean_tau_b,
    percent_agreement,
    votes_from_rows,
)

CORRECTED = [krippendorff_alpha, fleiss_kappa]
EVERY = [percent_agreement, mean_tau_b, *CORRECTED]


def rows_of(*judgments):
    """Rows from (comparison, annotator, ranks), each comparison being its own prompt."""
    return votes_from_rows(judgments)


@pytest.mark.parametrize("statistic", EVERY)
def test_nothing_judged(statistic):
    figure = statistic(rows_of())
    assert (figure.value, figure.low, figure.high, figure.n) == (None, None, None, 0)
    assert "no judgments yet" in figure.undefined_because


@pytest.mark.parametrize("statistic", EVERY)
def test_one_person_alone(statistic):
    figure = statistic(rows_of(("c1", "ann", [1, 2, 3]), ("c2", "ann", [2, 1, 3])))
    assert figure.value is None
    assert "two people" in figure.undefined_because


@pytest.mark.parametrize("statistic", EVERY)
def test_two_people_who_judged_different_comparisons(statistic):
    figure = statistic(rows_of(("c1", "ann", [1, 2]), ("c2", "bob", [2, 1])))
    assert figure.value is None
    assert "two people" in figure.undefined_because


@pytest.mark.parametrize("statistic", CORRECTED)
@pytest.mark.parametrize("ranks", [[1, 2], [2, 1], [1, 1]])
def test_unanimity_has_no_figure_corrected_for_chance(statistic, ranks):
    votes = rows_of(*[(c, a, ranks) for c in range(12) for a in ("ann", "bob", "cy")])
    figure = statistic(votes)
    assert (figure.value, figure.n) == (None, 12)
    assert "same answer" in figure.undefined_because
    assert "percent agreement" in figure.undefined_because


def test_unanimity_has_a_percent_agreement_whose_interval_is_not_a_point():
    votes = rows_of(*[(c, a, [1, 2]) for c in range(12) for a in ("ann", "bob")])
    figure = percent_agreement(votes)
    assert figure.value == figure.high == 1.0
    assert figure.low == pytest.approx(0.757, abs=0.001)  # Wilson's interval of 12 out of 12
    assert "Wilson" in figure.interval_note


@pytest.mark.parametrize("statistic", CORRECTED)
def test_full_agreement_with_variation_is_one_and_its_interval_is_not_a_point(statistic):
    votes = rows_of(*[(c, a, [1, 2] if c % 2 else [2, 1]) for c in range(40) for a in ("ann", "bob")])
    figure = statistic(votes)
    assert figure.value == figure.high == 1.0
    assert 0.7 < figure.low < 0.95


def test_kappa_of_two_people_who_both_always_say_the_same():
    votes = rows_of(*[(c, a, [1, 2]) for c in range(5) for a in ("ann", "bob")], ("c9", "cy", [2, 1]))
    figure = cohen_kappa(votes, "ann", "bob")
    assert (figure.value, figure.n) == (None, 5)
    assert "same answer" in figure.undefined_because
    assert [pair.annotators for pair in cohen_kappa_all(votes)] == [("ann", "bob")]


def test_kappa_of_people_who_share_nothing_or_do_not_exist():
    votes = rows_of(("c1", "ann", [1, 2]), ("c2", "bob", [2, 1]))
    assert "not judged the same" in cohen_kappa(votes, "ann", "bob").undefined_because
    assert "not judged the same" in cohen_kappa(votes, "ann", "nobody").undefined_because
    with pytest.raises(ValueError, match="two people"):
        cohen_kappa(votes, "ann", "ann")


@pytest.mark.parametrize("statistic", [percent_agreement, *CORRECTED])
def test_leaving_out_ties_can_leave_nothing(statistic):
    only_ties = rows_of(("c1", "ann", [1, 1]), ("c1", "bob", [1, 1]))
    assert "Every judgment is a tie" in statistic(only_ties, ties="drop").undefined_because
    half_ties = rows_of(("c1", "ann", [1, 1]), ("c1", "bob", [1, 2]))
    assert "not ties" in statistic(half_ties, ties="drop").undefined_because
    assert "without a tie" in cohen_kappa(half_ties, "ann", "bob", ties="drop").undefined_because


def test_a_ranking_of_all_equal_has_no_tau_and_is_counted_in_the_note():
    votes = rows_of(("c1", "ann", [1, 1, 1]), ("c1", "bob", [1, 2, 3]), ("c1", "cy", [1, 2, 3]))
    figure = mean_tau_b(votes)
    assert (figure.value, figure.n) == (1.0, 1)
    assert "2 pairs of judgments left out" in figure.interval_note
    flat = mean_tau_b(rows_of(("c1", "ann", [1, 1]), ("c1", "bob", [1, 2])))
    assert "all completions equal" in flat.undefined_because


@pytest.mark.parametrize("statistic", EVERY)
def test_judgments_of_one_prompt_have_a_value_but_no_interval(statistic):
    ranks = {"ann": [1, 2, 3, 4], "bob": [1, 2, 4, 3], "cy": [2, 1, 3, 4]}
    figure = statistic(votes_from_rows([("c1", who, rank, "p1") for who, rank in ranks.items()]))
    assert figure.value is not None or "same answer" in figure.undefined_because
    assert (figure.low, figure.high) == (None, None)
    if figure.value is not None:
        assert "at least two prompts" in figure.interval_note


def test_when_variation_hangs_on_one_prompt_the_interval_says_that_nearly_nothing_is_known():
    rows = [(c, a, [1, 2]) for c in range(40) for a in ("ann", "bob")]
    rows[0] = (0, "ann", [2, 1])  # one resample in three misses this prompt
    figure = krippendorff_alpha(votes_from_rows(rows))
    assert figure.value == pytest.approx(0, abs=0.02)
    assert (figure.low, figure.high > 0.5) == (-1, True)
    assert "of the resamples nobody's answers vary" in figure.interval_note


def test_resamples_without_variation_that_are_rare_are_left_out_and_mentioned():
    rows = [(c, a, [1, 2]) for c in range(40) for a in ("ann", "bob")]
    rows[:8] = [(c, a, [2, 1] if a == "ann" or c % 2 else [1, 2]) for c in range(4) for a in ("ann", "bob")]
    figure = krippendorff_alpha(votes_from_rows(rows))
    assert figure.low < figure.value < figure.high
    assert "were left out" in figure.interval_note


def test_a_figure_refuses_nan_and_a_missing_reason():
    with pytest.raises(ValueError, match="nan"):
        Figure(math.nan, None, None, 3, None, "x")
    with pytest.raises(ValueError, match="reason"):
        Figure(None, None, None, 3, None, "x")


judgment = st.tuples(
    st.integers(0, 5),
    st.integers(0, 4),
    st.lists(st.one_of(st.none(), st.integers(1, 3)), min_size=3, max_size=3),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(judgment, max_size=25, unique_by=lambda row: row[:2]), st.sampled_from(["count", "drop"]))
def test_whatever_is_judged_every_figure_is_a_number_with_an_interval_or_a_reason(rows, ties):
    with np.errstate(all="raise", under="ignore"):
        report = agreement_report(rows, ties=ties, replicates=50)
    json.dumps(report, allow_nan=False)
    alphas, kappas = report["krippendorff_alpha"].values(), report["cohen_kappa"]
    for figure in (report["percent_agreement"], report["fleiss_kappa"], report["tau_b"], *alphas, *kappas):
        assert (figure["value"] is None) == bool(figure["undefined_because"])
        assert (figure["low"] is None) == (figure["high"] is None)
        if figure["value"] is not None:
            assert figure["n"] > 0
            assert figure["low"] is not None or figure["interval_note"].startswith("No interval")
        if figure["low"] is not None:
            assert figure["low"] <= figure["high"] <= 1 + 1e-9
