"""Long work on a model, its owner, and what it reports."""

from django.conf import settings as site_settings
from django.db import models
from django.db.models import Q

from training.models.batch import Batch


class TrainingRun(models.Model):
    """One piece of long work on a model: training on a batch, or sampling completions.

    One live owner a run: `owner` is the token of the worker that claimed it by a conditional update, and holds until
    `lease_expires`; a heartbeat renews it. Whoever finds the lease expired may claim the run and goes on from its last
    checkpoint. A redelivered Celery message claims nothing and does nothing.
    """

    class Kind(models.TextChoices):
        REWARD_DPO = "reward_dpo", "Reward model, then DPO"
        SAMPLING = "sampling", "Sample completions"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    project = models.ForeignKey("labeling.Project", on_delete=models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    settings = models.JSONField(default=dict)
    batch = models.ForeignKey(Batch, null=True, blank=True, on_delete=models.PROTECT, related_name="runs")
    base = models.ForeignKey(
        "ModelVersion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="runs_from",
        help_text="Model it starts from.",
    )
    stage = models.CharField(max_length=30, blank=True)
    step = models.PositiveIntegerField(default=0)
    of_steps = models.PositiveIntegerField(default=0)
    seconds_left = models.FloatField(null=True, blank=True)
    owner = models.CharField(max_length=80, blank=True)
    lease_expires = models.DateTimeField(null=True, blank=True)
    heartbeat = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often a worker has claimed it.")
    cancel_requested = models.BooleanField(default=False)
    error = models.TextField(blank=True, help_text="The traceback, when it failed.")
    report = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(
        site_settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="running_run_has_an_owner",
                condition=~Q(state="running") | (~Q(owner="") & Q(lease_expires__isnull=False)),
            ),
            models.CheckConstraint(
                name="training_has_a_batch", condition=~Q(kind="reward_dpo") | Q(batch__isnull=False)
            ),
        ]
        indexes = [models.Index(name="run_by_state", fields=["state", "lease_expires"])]

    def __str__(self) -> str:
        return f"Run {self.pk}: {self.get_kind_display()}"

    @property
    def live(self) -> bool:
        """Whether it still has work to do."""
        return self.state in (self.State.QUEUED, self.State.RUNNING)


class RunMetric(models.Model):
    """The numbers of one step. A resumed run repeats a step without storing it twice."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="metrics")
    stage = models.CharField(max_length=30)
    step = models.PositiveIntegerField()
    values = models.JSONField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="metric_once_a_step", fields=["run", "stage", "step"])]
        ordering = ["run", "id"]

    def __str__(self) -> str:
        return f"{self.run_id} {self.stage} {self.step}"


class RunLine(models.Model):
    """One line of a run's log."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="lines")
    created = models.DateTimeField(auto_now_add=True)
    text = models.TextField()

    class Meta:
        ordering = ["run", "id"]

    def __str__(self) -> str:
        return self.text[:80]
