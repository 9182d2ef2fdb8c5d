import itertools

import pytest

from training.engine import Cancelled, SamplingSettings, load_policy, sample_completions

PROMPTS = [[{"role": "user", "content": f"Question {n}?"}] for n in range(6)]
SETTINGS = SamplingSettings(k=3, max_new_tokens=10, group_size=2)


@pytest.fixture(scope="module")
def policy(base):
    return load_policy(base)


def texts(sampled):
    return [[completion.text for completion in prompt.completions] for prompt in sampled]


def test_every_prompt_gets_k_different_completions_that_are_not_empty(policy):
    sampled = list(sample_completions(*policy, PROMPTS, SETTINGS))
    assert [prompt.index for prompt in sampled] == list(range(6))
    for prompt in sampled:
        assert prompt.short_by == 0
        found = [completion.text for completion in prompt.completions]
        assert len({" ".join(text.split()) for text in found}) == 3
        assert all(text.strip() == text and text for text in found)


def test_the_same_seed_gives_the_same_completions_and_another_seed_others(policy):
    first = texts(sample_completions(*policy, PROMPTS, SETTINGS))
    assert texts(sample_completions(*policy, PROMPTS, SETTINGS)) == first
    assert texts(sample_completions(*policy, PROMPTS, SamplingSettings(**SETTINGS.as_dict() | {"seed": 1}))) != first


def test_special_tokens_are_stripped_and_the_cut_off_are_marked(policy):
    completions = [c for prompt in sample_completions(*policy, PROMPTS, SETTINGS) for c in prompt.completions]
    assert not any("<|" in completion.text for completion in completions)
    assert all(completion.tokens == 10 for completion in completions if not completion.finished)
    assert any(not completion.finished for completion in completions)


def test_results_come_as_groups_finish_the_first_with_one_prompt(policy):
    told = []
    stream = sample_completions(*policy, PROMPTS, SETTINGS, on_batch=lambda done, of, _: told.append((done, of)))
    next(stream)
    assert told == [(1, 6)]
    list(stream)
    assert told == [(1, 6), (3, 6), (5, 6), (6, 6)]


def test_a_model_that_repeats_itself_comes_up_short_and_says_so(policy):
    cold = SamplingSettings(k=3, max_new_tokens=2, temperature=0.001, max_tries=2)
    [sampled] = sample_completions(*policy, PROMPTS[:1], cold)
    assert sampled.short_by >= 1
    assert len(sampled.completions) + sampled.short_by == 3


def test_stopping_keeps_what_was_yielded(policy):
    asked = itertools.count()
    stream = sample_completions(*policy, PROMPTS, SETTINGS, should_stop=lambda: next(asked) > 14)
    assert next(stream).index == 0
    with pytest.raises(Cancelled):
        list(stream)


def test_sampling_leaves_the_global_random_state_alone(policy):
    import torch

    torch.manual_seed(3)
    expected = torch.rand(2).tolist()
    torch.manual_seed(3)
    list(sample_completions(*policy, PROMPTS[:1], SETTINGS))
    assert torch.rand(2).tolist() == expected
