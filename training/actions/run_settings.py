"""Checking a run's settings at the border, where the person who chose them can still be told."""

from typing import Any

from labeling.actions.errors import ActionError


def check_retrain_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """{"reward": {…}, "policy": {…}} with the engine's own keys. Raises ActionError naming the setting."""
    unknown = sorted(set(settings) - {"reward", "policy"})
    if unknown:
        raise ActionError(f"A retraining has settings reward and policy, not {', '.join(unknown)}.", field="settings")
    checked = {"reward": settings.get("reward") or {}, "policy": settings.get("policy") or {}}
    _check("RewardSettings", checked["reward"], of="Reward model")
    _check("PolicySettings", checked["policy"], of="Policy")
    return checked


def check_sampling_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Keys of the engine's SamplingSettings, k among them. Raises ActionError naming the setting."""
    _check("SamplingSettings", settings, of="Sampling")
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
