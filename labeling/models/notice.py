"""What waits for a lead."""

from django.conf import settings
from django.db import models

from labeling.models.comparison import Comparison
from labeling.models.project import Project


class Notice(models.Model):
    """Something a lead should look at, until one says that it is settled."""

    class Kind(models.TextChoices):
        FLAGGED = "flagged", "Flagged"
        SKIPPED = "skipped", "Skipped by several"
        BELOW_FLOOR = "below_floor", "Below the gold floor"
        SCREENED_OUT = "screened_out", "No tries left"
        NO_PRACTICE = "no_practice", "No practice items"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    text = models.TextField(blank=True)
    comparison = models.ForeignKey(Comparison, null=True, blank=True, on_delete=models.CASCADE, related_name="notices")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="notices",
        help_text="Who flagged it, or whom it is about.",
    )
    created = models.DateTimeField(auto_now_add=True)
    settled = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    resolution = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(name="notice_open", fields=["project", "-id"], condition=models.Q(settled__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} in {self.project_id}"
