"""The known truth behind `make demo-check`: what simulated annotators prefer, how noisily, and what that implies."""

import random
from collections import Counter

import numpy as np
import pytest

from webapp.demo_check.figures import describe_answers, implied_percent_agreement, known_win_rate
from webapp.demo_check.preference import (
    is_finished,
    noisy_ranks,
    on_topic_share,
    pair_label_probabilities,
    quality,
    repeated_share,
)

PROMPT = "How do I keep basil alive in my kitchen?"
GOOD = (
    "Keep the basil in the brightest window of your kitchen, water it when the top of the soil feels dry, and pinch "
    "off the tips so that it stays bushy and alive."
)


@pytest.mark.parametrize(
    ("worse", "why"),
    [
        (GOOD[:-20], "cut off in mid-sentence"),
        ("Water.", "too short to be an answer"),
        (f"{GOOD} {GOOD} {GOOD}", "says the same again"),
        (
            "The history of the railway begins with wooden wagons that horses pulled along rails out of the mines, "
            "long before steam.",
            "about something else",
        ),
        (GOOD + " And then there is more to be said of this and of that" * 6 + ".", "rambles"),
    ],
)
def test_the_preference_likes_a_good_answer_better_than_one_that(worse, why):
    assert quality(PROMPT, GOOD) > quality(PROMPT, worse), why


def test_neither_length_nor_its_reverse_decides_alone():
    medium, short, long = GOOD, "Water it.", GOOD + " It is said that" * 40
    assert quality(PROMPT, medium) > quality(PROMPT, short)
    assert quality(PROMPT, medium) > quality(PROMPT, long)


def test_shares_stay_between_nothing_and_all():
    assert repeated_share("one two") == 0
    assert repeated_share("a b c a b c a b c") == pytest.approx(1 - 3 / 7)
    assert on_topic_share("the of and", "anything") == 1
    assert on_topic_share("basil kitchen", "Basil grows.") == 0.5
    assert is_finished('He said "stop."')
    assert not is_finished("and then")


@pytest.mark.parametrize(("first", "second", "temperature"), [(1.0, 0.5, 0.3), (0.0, 0.0, 0.25), (2.0, -1.0, 0.5)])
def test_the_exact_chances_of_a_label_are_those_that_ranking_many_times_gives(first, second, temperature):
    draw, times = random.Random(1), 20_000
    counts: Counter[int] = Counter()
    for _ in range(times):
        a, b = noisy_ranks([first, second], temperature, draw)
        counts[(a > b) - (a < b)] += 1
    exact = pair_label_probabilities(first, second, temperature)
    seen = np.array([counts[-1], counts[0], counts[1]]) / times
    # four standard errors of a share of 20,000
    np.testing.assert_allclose(seen, exact, atol=4 * 0.5 / times**0.5)
    assert exact.sum() == pytest.approx(1)


def test_the_same_seed_ranks_the_same_and_ranks_are_dense():
    qualities = [0.2, 1.4, 0.2, -1.0]
    once = [noisy_ranks(qualities, 0.3, random.Random(7)) for _ in range(2)]
    assert once[0] == once[1]
    assert sorted(set(once[0])) == list(range(1, max(once[0]) + 1))


def _line(completions, models, judgments=(), split="heldout"):
    return {
        "prompt": [{"role": "user", "content": PROMPT}],
        "split": split,
        "completions": completions,
        "models": models,
        "judgments": [{"annotator": name, "ranks": [1, 2]} for name in judgments],
    }


def test_agreement_without_noise_to_speak_of_is_implied_to_be_complete():
    lines = [_line([GOOD, "Water."], ["a", "b"], ["one", "two"])]
    implied = implied_percent_agreement(lines, {"one": 0.01, "two": 0.01})
    assert implied["value"] == pytest.approx(1.0)
    assert implied["n"] == 1


def test_agreement_is_undefined_in_words_when_nothing_was_judged_twice():
    implied = implied_percent_agreement([_line([GOOD, "Water."], ["a", "b"], ["one"])], {"one": 0.1})
    assert implied["value"] is None
    assert "twice" in implied["undefined_because"]


def test_the_win_rate_compares_every_answer_of_two_models_to_the_same_heldout_prompt():
    lines = [
        _line([GOOD, "Water."], ["new", "old"]),
        _line([GOOD, "Water it"], ["old", "old"], split="train"),
    ]
    figure = known_win_rate(lines, "new", "old")
    assert (figure["value"], figure["n"], figure["prompts"]) == (1.0, 1, 1)
    assert describe_answers(lines, "old")["answers"] == 1
    assert describe_answers(lines, "nobody") == {"answers": 0}
