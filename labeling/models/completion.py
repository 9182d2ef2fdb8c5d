"""Answers to a prompt, and what wrote them."""

from django.db import models

from labeling.models.project import Project
from labeling.models.prompt import Prompt


class Generator(models.Model):
    """What wrote a completion: a model version with its sampling settings, an imported model's name, or a human.

    One row for each different (kind, name, settings) of a project.
    """

    class Kind(models.TextChoices):
        MODEL = "model", "Model"
        HUMAN = "human", "Human"
        IMPORTED = "imported", "Imported"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="generators")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=200)
    settings = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(max_length=64, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="generator_once_a_project", fields=["project", "fingerprint"]),
        ]

    def __str__(self) -> str:
        return self.name


class Completion(models.Model):
    """One answer to a prompt. The same text is stored once a prompt, and its text never changes (trigger)."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="completions", db_index=False)
    generator = models.ForeignKey(
        Generator, null=True, blank=True, on_delete=models.PROTECT, related_name="completions"
    )
    text = models.TextField()
    content_hash = models.CharField(max_length=64, editable=False)
    tokens = models.PositiveIntegerField(null=True, blank=True, help_text="Length in the generator's own tokens.")
    finished = models.BooleanField(
        null=True, blank=True, help_text="Whether the model ended by itself; unknown for imported text."
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="completion_once_a_prompt", fields=["prompt", "content_hash"]),
        ]

    def __str__(self) -> str:
        return self.text[:80]
