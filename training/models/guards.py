"""Triggers that keep batches frozen and model versions whole. See labeling.models.guards for how they work."""

from django.db import router

from labeling.models.guards import Guard, install_guards

_FROZEN = "EXISTS (SELECT 1 FROM training_batch b WHERE b.id = {row}.batch_id AND b.frozen)"

TRAINING_GUARDS = [
    Guard("guard_batch_fixed", "training_batch", "UPDATE", "OLD.frozen", "a frozen batch never changes"),
    Guard("guard_batch_kept", "training_batch", "DELETE", "OLD.frozen", "a frozen batch is never deleted"),
    Guard(
        "guard_batch_row_added",
        "training_batchjudgment",
        "INSERT",
        _FROZEN.format(row="NEW"),
        "nothing is added to a frozen batch",
    ),
    Guard("guard_batch_row_fixed", "training_batchjudgment", "UPDATE", "1 = 1", "a row of a batch never changes"),
    Guard(
        "guard_batch_row_kept",
        "training_batchjudgment",
        "DELETE",
        _FROZEN.format(row="OLD"),
        "nothing is taken from a frozen batch",
    ),
    Guard(
        "guard_model_version_fixed",
        "training_modelversion",
        "UPDATE",
        "NEW.hash <> OLD.hash OR NEW.path <> OLD.path OR NEW.kind <> OLD.kind",
        "a model version is never overwritten",
    ),
]


def install_training_guards(using: str, **kwargs: object) -> None:
    """Receiver of post_migrate."""
    from training.models import Batch

    if router.allow_migrate_model(using, Batch):
        install_guards(TRAINING_GUARDS, using)
