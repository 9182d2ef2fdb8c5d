"""The artifact store: files and folders addressed by the SHA-256 of their content, each whole or absent.

ARTIFACTS_DIR/batches/<hash>.jsonl
ARTIFACTS_DIR/models/<hash>/
ARTIFACTS_DIR/adapters/<hash of the merged model>/
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from labeling.actions.errors import ActionError
from training.models import ModelVersion, TrainingRun


def artifact_path(relative: str) -> Path:
    """Where an artifact lies. Raises ActionError when `relative` would leave the store."""
    root = Path(settings.ARTIFACTS_DIR).resolve()
    path = (root / relative).resolve()
    if not path.is_relative_to(root):
        raise ActionError(f"{relative} lies outside the artifact store {root}.", code="invalid")
    return path


def write_once(relative: str, content: bytes) -> Path:
    """Store `content` under `relative` unless it is there; whoever comes second finds the first one's file."""
    path = artifact_path(relative)
    if path.is_file() and path.read_bytes() == content:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        sync_folder(path.parent)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    return path


def read_verified(relative: str, sha256: str) -> bytes:
    """The artifact's bytes. Raises ActionError when it is missing or its content no longer has this hash."""
    path = artifact_path(relative)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ActionError(
            f"{path} is missing from the artifact store; restore it from a backup.", code="not_found"
        ) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ActionError(f"{path} was changed after it was written; restore it from a backup.", code="conflict")
    return content


def store_folder(source: Path, sha256: str, kind: str = "models") -> str:
    """Put the folder `source` into the store as <kind>/<sha256>; return that relative path.

    Files are hard-linked where the disk allows it (a model is half a gigabyte) and copied elsewhere. The folder gets
    its name only when it is whole; if the name is taken, the content is the same and nothing is written.
    """
    relative = f"{kind}/{sha256}"
    target = artifact_path(relative)
    if target.is_dir():
        return relative
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{sha256[:12]}."))
    try:
        shutil.copytree(source, partial, dirs_exist_ok=True, copy_function=_link_or_copy)
        partial.chmod(0o755)  # mkdtemp's folders are private; another worker's user must read this one
        sync_folder(partial)
        try:
            partial.rename(target)
        except OSError:
            if not target.is_dir():
                raise
        sync_folder(target.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return relative


@contextmanager
def folders_kept(folders: dict[str, Path]) -> Iterator[None]:
    """Put folders into the store under <kind>/<sha256>; they go again when the run turns out to be cancelled.

    Those that were there before stay, and those of weights that a version names.
    """
    from training.engine.errors import Cancelled

    new = [relative for relative in folders if not artifact_path(relative).is_dir()]
    for relative, source in folders.items():
        kind, _, sha256 = relative.partition("/")
        store_folder(source, sha256, kind)
    try:
        yield
    except Cancelled:
        for relative in new:
            if not ModelVersion.objects.filter(hash=relative.partition("/")[2]).exists():
                shutil.rmtree(artifact_path(relative), ignore_errors=True)
        raise


def work_folder(run: TrainingRun) -> Path:
    """A run's checkpoints and half-done results, outside the store; gone when the run ends."""
    return Path(settings.VAR_DIR) / "runs" / str(run.pk)


def clear_work_folder(run: TrainingRun) -> None:
    shutil.rmtree(work_folder(run), ignore_errors=True)


def sweep_work_folders() -> None:
    """Remove what is left of runs that have ended without their worker being there to tidy up."""
    folders = {path.name: path for path in (Path(settings.VAR_DIR) / "runs").glob("[0-9]*")}
    live = TrainingRun.objects.filter(pk__in=folders, state__in=["queued", "running"]).values_list("pk", flat=True)
    for name in folders.keys() - {str(pk) for pk in live}:
        shutil.rmtree(folders[name], ignore_errors=True)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
