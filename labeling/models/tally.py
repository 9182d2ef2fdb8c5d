"""Counts that are kept, so that no page has to count rows."""

from django.conf import settings
from django.db import models

from labeling.models.assignment import Assignment
from labeling.models.project import Project


class PersonTally(models.Model):
    """What one person has done in one project. Moved in the transaction that moves what it counts, by one hand:
    `labeling/actions/tallies.py`. The person's own row, so that nobody waits for anybody.

    `opened` numbers the items of work a person was served, not practice; the draws of gold and of repeats count by it.
    `active_seconds` is the time over all revisions.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="person_tallies", db_index=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tallies")
    opened = models.PositiveIntegerField(default=0)
    leased = models.IntegerField(default=0)
    judged = models.IntegerField(default=0)
    surplus = models.IntegerField(default=0)
    gold = models.IntegerField(default=0)
    repeats = models.IntegerField(default=0)
    practice = models.IntegerField(default=0)
    skipped = models.IntegerField(default=0)
    revisions = models.IntegerField(default=0, help_text="Judgments stored, every revision of a ranking one.")
    active_seconds = models.FloatField(default=0)
    day = models.DateField(null=True, blank=True, help_text="The day that `judged_today` counts.")
    judged_today = models.IntegerField(default=0)
    last = models.ForeignKey(
        Assignment, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    recent = models.JSONField(default=list, blank=True, help_text="Prompts of the latest items, newest first.")

    class Meta:
        constraints = [models.UniqueConstraint(name="person_tally_once", fields=["project", "person"])]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.project_id}: {self.judged}"

    @property
    def said(self) -> int:
        """Everything the person has ranked here, whatever it was for."""
        return self.judged + self.surplus + self.gold + self.repeats + self.practice


class ProjectTally(models.Model):
    """What a project holds. `wanted` judgments over the comparisons that collect and are not retired; `done` of these
    have all their judgments. `set_aside`: judgments in the slots of the others, which are retired or have a known
    answer by now."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="tally", primary_key=True)
    prompts = models.IntegerField(default=0)
    prompts_heldout = models.IntegerField(default=0)
    prompts_compared = models.IntegerField(default=0)
    comparisons = models.IntegerField(default=0)
    wanted = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    set_aside = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.project_id}: {self.comparisons} comparisons"
