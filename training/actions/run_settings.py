"""Checking a run's settings at the border, where the person who chose them can still be told."""

from typing import Any

from labeling.actions.errors import ActionError
from labeling.models.project import MAX_K


def check_retrain_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """{"reward": {…}, "policy": {…}} with the engine's own keys. Raises ActionError naming the setting."""
    unknown = sorted(set(settings) - {"reward", "policy"})
    if unknown:
        raise ActionError(f"A retraining has settings reward and policy, not {', '.join(unknown)}.", field="settings")
    checked = {"reward": settings.get("reward") or {}, "policy": settings.get("policy") or {}}
    _check("RewardSettings", checked["reward"], of="Reward model")
    _check("PolicySettings", checked["policy"], of="Policy")
    return checked


def fixed_now(settings: dict[str, Any], sampling: dict[str, Any]) -> dict[str, Any]:
    """The settings of a retraining with what else they depend on written into them: answers are measured as long as
    those that people are shown. What a lead changes while the run is at work changes nothing about it."""
    from training.engine.settings import SamplingSettings

    shown = SamplingSettings.from_dict(sampling).max_new_tokens
    return {**settings, "policy": {"evaluation_tokens": shown, **settings["policy"]}}


def check_sampling_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Keys of the engine's SamplingSettings, k among them. Raises ActionError naming the setting."""
    _check("SamplingSettings", settings, of="Sampling")
    k = settings.get("k", 2)
    if not 2 <= k <= MAX_K:
        raise ActionError(f"Sampling: k must be from 2 to {MAX_K}, for people to compare, not {k}.", field="k")
    return settings


def _check(name: str, values: Any, of: str) -> None:
    from training.engine import settings as engine_settings
    from training.engine.errors import BadSettings

    if not isinstance(values, dict):
        raise ActionError(
            f'{of}: the settings must be an object, such as {{"seed": 1}}, not {values!r:.60}.', field="settings"
        )
    try:
        getattr(engine_settings, name).from_dict(values)
    except BadSettings as error:
        raise ActionError(f"{of}: {error}", field="settings") from None
