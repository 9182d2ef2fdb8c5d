"""Who does what in which project."""

from django.conf import settings
from django.db import models

from labeling.models.project import Project


class Membership(models.Model):
    """A person's role in a project: exactly one role a person a project."""

    class Role(models.TextChoices):
        ANNOTATOR = "annotator", "Annotator"
        REVIEWER = "reviewer", "Reviewer"
        LEAD = "lead", "Lead"

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        RETIRED = "retired", "Retired"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.ANNOTATOR)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    pause_reason = models.CharField(max_length=200, blank=True, help_text="Why the person is paused, in words.")
    gold_since = models.DateTimeField(
        null=True, blank=True, help_text="Gold judged before this does not count for the floor: a lead reinstated them."
    )
    qualified = models.DateTimeField(
        null=True, blank=True, help_text="When the person passed the screening, or a lead let them pass."
    )
    languages = models.JSONField(default=list, blank=True, help_text="Languages the person reads; none named: all.")
    qualifications = models.JSONField(default=list, blank=True, help_text="What the person is qualified for.")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="one_role_a_person", fields=["project", "person"])]

    def __str__(self) -> str:
        return f"{self.person_id} is {self.role} in {self.project_id}"
