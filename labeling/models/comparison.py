"""A prompt and K of its completions, judged as a unit."""

from django.db import models
from django.db.models import F, Q

from labeling.models.completion import Completion, Generator
from labeling.models.lane import Lane
from labeling.models.project import MAX_K, Project
from labeling.models.prompt import Prompt


class Comparison(models.Model):
    """A prompt with K ≥ 2 of its completions; `overlap` judgments are wanted.

    The completions are its candidates, in canonical order (`Candidate.position`, 0 … K−1): `ranks` and `shown` refer
    to these positions. The database keeps them different, of the same prompt, and fewer than K.

    `live` counts the slots that are held or filled, `judged` those that are filled. Only `labeling/actions` moves
    them, in the transaction that takes, fills or frees the slot; the database refuses a count above `overlap`.
    `level` is the place in the queue that follows from the project's order, the priority and `live`
    (labeling/actions/queue.py): with it the queue finds open work through an index and never scans.

    `gold`: the answer is known, so no judgments are collected; whoever judges it holds no slot.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        PAUSED = "paused", "Paused"
        REVIEW = "review", "With a lead"
        RETIRED = "retired", "Retired"

    class Purpose(models.TextChoices):
        COLLECT = "collect", "Collect preferences"
        EVALUATE = "evaluate", "Compare two models"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="comparisons", db_index=False)
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="comparisons")
    completions = models.ManyToManyField(Completion, through="Candidate", related_name="comparisons")
    k = models.PositiveSmallIntegerField()
    overlap = models.PositiveSmallIntegerField()
    live = models.PositiveSmallIntegerField(default=0, editable=False)
    judged = models.PositiveSmallIntegerField(default=0, editable=False)
    skips = models.PositiveSmallIntegerField(default=0, editable=False, help_text="How many people skipped it.")
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="comparisons", db_index=False)
    level = models.BigIntegerField(default=0, editable=False)
    gold = models.BooleanField(default=False, editable=False)
    priority = models.IntegerField(default=0, help_text="Higher is served first.")
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.COLLECT)
    round = models.PositiveSmallIntegerField(default=1, help_text="Which round of sampling it belongs to.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    content_hash = models.CharField(max_length=64, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="comparison_once_a_project", fields=["project", "content_hash"]),
            models.CheckConstraint(name="comparison_k_range", condition=Q(k__gte=2) & Q(k__lte=MAX_K)),
            models.CheckConstraint(name="comparison_overlap_positive", condition=Q(overlap__gte=1)),
            models.CheckConstraint(name="comparison_live_within_overlap", condition=Q(live__lte=F("overlap"))),
            models.CheckConstraint(name="comparison_judged_within_live", condition=Q(judged__lte=F("live"))),
        ]
        indexes = [
            models.Index(
                name="comparison_queue",
                fields=["lane", "level", "id"],
                condition=Q(state="open", gold=False, live__lt=F("overlap")),
            ),
            models.Index(
                name="comparison_held_back", fields=["lane", "id"], condition=Q(state__in=["paused", "review"])
            ),
        ]

    def __str__(self) -> str:
        return f"Comparison {self.pk} of {self.k}"


class Candidate(models.Model):
    """One completion's place in a comparison, in canonical order."""

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="candidates", db_index=False)
    completion = models.ForeignKey(Completion, on_delete=models.PROTECT, related_name="candidacies")
    position = models.PositiveSmallIntegerField()
    # Where this model wrote what another had written before: a text is stored once, with who wrote it first.
    generator = models.ForeignKey(Generator, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="candidate_once", fields=["comparison", "completion"]),
            models.UniqueConstraint(name="candidate_position_once", fields=["comparison", "position"]),
            models.CheckConstraint(name="candidate_position_range", condition=Q(position__lt=MAX_K)),
        ]
        indexes = [
            models.Index(name="candidate_generator", fields=["generator"], condition=Q(generator__isnull=False)),
        ]
        ordering = ["comparison", "position"]

    def __str__(self) -> str:
        return f"{self.comparison_id}[{self.position}]"

    @property
    def author(self) -> Generator | None:
        """What wrote the completion for this comparison."""
        return self.generator or self.completion.generator
