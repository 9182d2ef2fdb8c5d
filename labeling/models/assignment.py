"""One person's hold on one comparison."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from labeling.models.comparison import Comparison


class Assignment(models.Model):
    """One person's lease on a comparison, with the order they were shown.

    A live assignment (leased or judged) holds a slot; slots of a comparison are different and below its overlap
    (constraint and trigger), so over-collection is impossible rather than unlikely. An assignment that was skipped,
    released or expired holds none. `shown[i]` is the canonical position of the completion in place i on the page.
    """

    class State(models.TextChoices):
        LEASED = "leased", "Leased"
        JUDGED = "judged", "Judged"
        SKIPPED = "skipped", "Skipped"
        RELEASED = "released", "Released"
        EXPIRED = "expired", "Expired"

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="assignments")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assignments")
    slot = models.PositiveSmallIntegerField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.LEASED)
    shown = models.JSONField(help_text="The order drawn for this assignment: canonical positions as displayed.")
    expires = models.DateTimeField()
    skip_reason = models.CharField(max_length=200, blank=True)
    latest = models.OneToOneField(
        "Judgment", null=True, blank=True, on_delete=models.SET_NULL, related_name="latest_of", editable=False
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_assignment_a_person", fields=["comparison", "annotator"]),
            models.UniqueConstraint(name="one_assignment_a_slot", fields=["comparison", "slot"]),
            models.CheckConstraint(
                name="live_assignment_holds_a_slot",
                condition=Q(state__in=["leased", "judged"], slot__isnull=False)
                | Q(state__in=["skipped", "released", "expired"], slot__isnull=True),
            ),
        ]
        indexes = [
            models.Index(name="assignment_of_person", fields=["annotator", "state", "comparison"]),
            models.Index(name="assignment_to_expire", fields=["expires"], condition=Q(state="leased")),
        ]

    @property
    def order(self) -> list[int]:
        """Canonical positions as they stand on the page; the canonical order where an import did not say."""
        return self.shown or list(range(self.comparison.k))

    def __str__(self) -> str:
        return f"Assignment {self.pk} ({self.state})"
