import math
import random

import pytest
import torch

from training.engine import bradley_terry_all_pairs, dpo_all_pairs
from training.engine.losses import best_completion_nll, over_judgments, tie_strength

RANKS = [
    [1, 2],
    [2, 1, 3],
    [1, 1, 2, 3],
    [1, None, 2, 2],
    [3, 3, 3, 3],
    [9, 8, 7, 6, 5, 4, 3, 2, 1],
    [None, 1, 1, 2, None, 4],
]


def naive(rewards, ranks, tie, nu):
    """The same likelihood by the book: a double loop over pairs, plain exponentials, no torch."""
    terms = []
    for i in range(len(rewards)):
        for j in range(i + 1, len(rewards)):
            if ranks[i] is None or ranks[j] is None:
                continue
            a, b = math.exp(rewards[i]), math.exp(rewards[j])
            middle = nu * math.sqrt(a * b) if tie == "davidson" else 0.0
            whole = a + b + middle
            if ranks[i] == ranks[j]:
                if tie == "davidson":
                    terms.append(-math.log(middle / whole))
                elif tie == "half":
                    terms.append(-0.5 * math.log(a / whole) - 0.5 * math.log(b / whole))
                else:
                    terms.append(0.0)
            else:
                terms.append(-math.log((a if ranks[i] < ranks[j] else b) / whole))
    return sum(terms) / len(terms)


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("tie", ["davidson", "half", "drop"])
def test_loss_over_all_pairs_equals_the_double_loop(ranks, tie):
    rng = random.Random(1)
    rewards = [rng.gauss(0, 2) for _ in ranks]
    loss, _ = bradley_terry_all_pairs(torch.tensor(rewards), ranks, tie=tie, nu=0.7)
    assert loss.item() == pytest.approx(naive(rewards, ranks, tie, 0.7), rel=1e-5, abs=1e-6)


def test_without_ties_and_nu_the_loss_is_plain_bradley_terry():
    loss, _ = bradley_terry_all_pairs(torch.tensor([1.3, 0.2]), [1, 2], nu=0.0)
    assert loss.item() == pytest.approx(-math.log(1 / (1 + math.exp(-1.1))), rel=1e-6)


def test_a_ranking_counts_once_however_many_completions_it_has():
    equal = [bradley_terry_all_pairs(torch.zeros(k), list(range(1, k + 1)), nu=0.0)[0] for k in (2, 4, 9)]
    assert [loss.item() for loss in equal] == pytest.approx([math.log(2)] * 3)


def test_a_tie_pulls_rewards_together_and_an_order_pulls_them_apart():
    rewards = torch.tensor([1.0, 0.0], requires_grad=True)
    for ranks, direction in ([1, 1], 1), ([1, 2], -1):
        [slope] = torch.autograd.grad(bradley_terry_all_pairs(rewards, ranks, nu=1.0)[0], rewards)
        assert math.copysign(1, slope[0].item()) == direction
        assert slope.sum().item() == pytest.approx(0, abs=1e-7)


def test_an_unranked_completion_gets_no_gradient():
    rewards = torch.randn(4, requires_grad=True)
    [slope] = torch.autograd.grad(bradley_terry_all_pairs(rewards, [1, None, 2, 2])[0], rewards)
    assert slope[1].item() == 0
    assert (slope[[0, 2, 3]] != 0).all()


def test_huge_reward_differences_stay_finite():
    rewards = torch.tensor([1e4, -1e4], requires_grad=True)
    for ranks in ([1, 2], [2, 1], [1, 1]):
        loss, _ = bradley_terry_all_pairs(rewards, ranks, nu=0.5)
        assert torch.isfinite(loss)
        assert torch.isfinite(torch.autograd.grad(loss, rewards)[0]).all()


def test_a_ranking_without_pairs_costs_nothing():
    loss, counts = bradley_terry_all_pairs(torch.randn(3), [None, 2, None])
    assert loss.item() == 0
    assert counts.accuracy is None


def test_davidson_without_nu_refuses_ties_instead_of_becoming_infinite():
    with pytest.raises(ValueError, match="probability 0"):
        bradley_terry_all_pairs(torch.zeros(2), [1, 1], nu=0.0)


def test_accuracy_and_margin_come_as_sums_that_add_up():
    _, first = bradley_terry_all_pairs(torch.tensor([2.0, 1.0, 0.0]), [1, 2, 3])
    _, second = bradley_terry_all_pairs(torch.tensor([0.0, 1.0]), [1, 2])
    assert first.accuracy == 1
    assert second.accuracy == 0
    assert (first + second).accuracy == pytest.approx(0.5)
    assert (first + second).pairs == 4
    assert first.mean_margin == pytest.approx(4 / 3)


def test_equal_completions_tie_as_often_as_the_data_say():
    nu = tie_strength(0.25)
    assert nu / (2 + nu) == pytest.approx(0.25)
    assert tie_strength(0.0) == 0


@pytest.mark.parametrize("ranks", RANKS)
def test_dpo_is_bradley_terry_of_implicit_rewards(ranks):
    policy, reference = torch.randn(len(ranks)), torch.randn(len(ranks))
    loss, _ = dpo_all_pairs(policy, reference, ranks, beta=0.3, nu=0.7)
    assert loss.item() == pytest.approx(naive((0.3 * (policy - reference)).tolist(), ranks, "davidson", 0.7), rel=1e-4)


def test_dpo_of_a_pair_is_rafailov_equation_7():
    loss, _ = dpo_all_pairs(torch.tensor([-10.0, -12.0]), torch.tensor([-11.0, -11.5]), [1, 2], beta=0.1, nu=0.0)
    assert loss.item() == pytest.approx(-math.log(1 / (1 + math.exp(-0.1 * (1.0 + 0.5)))), rel=1e-6)


def test_length_normalised_dpo_takes_the_reward_per_token():
    policy, reference, lengths = torch.tensor([-10.0, -12.0]), torch.zeros(2), torch.tensor([5.0, 6.0])
    loss, _ = dpo_all_pairs(policy, reference, [1, 2], beta=2.0, nu=0.0, lengths=lengths)
    assert loss.item() == pytest.approx(math.log(2))  # both −2 nats a token


def test_the_best_completions_share_the_extra_likelihood_term():
    nll = best_completion_nll(torch.tensor([-10.0, -9.0, -8.0]), torch.tensor([5.0, 3.0, 2.0]), [1, 2, 1])
    assert nll.item() == pytest.approx((2 + 4) / 2)


def test_several_judgments_of_the_same_completions_add_up_with_their_weights():
    rewards = torch.randn(3)
    judged = [((1, 2, 3), 1.0), ((2, 1, 1), 0.5)]
    total, _ = over_judgments(rewards, judged, tie="half", nu=1.0)
    apart = [bradley_terry_all_pairs(rewards, ranks, tie="half", weight=w)[0] for ranks, w in judged]
    assert total.item() == pytest.approx(sum(loss.item() for loss in apart))
