"""Weights, and which of them a project samples from."""

from django.conf import settings
from django.db import models

from training.models.run import TrainingRun


class ModelVersion(models.Model):
    """Weights in the artifact store with their parent, the run that made them, and a card.

    Addressed by the SHA-256 of the weights' folder; the hash and the path never change (trigger), so a version is
    never overwritten.
    """

    class Kind(models.TextChoices):
        POLICY = "policy", "Policy"
        REWARD = "reward", "Reward model"

    project = models.ForeignKey("labeling.Project", on_delete=models.PROTECT, related_name="model_versions")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=120)
    hash = models.CharField(max_length=64)
    path = models.CharField(max_length=400, help_text="Folder of the weights, relative to the artifact store.")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    run = models.ForeignKey(TrainingRun, null=True, blank=True, on_delete=models.PROTECT, related_name="made")
    reward_model = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="policies",
        help_text="The reward model of the same run.",
    )
    card = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="version_once_a_project", fields=["project", "kind", "hash"]),
            models.UniqueConstraint(name="version_name_once_a_project", fields=["project", "name"]),
        ]

    def __str__(self) -> str:
        return self.name


class Promotion(models.Model):
    """A person chose the policy that a project samples from. The latest one holds."""

    project = models.ForeignKey("labeling.Project", on_delete=models.PROTECT, related_name="promotions")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.project_id} samples from {self.model_version_id}"
