"""Model versions: weights into the artifact store, and the row that names them."""

from pathlib import Path
from typing import Any

from django.conf import settings

from labeling.models import Project
from training.actions.artifacts import artifact_path, store_folder
from training.actions.leases import heartbeat
from training.actions.reporting import Reporter
from training.models import ModelVersion, TrainingRun


def register_bundled_model(project: Project, progress: Any = None) -> ModelVersion:
    """The project's version of the bundled model; prepared (20 s, once a machine) and stored when it is not yet.

    Raises the engine's `MissingModel` or `NoSpace`, in words for the operator.
    """
    folder = Path(settings.BUNDLED_MODEL_DIR)
    known = ModelVersion.objects.filter(project=project, kind="policy", run=None, name=folder.name).first()
    if known and model_folder(known).is_dir():
        return known
    from training.engine.bundled import prepare_bundled_model
    from training.engine.folders import folder_hash

    prepare_bundled_model(folder, progress)
    return store_model(
        project=project,
        kind=ModelVersion.Kind.POLICY,
        name=folder.name,
        folder=folder,
        sha256=folder_hash(folder),
        card={"origin": "bundled"},
    )


def store_model(
    *,
    project: Project,
    kind: str,
    name: str,
    folder: Path,
    sha256: str,
    parent: ModelVersion | None = None,
    run: TrainingRun | None = None,
    reward_model: ModelVersion | None = None,
    card: dict[str, Any] | None = None,
) -> ModelVersion:
    """Put the weights of `folder` (with hash `sha256`) into the store; the same weights are the same version."""
    path = store_folder(folder, sha256)
    version, _ = ModelVersion.objects.get_or_create(
        project=project,
        kind=kind,
        hash=sha256,
        defaults={
            "name": name,
            "path": path,
            "parent": parent,
            "run": run,
            "reward_model": reward_model,
            "card": card or {},
        },
    )
    return version


def model_folder(version: ModelVersion) -> Path:
    """Where the weights lie on this machine."""
    return artifact_path(version.path)


def next_version_number(project: Project) -> int:
    """1 for the project's first trained policy, and so on: policy-v1 and reward-v1 come from the same run."""
    names = ModelVersion.objects.filter(project=project, run__isnull=False).values_list("name", flat=True)
    numbers = [int(tail) for name in names for _, mark, tail in [name.rpartition("-v")] if mark and tail.isdigit()]
    return max(numbers, default=0) + 1


def starting_model(run: TrainingRun, reporter: Reporter) -> ModelVersion:
    """The model the run starts from; the bundled one, registered now, when none was named."""
    if run.base is None:
        reporter.stage("prepare", of=3)
        run.base = register_bundled_model(run.project, reporter.progress)
        heartbeat(run, reporter.owner, base=run.base)
    return run.base
