import math

import numpy as np
import pytest
import torch

from training.engine import (
    Draw,
    Ranking,
    Scored,
    calibration_error,
    draw_for_evaluation,
    kl_from_reference,
    length_baseline,
    length_drift,
    load_policy,
    load_tokenizer,
    mean_margin,
    ordered_pair_accuracy,
)
from training.engine.estimates import cluster_ratio

PROMPTS = [[{"role": "user", "content": f"Question {n}?"}] for n in range(4)]


def test_accuracy_counts_ordered_pairs_alone_and_equal_scores_as_half():
    scored = [Scored("p1", [1, 2, 2], [3.0, 1.0, 2.0]), Scored("p2", [1, 2, None], [1.0, 1.0, 9.0])]
    figure = ordered_pair_accuracy(scored)
    assert figure["value"] == pytest.approx(2.5 / 3)
    assert (figure["n"], figure["rankings"], figure["clusters"]) == (3, 2, 2)


def test_the_interval_is_over_prompts_so_that_repeating_a_prompt_does_not_narrow_it():
    once = [Scored(f"p{n}", [1, 2], [float(n % 3), 0.5]) for n in range(30)]
    tenfold = ordered_pair_accuracy(once * 10)
    single = ordered_pair_accuracy(once)
    assert tenfold["n"] == 10 * single["n"]
    assert tenfold["high"] - tenfold["low"] == pytest.approx(single["high"] - single["low"])


def test_agreement_on_every_prompt_still_has_an_interval():
    figure = ordered_pair_accuracy([Scored(f"p{n}", [1, 2], [1.0, 0.0]) for n in range(20)])
    assert figure["value"] == figure["high"] == 1
    assert figure["low"] == pytest.approx(0.025 ** (1 / 20))


def test_one_prompt_gives_a_value_and_says_why_there_is_no_interval():
    figure = ordered_pair_accuracy([Scored("p", [1, 2], [1.0, 0.0])])
    assert (figure["value"], figure["low"], figure["high"]) == (1.0, None, None)
    assert "two prompts" in figure["undefined_because"]


def test_nothing_but_ties_leaves_accuracy_undefined():
    figure = ordered_pair_accuracy([Scored("p", [1, 1], [1.0, 0.0])])
    assert figure["value"] is None
    assert figure["n"] == 0
    assert "strictly" in figure["undefined_because"]


def test_the_bootstrap_interval_of_a_mean_is_close_to_the_normal_one():
    values = torch.randn(400, generator=torch.Generator().manual_seed(0)).double()
    figure = cluster_ratio(values.tolist(), [1.0] * 400, [str(n) for n in range(400)])
    half = 1.96 * values.std().item() / math.sqrt(400)
    assert figure["value"] == pytest.approx(values.mean().item())
    assert figure["high"] - figure["value"] == pytest.approx(half, rel=0.15)
    assert figure["value"] - figure["low"] == pytest.approx(half, rel=0.15)


@pytest.mark.parametrize("prompts", [2, 3, 5, 8, 24])
def test_the_interval_of_a_ratio_holds_the_truth_nine_times_of_ten_however_few_the_prompts(prompts):
    """Skewed values and clusters of uneven size; 95 % is reached only with many prompts."""
    chance = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        tokens = chance.integers(20, 64, prompts).astype(float)
        nats = tokens * chance.gamma(2, 0.05, prompts)
        figure = cluster_ratio(nats.tolist(), tokens.tolist(), [str(n) for n in range(prompts)])
        held += figure["low"] <= 0.1 <= figure["high"]
        assert ("interval_note" in figure) == (prompts < 10)
    assert held / 300 > 0.87


def test_prompts_that_all_give_the_same_value_give_no_interval_of_width_nothing():
    figure = cluster_ratio([0.0, 0.0], [1.0, 1.0], ["a", "b"])
    assert (figure["value"], figure["low"], figure["high"]) == (0.0, None, None)
    assert "all 2 prompts give the same value" in figure["undefined_because"]


def test_a_share_stays_a_share_however_few_the_prompts():
    figure = cluster_ratio([1.0, 2.0], [2.0, 2.0], ["a", "b"], proportion=True)
    assert (figure["low"], figure["high"]) == (0.0, 1.0)


def test_margin_is_winner_minus_loser():
    assert mean_margin([Scored("p", [2, 1], [0.5, 2.0]), Scored("q", [1, 2], [0.0, 1.0])])["value"] == 0.25


def test_a_sure_and_always_wrong_reward_is_badly_calibrated_and_a_modest_one_well():
    wrong = [Scored(f"p{n}", [1, 2], [0.0, 10.0]) for n in range(10)]
    assert calibration_error(wrong)["value"] == pytest.approx(1, abs=0.01)
    d = math.log(3)  # says 75 %, is right 3 times of 4
    modest = [Scored(f"p{n}", [1, 2], [d, 0.0] if n % 4 else [0.0, d]) for n in range(40)]
    assert calibration_error(modest)["value"] == pytest.approx(0, abs=1e-6)


def test_length_baseline_lets_the_longer_completion_win(base):
    ask = [{"role": "user", "content": "How?"}]
    rankings = [
        Ranking(ask, ["longest of all", "shorter", "short"], [1, 3, 2]),
        Ranking([*ask, *ask], ["same", "size"], [1, 2]),
    ]
    figure = length_baseline(load_tokenizer(base), rankings)
    assert figure["value"] == pytest.approx((2 + 0 + 0.5) / 4)
    assert figure["n"] == 4


def test_a_policy_has_no_divergence_from_itself(base):
    model, tokenizer = load_policy(base)
    draws = draw_for_evaluation(model, tokenizer, PROMPTS, max_new_tokens=6)
    figure = kl_from_reference(model, tokenizer, PROMPTS, draws, reference=model)
    assert figure["per_completion"]["value"] == pytest.approx(0, abs=1e-6)
    assert figure["per_completion"]["n"] == len(draws) == 8
    assert figure["per_token"]["n"] == sum(len(draw.ids) for draw in draws)


def test_divergence_equals_the_sum_over_the_whole_vocabulary_at_each_drawn_token(base):
    model, tokenizer = load_policy(base)
    other, _ = load_policy(base)
    with torch.no_grad():
        other.model.norm.weight.mul_(0.7)
    draws = draw_for_evaluation(model, tokenizer, PROMPTS[:2], samples=1, max_new_tokens=5)
    figure = kl_from_reference(model, tokenizer, PROMPTS[:2], draws, reference=other)
    from training.engine import encode_prompt

    by_hand = []
    for draw in draws:
        prompt = encode_prompt(tokenizer, PROMPTS[draw.prompt])
        ids = torch.tensor([prompt + draw.ids])
        with torch.no_grad():
            p, q = (m(ids).logits[0, len(prompt) - 1 : -1].softmax(-1) for m in (model, other))
        by_hand.append((p * (p / q).log()).sum().item())
    assert figure["per_completion"]["value"] == pytest.approx(sum(by_hand) / 2, rel=1e-3)
    assert figure["per_completion"]["value"] > 0


def test_divergence_is_measured_in_the_context_that_the_answer_was_drawn_from(base, monkeypatch):
    model, tokenizer = load_policy(base)
    long = [[{"role": "user", "content": "a" * 1500}]]
    seen = []
    monkeypatch.setattr(
        "training.engine.evaluation.completion_logits",
        lambda policy, row: seen.append(row.input_ids.shape[1]) or torch.zeros(row.targets.numel(), 3),
    )
    draws = draw_for_evaluation(model, tokenizer, long, samples=1, max_new_tokens=4)
    kl_from_reference(model, tokenizer, long, draws, reference=model)
    assert seen == [1024 + len(draws[0].ids)] * 2


def test_length_drift_shows_answers_that_shrink():
    before = [Draw(n // 2, [1] * 20, "", False) for n in range(8)]
    after = [Draw(n // 2, [1] * (4 + n), "", True) for n in range(8)]
    drift = length_drift(before, after)
    assert drift["before"]["value"] == 20
    assert drift["after"]["value"] == 7.5
    assert drift["ratio"]["value"] == pytest.approx(7.5 / 20)
    assert drift["ratio"]["high"] < 1
    assert (drift["finished_before"]["value"], drift["finished_after"]["value"]) == (0, 1)
