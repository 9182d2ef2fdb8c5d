"""A model version measured on something named."""

from django.db import models

from training.models.model_version import ModelVersion


class Evaluation(models.Model):
    """A measurement of a model version.

    A blind win rate holds the comparisons in which people ranked its answers against the baseline's on held-out
    prompts, without seeing which is which; the rate is computed from their judgments whenever it is read.
    """

    class Kind(models.TextChoices):
        WIN_RATE = "win_rate", "Blind win rate"

    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="evaluations")
    baseline = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="evaluations_as_baseline")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.WIN_RATE)
    name = models.CharField(max_length=200)
    comparisons = models.ManyToManyField("labeling.Comparison", through="EvaluationComparison", related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="evaluation_of_two_models", condition=~models.Q(model_version=models.F("baseline"))
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EvaluationComparison(models.Model):
    """One comparison of an evaluation, and at which position the measured model's completion stands."""

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="items")
    comparison = models.ForeignKey("labeling.Comparison", on_delete=models.PROTECT, related_name="+")
    model_position = models.PositiveSmallIntegerField()
    baseline_position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="comparison_once_an_evaluation", fields=["evaluation", "comparison"]),
        ]

    def __str__(self) -> str:
        return f"{self.evaluation_id}: {self.comparison_id}"
