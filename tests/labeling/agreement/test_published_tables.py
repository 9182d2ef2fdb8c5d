"""The figures that papers print for their own small tables come out."""

import numpy as np
import pytest

from labeling.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha, percent_agreement, votes_from_rows
from tests.labeling.agreement.tables import FLEISS_1971, FOURTEEN_RATERS, KRIPPENDORFF_2011, votes_of, votes_of_counts


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorffs_own_example(level, published):
    figure = krippendorff_alpha(votes_of(KRIPPENDORFF_2011), level)
    assert figure.value == pytest.approx(published, abs=0.0005)
    assert figure.n == 11  # the twelfth unit has one value only


def test_fleiss_kappa_of_the_psychiatric_diagnoses():
    figure = fleiss_kappa(votes_of_counts(FLEISS_1971))
    assert figure.value == pytest.approx(0.430, abs=0.0005)
    assert figure.n == 30


def test_fleiss_kappa_of_fourteen_raters_and_ten_subjects():
    assert fleiss_kappa(votes_of_counts(FOURTEEN_RATERS)).value == pytest.approx(0.210, abs=0.0005)


def test_cohens_kappa_of_fifty_grant_proposals():
    yes_yes, yes_no, no_yes, no_no = 20, 5, 10, 15
    first = np.repeat([1, 1, 0, 0], [yes_yes, yes_no, no_yes, no_no])
    second = np.repeat([1, 0, 1, 0], [yes_yes, yes_no, no_yes, no_no])
    figure = cohen_kappa(votes_of(np.stack([first, second]).astype(float)), 0, 1)
    assert figure.value == pytest.approx(0.4)
    assert figure.n == 50


def test_percent_agreement_is_pooled_over_pairs_of_judgments_not_averaged_over_comparisons():
    rows = [("c1", "ann", [1, 2]), ("c1", "bob", [1, 2])]  # one pair of judgments, agreeing
    rows += [("c2", "ann", [1, 2]), ("c2", "bob", [1, 2]), ("c2", "cy", [2, 1])]  # three, one agreeing
    figure = percent_agreement(votes_from_rows(rows))
    assert figure.value == pytest.approx(2 / 4)  # the average over comparisons would be 2 / 3
    assert (figure.n, figure.units) == (4, 2)


def test_leaving_out_ties_leaves_out_the_pairs_of_judgments_in_which_either_is_a_tie():
    rows = [("c1", "ann", [1, 2]), ("c1", "bob", [1, 1]), ("c1", "cy", [1, 2])]
    rows += [("c2", "ann", [1, 1]), ("c2", "bob", [1, 1])]
    counted = percent_agreement(votes_from_rows(rows))
    dropped = percent_agreement(votes_from_rows(rows), ties="drop")
    assert (counted.value, counted.n) == (pytest.approx(2 / 4), 4)
    assert (dropped.value, dropped.n) == (pytest.approx(1.0), 1)
