"""A model version's card as pages and the API show it."""

from typing import Any

from training.models import ModelVersion
from training.queries.evaluations import win_rate
from training.queries.models import current_model

# In this order, with the words a lead reads. Each is an estimate {value, low, high, n, undefined_because}.
FIGURES = [
    ("reward_accuracy", "Reward model, held-out accuracy"),
    ("length_baseline", "“The longer answer is better”, same pairs"),
    ("calibration", "Reward model, calibration error"),
    ("reward_margin", "Reward model, margin"),
    ("dpo.accuracy", "Policy, held-out accuracy"),
    ("dpo.margin", "Policy, margin of implicit rewards"),
    ("kl.per_completion", "KL from its base, nats a completion"),
    ("kl.per_token", "KL from its base, nats a token"),
    ("length.before", "Length before, tokens"),
    ("length.after", "Length after, tokens"),
    ("length.ratio", "Length after ÷ before"),
    ("length.finished_before", "Answers that came to an end, before"),
    ("length.finished_after", "Answers that came to an end, after"),
    ("reward_gain", "Change of the reward on held-out prompts"),
]
DATA = ("batch", "rankings", "heldout_rankings", "selection")


def card(model_version: ModelVersion) -> dict[str, Any]:
    """Everything a page says about a version: identity, figures in order, warnings, samples, training, win rates.

    figures: [{"name", "label", value, low, high, n, undefined_because, …}], those the card has.
    """
    stored = model_version.card
    current = current_model(model_version.project)
    return {
        "id": model_version.pk,
        "name": model_version.name,
        "kind": model_version.kind,
        "hash": model_version.hash,
        "created": model_version.created,
        "origin": stored.get("origin", ""),
        "parent": _named(model_version.parent),
        "reward_model": _named(model_version.reward_model),
        "run": model_version.run_id,
        "current": current is not None and current.pk == model_version.pk,
        "data": {
            name: stored[name] for name in ("batch", "rankings", "heldout_rankings", "selection") if name in stored
        },
        "figures": figures(stored),
        "warnings": stored.get("warnings", []),
        "samples": stored.get("samples", []),
        "training": stored.get("training", {}),
        "versions": stored.get("versions", {}),
        "device": stored.get("device", ""),
        "seconds": stored.get("seconds", {}),
        "win_rates": [
            {"evaluation": one.pk, "name": one.name, "baseline": one.baseline.name, **win_rate(one)}
            for one in model_version.evaluations.select_related("baseline")
        ],
    }


def figures(stored: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, label in FIGURES:
        value: Any = stored
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            found.append({"name": name, "label": label, **value})
    return found


def _named(version: ModelVersion | None) -> dict[str, Any] | None:
    return None if version is None else {"id": version.pk, "name": version.name}
