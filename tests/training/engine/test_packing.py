"""A packed row must give exactly what K separate sequences give."""

import random

import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.training.engine.conftest import words
from training.engine import PolicySettings, Ranking, RewardSettings, encode_rankings, load_tokenizer, pack
from training.engine.losses import over_judgments
from training.engine.packing import MIN_PROMPT_TOKENS, honours_block_mask, shorten_prompt
from training.engine.policy import completion_logps, dpo_loss
from training.engine.reward import new_reward_model, rewards_of
from training.engine.tokens import encode_completion, encode_prompt

MULTI_TURN = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello?"},
    {"role": "assistant", "content": "Hi there."},
    {"role": "user", "content": "And now?"},
]


def ragged(tokenizer, k, messages=None, seed=0):
    rng = random.Random(seed + k)
    ranks = [rng.choice([None, *range(1, k + 1)]) for _ in range(k)]
    ranks[:2] = [1, 2]
    texts = [words(rng, 1, 40) + str(i) for i in range(k)]
    ranking = Ranking(messages or [{"role": "user", "content": words(rng, 3, 30)}], texts, ranks, id="one")
    [comparison], _ = encode_rankings(tokenizer, [ranking], 1024)
    return comparison


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_same_gradients(left, right):
    assert left.keys() == right.keys()
    assert left
    for name in left:
        torch.testing.assert_close(left[name], right[name], atol=1e-5, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("k", range(2, 10))
def test_packed_rewards_and_gradients_equal_those_of_separate_sequences(base, k):
    model, tokenizer = new_reward_model(base, RewardSettings(adapter="full"), torch.device("cpu"))
    comparison = ragged(tokenizer, k)
    results = []
    for packed in (True, False):
        rewards = rewards_of(model, comparison, packed=packed)
        loss, _ = over_judgments(rewards, comparison.ranks_and_weights, tie="davidson", nu=1.0)
        results.append((rewards.detach(), gradients(model, loss)))
    torch.testing.assert_close(results[0][0], results[1][0], atol=1e-5, rtol=0)
    assert_same_gradients(results[0][1], results[1][1])


@pytest.mark.parametrize("k", range(2, 10))
def test_packed_log_probabilities_and_gradients_equal_those_of_separate_sequences(base, k):
    model = AutoModelForCausalLM.from_pretrained(base)
    comparison = ragged(load_tokenizer(base), k, MULTI_TURN)
    settings = PolicySettings(nll_weight=0.3)
    results = []
    for packed in (True, False):
        logps = completion_logps(model, comparison, packed=packed)
        loss, _ = dpo_loss(logps, [-50.0] * k, comparison, settings, nu=1.0)
        results.append((logps.detach(), gradients(model, loss)))
    torch.testing.assert_close(results[0][0], results[1][0], atol=1e-4, rtol=1e-6)  # sums of up to 43 tokens
    assert_same_gradients(results[0][1], results[1][1])


def test_log_probabilities_are_those_of_plain_transformers(base):
    """Independent of the engine's own rows: one sequence, whole logits, shifted by hand."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(base), load_tokenizer(base)
    comparison = ragged(tokenizer, 5, MULTI_TURN)
    with torch.no_grad():
        ours = completion_logps(model, comparison)
        for k, completion in enumerate(comparison.completions):
            ids = torch.tensor([[*comparison.prompt, *completion]])
            logps = model(ids).logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
            assert ours[k].item() == pytest.approx(logps[len(comparison.prompt) - 1 :].sum().item(), abs=1e-4)


def test_a_row_holds_the_prompt_once_with_positions_that_restart():
    row = pack([10, 11, 12], [[20, 21], [30, 31, 32]])
    assert row.input_ids.tolist() == [[10, 11, 12, 20, 21, 30, 31, 32]]
    assert row.position_ids.tolist() == [[0, 1, 2, 3, 4, 3, 4, 5]]
    assert row.spans == [(3, 5), (5, 8)]
    assert row.ends.tolist() == [4, 7]
    assert row.targets.tolist() == [20, 21, 30, 31, 32]
    assert row.predict_from.tolist() == [2, 3, 2, 5, 6]
    assert row.owner.tolist() == [0, 0, 1, 1, 1]


def test_a_completion_sees_the_prompt_and_itself_and_nothing_later():
    mask = pack([1, 2], [[3, 4], [5, 6]]).mask[0, 0].int().tolist()
    assert mask == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [1, 1, 0, 0, 1, 1],
    ]


def test_a_model_that_ignores_the_mask_is_noticed(base):
    model = AutoModelForCausalLM.from_pretrained(base).model
    assert honours_block_mask(model)

    class Deaf(torch.nn.Module):
        def forward(self, attention_mask=None, position_ids=None, **rest):
            return model(**rest)

    assert not honours_block_mask(Deaf())


def test_the_prompt_is_shortened_at_its_front_and_completions_never():
    assert shorten_prompt(range(50), longest_completion=20, max_length=60) == list(range(10, 50))
    assert shorten_prompt(range(50), longest_completion=20, max_length=70) == list(range(50))
    assert shorten_prompt(range(50), longest_completion=20, max_length=20 + MIN_PROMPT_TOKENS - 1) is None


def test_too_long_rankings_are_shortened_or_left_out_and_counted(base):
    tokenizer = load_tokenizer(base)
    ask = [{"role": "user", "content": "old words " * 20 + "the question"}]
    rankings = [
        Ranking(ask, ["short", "brief"], [1, 2], id="shortened"),
        Ranking(ask, ["long " * 30, "brief"], [1, 2], id="left out"),
        Ranking(ask, ["nothing", "ranked"], [None, 1], id="no pair"),
    ]
    comparisons, report = encode_rankings(tokenizer, rankings, max_length=100)
    assert report.as_dict() == {
        "rankings": 1,
        "comparisons": 1,
        "shortened_prompts": 1,
        "left_out_too_long": 1,
        "left_out_too_long_ids": ["left out"],
        "left_out_no_pairs": 1,
    }
    [kept] = comparisons
    assert list(kept.prompt) == encode_prompt(tokenizer, ask)[-(100 - len("short") - 1) :]
    assert list(kept.completions[0]) == encode_completion(tokenizer, "short")


def test_judgments_of_the_same_completions_share_one_forward(base):
    ask = [{"role": "user", "content": "Which?"}]
    rankings = [
        Ranking(ask, ["one", "two"], [1, 2], annotator="a", id="j1"),
        Ranking(ask, ["one", "two"], [2, 1], annotator="b", weight=2.0, id="j2"),
        Ranking(ask, ["one", "three"], [1, 2], annotator="a", id="j3"),
    ]
    comparisons, report = encode_rankings(load_tokenizer(base), rankings, 1024)
    assert [comparison.ids for comparison in comparisons] == [["j1", "j2"], ["j3"]]
    assert comparisons[0].weight == 3.0
    assert report.rankings == 3
