"""What a model is asked."""

from django.db import models

from labeling.models.project import Project


class Prompt(models.Model):
    """Chat messages to be answered.

    Unique by content in a project. The split is fixed at birth: a database trigger refuses to change it, and with it
    the promise that nothing trains on a held-out prompt.
    """

    class Source(models.TextChoices):
        PLAIN = "plain", "Plain"
        FEW_SHOT = "few_shot", "Few-shot"
        USER_BASED = "user_based", "User-based"
        IMPORTED = "imported", "Imported"

    class Split(models.TextChoices):
        TRAIN = "train", "Train"
        HELDOUT = "heldout", "Held out"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="prompts", db_index=False)
    messages = models.JSONField(help_text="[{role: system|user|assistant, content: text}, …], a user's turn last.")
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.IMPORTED)
    use_case = models.CharField(max_length=60, blank=True)
    tags = models.JSONField(default=list, blank=True)
    split = models.CharField(max_length=8, choices=Split.choices, default=Split.TRAIN)
    content_hash = models.CharField(max_length=64, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="prompt_once_a_project", fields=["project", "content_hash"]),
            models.CheckConstraint(name="prompt_split_known", condition=models.Q(split__in=["train", "heldout"])),
        ]
        indexes = [models.Index(name="prompt_by_split", fields=["project", "split"])]

    def __str__(self) -> str:
        return self.text[:80]

    @property
    def text(self) -> str:
        """The last turn: what is to be answered."""
        return self.messages[-1]["content"] if self.messages else ""
