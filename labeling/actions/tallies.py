"""The one hand that moves the counts of `labeling/models/tally.py`, in the transaction that moves what they count."""

from typing import Any

from django.db.models import Case, F, Value, When
from django.utils import timezone

from labeling.models import Assignment, Comparison, PersonTally, Project, ProjectTally

# What a judged assignment counts as, by its kind.
COUNTED_AS = {
    Assignment.Kind.COLLECT: "judged",
    Assignment.Kind.GOLD: "gold",
    Assignment.Kind.REPEAT: "repeats",
    Assignment.Kind.PRACTICE: "practice",
}


def tally_of(project: Project, person: Any) -> PersonTally:
    """The person's counts in the project; made on the first visit."""
    return PersonTally.objects.get_or_create(project=project, person=person)[0]


def locked_tally(tally: PersonTally) -> PersonTally:
    """The same row as it is now, locked: two tabs of a person follow one another. Runs inside a transaction."""
    return PersonTally.objects.select_for_update(no_key=True).get(pk=tally.pk)


def count_person(project_id: int, person_id: int, **by: Any) -> None:
    """Move counts of a person: leased=-1, judged=+1, active_seconds=12.5, last=assignment …"""
    last = by.pop("last", None)
    changes: dict[str, Any] = {name: F(name) + amount for name, amount in by.items() if amount}
    if last is not None:
        changes["last"] = last
        today = timezone.localdate()
        # what stood there counted another day
        changes["judged_today"] = Case(When(day=today, then=F("judged_today") + 1), default=Value(1))
        changes["day"] = today
    if not changes:
        return
    mine = PersonTally.objects.filter(project=project_id, person=person_id)
    if not mine.update(**changes):
        PersonTally.objects.get_or_create(project_id=project_id, person_id=person_id)
        mine.update(**changes)


def count_project(project_id: int, **by: int) -> None:
    """Move counts of a project: comparisons=+1, wanted=+2, done=-1 …"""
    changes = {name: F(name) + amount for name, amount in by.items() if amount}
    if not changes:
        return
    row = ProjectTally.objects.filter(pk=project_id)
    if not row.update(**changes):
        ProjectTally.objects.get_or_create(pk=project_id)
        row.update(**changes)


def weight(comparison: Comparison) -> dict[str, int]:
    """What a comparison counts for in its project: nothing once it is retired or its answer is known."""
    if comparison.state == Comparison.State.RETIRED or comparison.gold:
        return {"comparisons": 0, "wanted": 0, "done": 0}
    return {"comparisons": 1, "wanted": comparison.overlap, "done": int(comparison.judged >= comparison.overlap)}


def count_change(comparison: Comparison, before: dict[str, int]) -> None:
    """Count what changed about a comparison since `before`, its weight then."""
    now = weight(comparison)
    count_project(comparison.project_id, **{name: now[name] - before[name] for name in now})
