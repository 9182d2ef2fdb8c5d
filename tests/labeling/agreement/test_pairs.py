"""Rankings become votes on pairs, and mistaken input is named."""

import numpy as np
import pytest

from labeling.agreement import disagreement, disagreement_by_comparison, explode, votes_from_rows


def test_a_ranking_of_four_becomes_six_votes():
    votes = explode(["c"], ["ann"], [[2, 1, 2, 3]])
    assert votes.label.tolist() == [-1, 0, 1, 1, 1, 1]  # pairs 01 02 03 12 13 23
    assert len(set(votes.unit)) == 6


def test_the_unit_of_a_pairwise_comparison_is_the_comparison():
    votes = votes_from_rows([("c1", "ann", [1, 2]), ("c1", "bob", [1, 1]), ("c2", "ann", [2, 1])])
    assert votes.unit.tolist() == [0, 0, 1]
    assert votes.comparison.tolist() == [0, 0, 1]
    assert votes.label.tolist() == [1, 0, -1]


def test_an_unranked_completion_gives_no_vote():
    votes = votes_from_rows([("c", "ann", [1, None, 2]), ("c", "bob", [None, None, 1])])
    assert votes.label.tolist() == [1]


def test_comparisons_of_different_size_live_side_by_side():
    votes = votes_from_rows([("c1", "ann", [1, 2]), ("c2", "ann", [3, 2, 1]), ("c2", "bob", [1, 2, 3])])
    assert len(votes) == 1 + 3 + 3
    assert len(set(votes.unit)) == 1 + 3


def test_comparisons_of_one_prompt_form_one_cluster():
    votes = votes_from_rows([("c1", "ann", [1, 2], "p"), ("c2", "ann", [1, 2], "p"), ("c3", "ann", [1, 2], "q")])
    assert votes.cluster.tolist() == [0, 0, 1]


def test_ids_may_be_numbers_strings_tuples_or_mixed():
    rows = [((1, 2), "ann", [1, 2]), ((3, 4), 7, [1, 2]), ("1", None, [2, 1]), (1, "ann", [2, 1])]
    votes = votes_from_rows(rows)
    assert len(votes.comparison_names) == 4
    assert set(votes.annotator_names) == {"ann", 7, None}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("c", "ann", [1, 2]), ("c", "ann", [2, 1])], "'ann' judged 'c' more than once"),
        ([("c", "ann", [1, 2], "p"), ("c", "bob", [2, 1], "q")], "'c' appears under two prompts"),
        ([("c", "ann", [1, 2]), ("c", "bob", [2, 1, 3])], "'bob' ranked 3 completions, someone else 2"),
        ([("c", "ann", [1])], "at least two completions"),
        ([("c", "ann", [1, float("inf")])], "infinite"),
    ],
)
def test_mistaken_rows_are_named(rows, message):
    with pytest.raises(ValueError, match=message):
        votes_from_rows(rows)


def test_lengths_that_differ_are_named():
    with pytest.raises(ValueError, match="different lengths"):
        explode(["c1", "c2"], ["ann"], [[1, 2]])


def test_disagreement_is_the_share_of_pair_labels_that_differ():
    assert disagreement([[1, 2, 3], [1, 2, 3]]) == 0
    assert disagreement([[1, 2, 3], [3, 2, 1]]) == 1
    assert disagreement([[1, 2, 3], [1, 3, 2]]) == pytest.approx(1 / 3)
    assert disagreement([[1, 2], [1, 1], [2, 1]]) == 1
    assert disagreement([[1, 2, 3]]) is None
    assert disagreement([[1, None, 2], [None, 1, 2]]) is None


def test_the_most_disputed_comparisons_come_first():
    rows = [("calm", a, [1, 2, 3]) for a in "abc"] + [("alone", "a", [1, 2, 3])]
    rows += [("split", "a", [1, 2, 3]), ("split", "b", [3, 2, 1])]
    rows += [("half", "a", [1, 2, 3]), ("half", "b", [1, 3, 2])]
    split = disagreement_by_comparison(votes_from_rows(rows))
    assert split.most(2) == [("split", 1.0, 3), ("half", pytest.approx(1 / 3), 3)]
    assert set(split.comparisons) == {"calm", "split", "half"}


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(5)
    rows = [(c, a, rng.permutation(4).tolist()) for c in range(20) for a in range(3)]
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    one, other = (disagreement_by_comparison(votes_from_rows(r)) for r in (rows, shuffled))
    assert one.comparisons == other.comparisons
    assert one.disagreement == pytest.approx(other.disagreement)
