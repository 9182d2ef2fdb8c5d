"""What 0003 added, worked out from what is there: one lane a project, levels, counts."""

from django.db import migrations
from django.db.models import BigIntegerField, Count, F, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Cast, Coalesce

PRIORITY_STEP = 2**11  # as labeling.actions.queue has it: the order of every project until now


def fill(apps, schema_editor):
    get = lambda name: apps.get_model("labeling", name).objects.using(schema_editor.connection.alias)  # noqa: E731
    for project in get("Project").all():
        lane = get("Lane").create(project=project)
        comparisons = get("Comparison").filter(project=project)
        assignments = get("Assignment").filter(comparison__project=project)
        free_second_leases(assignments, comparisons)
        assignments.update(project=project)
        judged = (
            get("Assignment").filter(comparison=OuterRef("pk"), state="judged").order_by().values("comparison")
        ).annotate(n=Count("pk"))
        skipped = (
            get("Assignment").filter(comparison=OuterRef("pk"), state="skipped").order_by().values("comparison")
        ).annotate(n=Count("pk"))
        comparisons.update(
            lane=lane,
            level=F("live") - Cast(F("priority"), BigIntegerField()) * PRIORITY_STEP,
            judged=Coalesce(Subquery(judged.values("n")), 0),
            skips=Coalesce(Subquery(skipped.values("n")), 0),
        )
        count(get, project)


def free_second_leases(assignments, comparisons):
    """A person holds one comparison a project from now on: the oldest stays theirs."""
    held = {}
    for assignment in assignments.filter(state="leased").order_by("id"):
        if held.setdefault(assignment.annotator_id, assignment.pk) != assignment.pk:
            assignments.filter(pk=assignment.pk).update(state="expired", slot=None)
            comparisons.filter(pk=assignment.comparison_id).update(live=F("live") - 1)


def count(get, project):
    """The tallies, as labeling.actions.tallies keeps them."""
    mine = get("Assignment").filter(project=project)
    states = {state: Count("pk", filter=Q(state=state)) for state in ("leased", "judged", "skipped")}
    seconds = dict(
        get("Judgment")
        .filter(assignment__project=project)
        .values_list("assignment__annotator")
        .annotate(s=Sum("active_seconds"))
        .order_by()
    )
    for row in mine.values("annotator").annotate(opened=Count("pk"), last=Max("latest__id"), **states).order_by():
        last = mine.filter(latest=row["last"]).first() if row["last"] else None
        get("PersonTally").create(
            project=project,
            person_id=row["annotator"],
            opened=row["opened"],
            active_seconds=seconds.get(row["annotator"]) or 0,
            last=last,
            **{state: row[state] for state in states},
        )
    prompts = get("Prompt").filter(project=project)
    wanted = get("Comparison").filter(project=project).exclude(state="retired")
    get("ProjectTally").create(
        project=project,
        prompts=prompts.count(),
        prompts_heldout=prompts.filter(split="heldout").count(),
        prompts_compared=prompts.filter(comparisons__isnull=False).distinct().count(),
        comparisons=wanted.count(),
        wanted=wanted.aggregate(s=Sum("overlap", default=0))["s"],
        done=wanted.filter(judged__gte=F("overlap")).count(),
    )


class Migration(migrations.Migration):
    dependencies = [("labeling", "0003_the_queue")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
