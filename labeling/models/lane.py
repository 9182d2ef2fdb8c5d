"""Which people a comparison is for."""

from django.db import models

from labeling.models.project import Project


class Lane(models.Model):
    """A part of a project's queue: comparisons in one language that ask for one qualification.

    Empty means any. A person is served from the lanes whose language they read and whose qualification they have; most
    projects have one lane, for everybody.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="lanes")
    language = models.CharField(max_length=16, blank=True, help_text="BCP 47 tag such as de or pt-BR; empty: any.")
    qualification = models.CharField(max_length=40, blank=True, help_text="What a person must know; empty: nothing.")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="lane_once_a_project", fields=["project", "language", "qualification"]),
        ]

    def __str__(self) -> str:
        return " · ".join(filter(None, [self.language, self.qualification])) or "everybody"
