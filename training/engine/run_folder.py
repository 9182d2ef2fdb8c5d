"""A run's own folder: its fingerprint, its checkpoints, and the result that ends it.

FOLDER/checkpoints/   while it trains
FOLDER/reward/ or FOLDER/policy/ and FOLDER/adapter/   the saved models
FOLDER/result.json    last of all: fingerprint, model hash, metrics
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.engine.errors import EngineError
from training.engine.ranking import Ranking
from training.engine.settings import _TrainingSettings

RESULT = "result.json"
ENGINE_FORMAT = 1  # raise it when a change makes old checkpoints mean something else


def fingerprint_of(
    kind: str, base_hash: str, rankings: Sequence[Ranking], heldout: Sequence[Ranking], settings: _TrainingSettings
) -> str:
    """SHA-256 of all a run's outcome depends on: a checkpoint or result with another one is not this run's."""
    what = {
        "format": ENGINE_FORMAT,
        "kind": kind,
        "base": base_hash,
        "settings": settings.as_dict(),
        "rankings": [asdict(ranking) for ranking in rankings],
        "heldout": [asdict(ranking) for ranking in heldout],
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that the file is whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("w", encoding="utf-8") as handle:
        json.dump(value, handle, ensure_ascii=False, indent=1, allow_nan=False)
        handle.flush()
        os.fsync(handle.fileno())
    partial.replace(path)


def finished_result(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """The stored result when this very run has already ended here; None when it has not.

    Raises `EngineError` when the folder holds another run's result: results are never overwritten.
    """
    path = folder / RESULT
    if not path.is_file():
        return None
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if stored["fingerprint"] != fingerprint:
        raise EngineError(f"{folder} holds the result of a run with other settings or data; give a new folder.")
    return stored
