"""The one hand that moves the counts of `labeling/models/tally.py`, in the transaction that moves what they count."""

from typing import Any

from django.db import connection
from django.utils import timezone

from labeling.models import Assignment, Comparison, PersonTally, Project, ProjectTally
from labeling.statements import change, find_one

# What a judged assignment counts as, by its kind.
COUNTED_AS = {
    Assignment.Kind.COLLECT: "judged",
    Assignment.Kind.GOLD: "gold",
    Assignment.Kind.REPEAT: "repeats",
    Assignment.Kind.PRACTICE: "practice",
}


def tally_of(project: Project, person: Any) -> PersonTally:
    """The person's counts in the project; made on the first visit."""
    found = find_one(PersonTally, "project_id = %s AND person_id = %s", [project.pk, person.pk])
    return found or PersonTally.objects.get_or_create(project=project, person=person)[0]


def count_person(project_id: int, person_id: int, **by: Any) -> None:
    """Move counts of a person: leased=-1, judged=+1, active_seconds=12.5, last=assignment …"""
    last = by.pop("last", None)
    moved = {name: amount for name, amount in by.items() if amount}
    changes, values = [f"{name} = {name} + %s" for name in moved], list(moved.values())
    if last is not None:
        today = connection.ops.adapt_datefield_value(timezone.localdate())
        work = int(last.kind != Assignment.Kind.PRACTICE)
        # what stood there counted another day
        changes.append("last_id = %s, judged_today = CASE WHEN day = %s THEN judged_today + %s ELSE %s END, day = %s")
        values += [last.pk, today, work, work, today]
    if not changes:
        return
    mine = ("project_id = %s AND person_id = %s", [*values, project_id, person_id])
    if not change(PersonTally, ", ".join(changes), *mine):
        PersonTally.objects.get_or_create(project_id=project_id, person_id=person_id)
        change(PersonTally, ", ".join(changes), *mine)


def count_project(project_id: int, **by: int) -> None:
    """Move counts of a project: comparisons=+1, wanted=+2, done=-1 …"""
    moved = {name: amount for name, amount in by.items() if amount}
    if not moved:
        return
    what = ", ".join(f"{name} = {name} + %s" for name in moved)
    values = [*moved.values(), project_id]
    if not change(ProjectTally, what, "project_id = %s", values):
        ProjectTally.objects.get_or_create(pk=project_id)
        change(ProjectTally, what, "project_id = %s", values)


def weight(comparison: Comparison) -> dict[str, int]:
    """What a comparison counts for in its project: once it is retired or its answer is known, for what was given."""
    if comparison.state == Comparison.State.RETIRED or comparison.gold:
        return {"comparisons": 0, "wanted": 0, "done": 0, "set_aside": comparison.judged}
    done = int(comparison.judged >= comparison.overlap)
    return {"comparisons": 1, "wanted": comparison.overlap, "done": done, "set_aside": 0}


def count_change(comparison: Comparison, before: dict[str, int]) -> None:
    """Count what changed about a comparison since `before`, its weight then."""
    now = weight(comparison)
    count_project(comparison.project_id, **{name: now[name] - before[name] for name in now})
