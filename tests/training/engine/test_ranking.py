import pytest

from training.engine import BadRanking, Ranking, pairs
from training.engine.ranking import tie_share

ASK = [{"role": "user", "content": "Why?"}]


def test_pairs_hold_each_ranked_pair_once_and_leave_unranked_completions_out():
    ordered, tied = pairs([2, 1, None, 2])
    assert set(ordered) == {(1, 0), (1, 3)}
    assert tied == [(0, 3)]


def test_four_ranked_completions_give_six_pairs():
    ordered, tied = pairs([1, 2, 3, 4])
    assert len(ordered) == 6
    assert not tied


def test_tie_share_counts_every_ranking_once():
    one_tie_in_three = Ranking(ASK, ["a", "b", "c"], [1, 1, 2])
    only_a_tie = Ranking(ASK, ["a", "b"], [1, 1])
    assert tie_share([one_tie_in_three, only_a_tie]) == pytest.approx((1 / 3 + 1) / 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"prompt_messages": []}, "prompt_messages"),
        ({"prompt_messages": [{"role": "user"}]}, "prompt_messages"),
        ({"completions": ["a"], "ranks": [1]}, "completions"),
        ({"completions": ["a", "a"]}, "completions"),
        ({"ranks": [1]}, "ranks"),
        ({"ranks": [0, 1]}, "ranks"),
        ({"ranks": [1.5, 2]}, "ranks"),
        ({"ranks": [True, 2]}, "ranks"),
        ({"weight": 0.0}, "weight"),
        ({"weight": float("nan")}, "weight"),
        ({"finished": [True]}, "finished"),
    ],
)
def test_a_ranking_that_contradicts_itself_is_refused_by_name(change, field):
    whole = {"prompt_messages": ASK, "completions": ["a", "b"], "ranks": [1, 2], "id": "j7"}
    with pytest.raises(BadRanking, match=rf"j7.*{field}"):
        Ranking(**(whole | change))
