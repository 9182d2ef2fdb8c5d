"""Checking a run's settings at the border, where the person who chose them can still be told."""

from typing import Any

from labeling.actions.errors import ActionError


def check_retrain_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """{"reward": {…}, "policy": {…}} with the engine's own keys. Raises ActionError naming the setting."""
    unknown = sorted(set(settings) - {"reward", "policy"})
    if unknown:
        raise ActionError(f"A retraining has settings reward and policy, not {', '.join(unknown)}.", field="settings")
    checked = {"reward": settings.get("reward") or {}, "policy": settings.get("policy") or {}}
    if checked["reward"]:
        _check("RewardSettings", checked["reward"])
    if checked["policy"]:
        _check("PolicySettings", checked["policy"])
    return checked


def check_sampling_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Keys of the engine's SamplingSettings, k among them. Raises ActionError naming the setting."""
    _check("SamplingSettings", settings)
    return settings


def _check(name: str, values: Any) -> None:
    from training.engine import settings as engine_settings
    from training.engine.errors import BadSettings

    if not isinstance(values, dict):
        raise ActionError(f"{name} must be an object of settings.", field="settings")
    try:
        getattr(engine_settings, name).from_dict(values)
    except BadSettings as error:
        raise ActionError(str(error), field="settings") from None
