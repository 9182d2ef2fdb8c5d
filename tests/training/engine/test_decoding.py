import pytest
import torch

from training.engine import SamplingSettings, encode_prompt, load_policy
from training.engine.decoding import draw, end_tokens, sample_tokens

PROMPTS = [[{"role": "user", "content": text}] for text in ("Hi", "A much longer question than that one?", "Why so?")]


@pytest.fixture(scope="module")
def policy(base):
    return load_policy(base)


def likeliest(model, ids, most, ends):
    """Greedy decoding of one prompt alone, whole sequence each time: no cache, no padding, no batch."""
    found = []
    for _ in range(most):
        with torch.no_grad():
            found.append(model(torch.tensor([ids + found])).logits[0, -1].argmax().item())
        if found[-1] in ends:
            break
    return found


def test_batch_padding_and_cache_change_nothing(policy):
    """Nearly greedy, so that each row can be checked against its prompt alone."""
    model, tokenizer = policy
    encoded = [encode_prompt(tokenizer, messages) for messages in PROMPTS]
    settings = SamplingSettings(max_new_tokens=12, temperature=1e-4)
    drawn = draw(model, tokenizer, encoded, [2, 1, 2], settings, seed=0)
    assert [len(completions) for completions in drawn] == [2, 1, 2]
    for ids, completions in zip(encoded, drawn, strict=True):
        expected = likeliest(model, ids, 12, end_tokens(model, tokenizer))
        assert all(completion == expected for completion, _ in completions)


def test_rows_that_end_leave_the_others_undisturbed(policy):
    """With every token but a few ending the answer, rows leave at different steps."""
    model, tokenizer = policy
    encoded = [encode_prompt(tokenizer, messages) for messages in PROMPTS]
    settings = SamplingSettings(max_new_tokens=12, temperature=1e-4)
    plain = draw(model, tokenizer, encoded, [1, 1, 1], settings, seed=0)
    stop_early = plain[1][0][0][3]  # the second prompt's fourth token now ends an answer
    before = model.generation_config.eos_token_id
    model.generation_config.eos_token_id = [before, stop_early]
    try:
        cut = draw(model, tokenizer, encoded, [1, 1, 1], settings, seed=0)
    finally:
        model.generation_config.eos_token_id = before
    for [(whole, _)], [(short, finished)] in zip(plain, cut, strict=True):
        if stop_early in whole:
            assert short == whole[: whole.index(stop_early) + 1]
            assert finished
        else:
            assert short == whole
    assert len(cut[1][0][0]) <= 4


@pytest.mark.parametrize("vocabulary", [40, 2000])
def test_top_p_keeps_the_smallest_set_that_reaches_it(vocabulary):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, vocabulary, generator=generator) * (1 if vocabulary == 40 else 0.1)
    probabilities, order = logits.softmax(-1)[0].sort(descending=True)
    size = int((probabilities.cumsum(0) < 0.6).sum()) + 1  # with 2000 flat ones, more than the quick path holds
    allowed = set(order[:size].tolist())
    seen = {sample_tokens(logits, 1.0, 0.6, generator).item() for _ in range(3000)}
    assert seen <= allowed
    assert len(seen) > 0.6 * size


def test_frequencies_follow_the_probabilities_at_the_temperature():
    generator = torch.Generator().manual_seed(0)
    logits = torch.tensor([0.5, 0.3, 0.2]).log().repeat(20_000, 1)
    seen = sample_tokens(logits, 0.5, 1.0, generator).bincount(minlength=3) / 20_000
    expected = torch.tensor([0.25, 0.09, 0.04]) / 0.38
    torch.testing.assert_close(seen, expected, atol=0.015, rtol=0)
