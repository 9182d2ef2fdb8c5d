"""The card says what it rests on, and says so when the numbers look too good."""

from typing import Any

import pytest

from training.actions.cards import _policy_warnings, _reward_warnings


def figure(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": 100, "undefined_because": None if value else "none"}


def measured(kl: float = 2.0, ratio: float = 1.05, finished: float = 0.9, accuracy: float = 0.8) -> dict[str, Any]:
    return {
        "kl": {"per_completion": figure(kl)},
        "length": {
            "ratio": figure(ratio),
            "before": figure(60.0),
            "after": figure(60.0 * ratio),
            "finished_before": figure(0.9),
            "finished_after": figure(finished),
        },
        "heldout": {"accuracy": figure(accuracy, accuracy - 0.1, accuracy + 0.1)},
    }


def test_a_policy_that_stayed_close_and_kept_its_length_gets_no_warning() -> None:
    assert _policy_warnings(measured(), figure(0.5, 0.2, 0.8)) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (measured(kl=25.0), "KL is 25.0 nats a completion"),
        (measured(ratio=0.5), r"50% shorter \(60 → 30 tokens\)"),
        (measured(ratio=1.4), "40% longer"),
        (measured(finished=0.6), "90% did before, 60% do now"),
        (measured(accuracy=0.55), "not clearly more than chance"),
    ],
)
def test_each_sign_of_reward_hacking_is_said_in_words(found: dict[str, Any], words: str) -> None:
    import re

    warnings = _policy_warnings(found, figure(0.0, -0.5, 0.5))
    assert len(warnings) == 1
    assert re.search(words, warnings[0])


def test_a_reward_that_rises_while_length_drifts_is_called_what_it_is() -> None:
    warnings = _policy_warnings(measured(ratio=0.4), figure(2.0, 1.0, 3.0))
    assert any("That is how reward hacking looks" in warning for warning in warnings)


def test_a_reward_model_that_learned_only_length_is_found_out() -> None:
    [warning] = _reward_warnings({"accuracy": figure(0.7), "length_baseline": figure(0.25)})
    assert "the shorter answer is better” alone is right in 75%" in warning
    assert _reward_warnings({"accuracy": figure(0.8), "length_baseline": figure(0.25)}) == []


def test_without_heldout_rankings_nothing_is_claimed() -> None:
    empty = measured() | {"heldout": {"accuracy": figure(None)}, "kl": {"per_completion": figure(None)}}
    empty["length"] = {name: figure(None) for name in empty["length"]}
    assert _policy_warnings(empty, figure(None)) == []
    assert _reward_warnings({"accuracy": figure(None), "length_baseline": figure(None)}) == []
