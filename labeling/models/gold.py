"""Comparisons whose answer is known, and how people do on them."""

from django.conf import settings
from django.db import models

from labeling.models.comparison import Comparison
from labeling.models.project import Project


class GoldAnswer(models.Model):
    """What is right about a comparison: `ranks` by canonical position, as in a judgment.

    Hidden gold is served among the rest and cannot be told apart. Practice gold is the qualification set: it is served
    to those who have not passed yet, and each answer is explained. A comparison with a known answer collects no
    judgments of its own: whoever judges it holds no slot.
    """

    class Use(models.TextChoices):
        HIDDEN = "hidden", "Hidden among the rest"
        PRACTICE = "practice", "Qualification set"

    class Source(models.TextChoices):
        EXPERT = "expert", "Expert"
        AGREED = "agreed", "Agreed by annotators"

    comparison = models.OneToOneField(Comparison, on_delete=models.CASCADE, related_name="gold_answer")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="gold_answers")
    use = models.CharField(max_length=10, choices=Use.choices, default=Use.HIDDEN)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.EXPERT)
    ranks = models.JSONField()
    explanation = models.TextField(blank=True, help_text="Why; shown after a practice item. Markdown.")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(name="gold_of_project", fields=["project", "use", "comparison"])]

    def __str__(self) -> str:
        return f"Gold of comparison {self.comparison_id}"


class ScreeningAttempt(models.Model):
    """One try at a project's qualification set. Accuracy and κ are written when it ends, and it is never reopened."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="screening_attempts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="screening_attempts")
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    items = models.PositiveSmallIntegerField(help_text="How many practice items the try has.")
    accuracy = models.FloatField(null=True, blank=True)
    agreement = models.FloatField(null=True, blank=True, help_text="Cohen's κ with the known answers, over pairs.")
    started = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="screening_try_once", fields=["project", "person", "number"]),
            models.UniqueConstraint(
                name="one_open_screening", fields=["project", "person"], condition=models.Q(state="open")
            ),
        ]
        ordering = ["project", "person", "number"]

    def __str__(self) -> str:
        return f"Try {self.number} of {self.person_id} in {self.project_id} ({self.state})"
