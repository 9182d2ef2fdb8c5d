"""The model a worker process keeps loaded between runs: the next run with the same weights starts at once."""

from typing import Any

from training.actions.model_versions import model_folder
from training.models import ModelVersion

# One at a time: memory for two large models is not there. Keyed by content, so it can never be stale.
_loaded: dict[str, tuple[Any, Any]] = {}


def load_version(version: ModelVersion) -> tuple[Any, Any]:
    """(model, tokenizer) of a policy, ready to sample from; loading another one lets the last one go."""
    from training.engine.models import load_policy, sampling_dtype

    if version.hash not in _loaded:
        _loaded.clear()
        _loaded[version.hash] = load_policy(model_folder(version), dtype=sampling_dtype())
    return _loaded[version.hash]


def unload() -> None:
    """Free the memory, before a training needs it."""
    _loaded.clear()
