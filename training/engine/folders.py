"""Folders that are either whole or absent, and the hash of what is in them."""

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.engine.errors import EngineError, NoSpace

PARTIAL = ".partial-"


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def require_space(folder: Path, needed: int) -> None:
    """Raise `NoSpace` unless `needed` bytes are free where `folder` is (or will be)."""
    parent = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise NoSpace(
            f"Writing {folder} needs about {needed / 1e6:.0f} MB and {free / 1e6:.0f} MB are free. "
            f"Free some space on the disk of {parent} and try again."
        )


@contextmanager
def whole_folder(folder: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield an empty sibling folder to write into; rename it to `folder` when the block ends well.

    Every file is fsynced before the rename, so after a crash `folder` is absent or complete. A sibling left
    by a killed process carries `.partial-` in its name and is never read; `sweep_partial` removes it.
    With `replace`, an existing `folder` is moved aside first; without, it is an error to find one that is
    not empty. Raises `NoSpace` when the disk fills up.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.parent / f".{folder.name}{PARTIAL}{uuid.uuid4().hex[:8]}"
    partial.mkdir()
    try:
        yield partial
        for path in sorted(partial.rglob("*")):
            _sync(path)
        _sync(partial)
        if replace and folder.exists():
            aside = folder.parent / f".{folder.name}{PARTIAL}{uuid.uuid4().hex[:8]}"
            folder.rename(aside)
            partial.rename(folder)
            shutil.rmtree(aside, ignore_errors=True)
        else:
            partial.rename(folder)
        _sync(folder.parent)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if _is_full_disk(error):
            raise NoSpace(f"The disk filled up while writing {folder}. Free some space and try again.") from error
        if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise EngineError(f"{folder} is already there and not empty; give a new folder.") from error
        raise


def _is_full_disk(error: BaseException) -> bool:
    # safetensors and torch wrap the operating system's error in their own types, keeping only its text
    return getattr(error, "errno", None) == errno.ENOSPC or "No space left on device" in str(error)


def sweep_partial(parent: Path) -> None:
    """Remove what killed writers left in `parent`. Call only where no other process is writing."""
    for path in parent.glob(f".*{PARTIAL}*"):
        shutil.rmtree(path, ignore_errors=True)


def folder_hash(folder: Path) -> str:
    """SHA-256 (hex) over the relative names and bytes of all files of `folder`, in name order.

    Independent of time stamps, permissions and the folder's own place. Hidden files are left out.
    """
    digest = hashlib.sha256()
    folder = Path(folder)
    files = (p for p in folder.rglob("*") if p.is_file())
    names = sorted((p.relative_to(folder).as_posix(), p) for p in files)
    for name, path in names:
        if any(part.startswith(".") for part in name.split("/")):
            continue
        with path.open("rb") as handle:
            content = hashlib.file_digest(handle, "sha256").hexdigest()
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()
