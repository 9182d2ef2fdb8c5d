"""What a person said."""

from django.db import models

from labeling.models.assignment import Assignment


class Judgment(models.Model):
    """One revision of what a person said about a comparison. Never updated (trigger): an amendment is a new revision.

    `ranks[p]` is the rank of the completion at canonical position p: 1 is best, equal numbers tie, null is unranked.
    The idempotency key makes a retry return the first result.
    """

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="judgments", db_index=False)
    revision = models.PositiveSmallIntegerField(default=1)
    ranks = models.JSONField()
    comment = models.TextField(blank=True)
    key = models.CharField(max_length=64, help_text="Idempotency key sent with the submit.")
    active_seconds = models.FloatField(null=True, blank=True)
    created = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="judgment_revision_once", fields=["assignment", "revision"]),
            models.UniqueConstraint(name="judgment_key_once", fields=["assignment", "key"]),
        ]

    def __str__(self) -> str:
        return f"Judgment {self.pk} r{self.revision}"
