"""A frozen set of judgments."""

from django.conf import settings
from django.db import models


class Batch(models.Model):
    """A frozen, content-addressed set of judgments with its train and held-out split.

    `hash` is the SHA-256 of the canonical JSON Lines of its rankings, which lie in the artifact store under that
    hash; two batches of the same content are the same batch. Once frozen, no row of it can change, be added or be
    taken away (triggers).
    """

    project = models.ForeignKey("labeling.Project", on_delete=models.PROTECT, related_name="batches")
    hash = models.CharField(max_length=64, unique=True)
    rankings = models.PositiveIntegerField(help_text="Judgments in the train split.")
    heldout_rankings = models.PositiveIntegerField(help_text="Judgments in the held-out split.")
    selection = models.JSONField(default=dict, help_text="What was chosen and what was left out, with counts.")
    frozen = models.BooleanField(default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"Batch {self.hash[:12]}"


class BatchJudgment(models.Model):
    """One judgment's place in a batch: the trace from a model back to what a person said."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="judgments")
    judgment = models.ForeignKey("labeling.Judgment", on_delete=models.PROTECT, related_name="batches")
    split = models.CharField(max_length=8, choices=[("train", "Train"), ("heldout", "Held out")])

    class Meta:
        constraints = [
            models.UniqueConstraint(name="judgment_once_a_batch", fields=["batch", "judgment"]),
            models.CheckConstraint(name="batch_split_known", condition=models.Q(split__in=["train", "heldout"])),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}: judgment {self.judgment_id} ({self.split})"
