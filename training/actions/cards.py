"""The card of a model version: what it was trained on, how good it is, and where it may be fooling us."""

from typing import Any

from training.models import TrainingRun

# Beyond these the answers have moved so far from the model people ranked that its reward says little about them
# (Gao et al. 2022, arXiv 2210.10760: gold reward falls again as KL grows). Nats a completion; share of length.
LARGE_KL = 10.0
LARGE_LENGTH_DRIFT = 0.30
LARGE_FINISHED_DROP = 0.10


def reward_card(run: TrainingRun, metrics: dict[str, Any]) -> dict[str, Any]:
    """Card of a reward model, as JSON; estimates are {value, low, high, n, undefined_because}."""
    measured = metrics["heldout"]
    return {
        "origin": "trained",
        **_data(run),
        "reward_accuracy": measured["accuracy"],
        "length_baseline": measured["length_baseline"],
        "reward_margin": measured["margin"],
        "calibration": measured["calibration"],
        "training": {"reward": _training(metrics)},
        "versions": metrics["versions"],
        "device": metrics["device"],
        "warnings": _reward_warnings(measured),
    }


def policy_card(
    run: TrainingRun,
    reward: dict[str, Any],
    policy: dict[str, Any],
    rewards: list[list[float]],
    *,
    adapter: str,
    seconds: dict[str, float],
) -> dict[str, Any]:
    """Card of a policy, as JSON, from the engine's metrics of both trainings.

    rewards: [before, after] of each of policy["samples"], by the reward model of the same run.
    """
    gain = _reward_gain(rewards)
    return {
        **reward_card(run, reward),
        "dpo": {"accuracy": policy["heldout"]["accuracy"], "margin": policy["heldout"]["margin"]},
        "kl": policy["kl"],
        "length": policy["length"],
        "reward_gain": gain,
        "samples": [
            {**sample, "reward_before": before, "reward_after": after}
            for sample, (before, after) in zip(policy["samples"], rewards, strict=True)
        ],
        "training": {"reward": _training(reward), "policy": _training(policy)},
        "adapter": adapter,
        "seconds": seconds,
        "warnings": [*_policy_warnings(policy, gain), *_reward_warnings(reward["heldout"])],
    }


def _data(run: TrainingRun) -> dict[str, Any]:
    return {
        "base": run.base.name if run.base else None,
        "batch": run.batch.hash,
        "rankings": run.batch.rankings,
        "heldout_rankings": run.batch.heldout_rankings,
        "selection": run.batch.selection,
    }


def _training(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: metrics[name] for name in ("settings", "encoding", "tie_nu", "packed", "seconds")}


def _reward_gain(rewards: list[list[float]]) -> dict[str, Any]:
    """Mean change of the reward from before to after, over prompts."""
    from training.engine.estimates import cluster_ratio

    changes = [after - before for before, after in rewards]
    prompts = [str(number) for number in range(len(changes))]
    return cluster_ratio(changes, [1.0] * len(changes), prompts, empty="There is no held-out prompt with a ranking.")


def _policy_warnings(policy: dict[str, Any], gain: dict[str, Any]) -> list[str]:
    """Signs of reward hacking, in plain words."""
    found = []
    kl, ratio = policy["kl"]["per_completion"]["value"], policy["length"]["ratio"]["value"]
    before, after = policy["length"]["before"]["value"], policy["length"]["after"]["value"]
    drifted = ratio is not None and abs(ratio - 1) > LARGE_LENGTH_DRIFT
    far = kl is not None and kl > LARGE_KL
    if far:
        found.append(
            f"The policy moved far from its base: KL is {kl:.1f} nats a completion, more than {LARGE_KL:.0f}. "
            "Raise beta or lower learning_rate or epochs to stay closer."
        )
    if drifted:
        found.append(
            f"Answers became {abs(ratio - 1):.0%} {'longer' if ratio > 1 else 'shorter'} "
            f"({before:.0f} → {after:.0f} tokens). People may have preferred something else that goes with length: "
            "read the samples, or set length_normalised."
        )
    if (far or drifted) and gain["low"] is not None and gain["low"] > 0:
        found.append(
            f"The reward rose by {gain['value']:.2f} at the same time. That is how reward hacking looks: "
            "a blind comparison by people decides whether the answers are better."
        )
    found += _finished_warning(policy["length"])
    accuracy = policy["heldout"]["accuracy"]
    if accuracy["low"] is not None and accuracy["low"] <= 0.5:
        found.append(
            f"On held-out rankings the policy prefers the better answer in {accuracy['value']:.0%} of pairs "
            f"({accuracy['low']:.0%} to {accuracy['high']:.0%}): not clearly more than chance. More rankings may help."
        )
    return found


def _finished_warning(length: dict[str, Any]) -> list[str]:
    before, after = length["finished_before"]["value"], length["finished_after"]["value"]
    if before is None or after is None or before - after <= LARGE_FINISHED_DROP:
        return []
    return [f"Fewer answers come to an end: {before:.0%} did before, {after:.0%} do now; the others were cut off."]


def _reward_warnings(measured: dict[str, Any]) -> list[str]:
    accuracy, baseline = measured["accuracy"], measured["length_baseline"]["value"]
    if accuracy["value"] is None or baseline is None:
        return []
    by_length = max(baseline, 1 - baseline)
    if accuracy["value"] > by_length:
        return []
    rule = "longer" if baseline >= 0.5 else "shorter"
    return [
        f"The reward model is right in {accuracy['value']:.0%} of held-out pairs; “the {rule} answer is better” "
        f"alone is right in {by_length:.0%}. It has learned no more than length."
    ]
