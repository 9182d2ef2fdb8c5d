"""Checkpoints of a run: whole or skipped, never half read."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from training.engine.errors import NoSpace

Log = Callable[[str], None]


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]


def save_checkpoint(folder: Path, step: int, state: dict[str, Any], keep: int) -> Path:
    """Write `state` (tensors and plain values) as step `step`; keep the newest `keep`, remove older ones.

    Written under another name, fsynced, then renamed to `step-<step>-<digest>.pt`: the digest in the name shows
    any later damage. Raises `NoSpace` when the disk is full; the older checkpoints are still there then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".partial-{os.getpid()}.pt"
    try:
        with partial.open("wb") as handle:
            torch.save(state, handle)
            handle.flush()
            os.fsync(handle.fileno())
        path = folder / f"step-{step:08d}-{_digest(partial)}.pt"
        partial.replace(path)
        directory = os.open(folder, os.O_RDONLY)
        os.fsync(directory)  # the rename itself must survive a power cut
        os.close(directory)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        if "No space left" in str(error):
            raise NoSpace(f"The disk filled up while writing a checkpoint to {folder}.") from error
        raise
    for old in _newest_first(folder)[keep:]:
        old.unlink(missing_ok=True)
    return path


def _newest_first(folder: Path) -> list[Path]:
    # by step, then by time: a run with new settings may write the same step again
    return sorted(folder.glob("step-*.pt"), key=lambda p: (p.name.split("-")[1], p.stat().st_mtime), reverse=True)


def load_newest(folder: Path, fingerprint: str, log: Log) -> dict[str, Any] | None:
    """The newest whole checkpoint whose `fingerprint` matches, or None. Says in the log which it skips, and why."""
    for path in _newest_first(folder) if folder.is_dir() else []:
        if not path.stem.endswith(_digest(path)):
            log(f"Skipped {path.name}: it is damaged (its content does not match its name).")
            continue
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if state["fingerprint"] != fingerprint:
            log(f"Ignored {path.name}: it was made with other settings or other data.")
            continue
        return state
    return None


def clear_checkpoints(folder: Path) -> None:
    """Remove all checkpoints and leftovers of killed writers, once the run's result is safe."""
    for path in [*folder.glob("step-*.pt"), *folder.glob(".partial-*.pt")]:
        path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
