"""One person's hold on one comparison."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from labeling.models.comparison import Comparison
from labeling.models.project import Project


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def given(self) -> "AssignmentQuerySet":
        """Those whose judgments count as what people prefer: collected, surplus ones too. Gold, repeats and practice
        measure people, not answers."""
        return self.filter(kind="collect", state__in=["judged", "surplus"])


class Assignment(models.Model):
    """One person's lease on a comparison, with the order they were shown.

    A live assignment that collects (leased or judged) holds a slot; slots of a comparison are different and below its
    overlap (constraint and trigger), so over-collection is impossible rather than unlikely. An assignment that was
    skipped, released or expired holds none. Nor does a surplus one: its judgment came when no slot was free any more.

    `kind` says what it is for, and nobody who ranks can see it: gold, repeats and practice hold no slot. A person holds
    one comparison of a project at a time, and one more ahead. `shown[i]` is the canonical position of the completion in
    place i on the page.
    """

    class Kind(models.TextChoices):
        COLLECT = "collect", "Collects a judgment"
        GOLD = "gold", "Known answer"
        REPEAT = "repeat", "Repeats an own one"
        PRACTICE = "practice", "Practice"

    class State(models.TextChoices):
        LEASED = "leased", "Leased"
        JUDGED = "judged", "Judged"
        SKIPPED = "skipped", "Skipped"
        RELEASED = "released", "Released"
        EXPIRED = "expired", "Expired"
        SURPLUS = "surplus", "Surplus"

    # the composite indexes below begin with these two
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assignments", db_index=False)
    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="assignments", db_index=False)
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assignments")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.COLLECT)
    attempt = models.PositiveSmallIntegerField(
        default=0, help_text="0, except for repeats and practice, which may bring a comparison to a person again."
    )
    number = models.PositiveIntegerField(default=0, help_text="The how-many-th item it is of the person, from 0.")
    ahead = models.BooleanField(default=False, help_text="Leased ahead of its turn, while another is open.")
    slot = models.PositiveSmallIntegerField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.LEASED)
    shown = models.JSONField(help_text="The order drawn for this assignment: canonical positions as displayed.")
    expires = models.DateTimeField()
    skip_reason = models.CharField(max_length=200, blank=True)
    latest = models.OneToOneField(
        "Judgment", null=True, blank=True, on_delete=models.SET_NULL, related_name="latest_of", editable=False
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_assignment_a_person", fields=["comparison", "annotator", "attempt"]),
            models.UniqueConstraint(name="one_assignment_a_slot", fields=["comparison", "slot"]),
            models.UniqueConstraint(
                name="one_lease_a_person", fields=["project", "annotator", "ahead"], condition=Q(state="leased")
            ),
            models.CheckConstraint(
                name="live_assignment_holds_a_slot",
                condition=Q(kind="collect", state__in=["leased", "judged"], slot__isnull=False)
                | (~Q(kind="collect") & Q(state__in=["leased", "judged"], slot__isnull=True))
                | Q(state__in=["skipped", "released", "expired", "surplus"], slot__isnull=True),
            ),
            models.CheckConstraint(
                name="collected_and_gold_once",
                condition=Q(kind__in=["collect", "gold"], attempt=0)
                | Q(kind__in=["repeat", "practice"], attempt__gte=1),
            ),
        ]
        indexes = [
            models.Index(name="assignment_of_person", fields=["project", "annotator", "number"]),
            models.Index(
                name="assignment_not_collected",
                fields=["project", "kind", "annotator", "number"],
                condition=~Q(kind="collect"),
            ),
            models.Index(name="assignment_to_expire", fields=["expires"], condition=Q(state="leased")),
        ]

    @property
    def order(self) -> list[int]:
        """Canonical positions as they stand on the page; the canonical order where an import did not say."""
        return self.shown or list(range(self.comparison.k))

    def __str__(self) -> str:
        return f"Assignment {self.pk} ({self.state})"
