"""Judgments as the agreement statistics read them."""

from typing import Any, Literal

from django.db.models import Count, Q, QuerySet

from labeling.agreement import PairVotes, agreement_report, votes_from_rows
from labeling.models import Assignment, Project


def judged(project: Project, **filters: Any) -> QuerySet[Assignment]:
    """The project's assignments that were judged, without gold, repeats and practice.

    `filters` narrow them (`comparison__purpose="collect"`, …).
    """
    return Assignment.objects.given().filter(project=project, **filters)


def pair_votes(project: Project, **filters: Any) -> PairVotes:
    """Votes on pairs of completions from the latest revision of every judgment, named by username, clustered by prompt.

    `filters` narrow the assignments, for example `annotator__simulated=False`.
    """
    rows = judged(project, **filters).order_by("pk")
    return votes_from_rows(
        rows.values_list("comparison_id", "annotator__username", "latest__ranks", "comparison__prompt_id").iterator(
            5000
        )
    )


def agreement_of_project(
    project: Project,
    *,
    ties: Literal["count", "drop"] = "count",
    purpose: str | None = None,
    replicates: int = 1000,
    **filters: Any,
) -> dict[str, Any]:
    """What `manage.py agreement PROJECT --json` prints and the lead's page shows.

    ties="drop" leaves out pairs in which either is a tie; purpose narrows to "collect" or "evaluate" comparisons.
    """
    if purpose is not None:
        filters["comparison__purpose"] = purpose
    counts = judged(project, **filters).aggregate(
        judgments=Count("pk"),
        comparisons=Count("comparison", distinct=True),
        annotators=Count("annotator", distinct=True),
        simulated_judgments=Count("pk", filter=Q(annotator__simulated=True)),
    )
    report = agreement_report(pair_votes(project, **filters), ties=ties, replicates=replicates)
    return {"project": project.slug, "purpose": purpose, **counts, **report}
