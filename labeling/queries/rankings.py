"""Rankings as they stand, for whoever trains on them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from labeling.models import Assignment, Candidate, Comparison, Project
from labeling.queries.chunks import in_chunks


@dataclass(frozen=True)
class RankingRow:
    """The latest revision of one judgment; `completions` and `ranks` in canonical order."""

    judgment_id: int
    comparison_id: int
    prompt_id: int
    split: str
    messages: list[dict[str, str]]
    completions: list[str]
    ranks: list[int | None]
    annotator_id: int
    simulated: bool
    created: datetime


def current_rankings(project: Project, *, purpose: str | None = "collect") -> Iterator[RankingRow]:
    """Every judgment's latest revision, by comparison and then by person; constant memory. purpose=None takes all."""
    judged = Assignment.objects.given().filter(comparison=OuterRef("pk"))
    comparisons = project.comparisons.filter(Exists(judged))
    if purpose is not None:
        comparisons = comparisons.filter(purpose=purpose)
    for chunk in in_chunks(with_rankings(comparisons)):
        for comparison in chunk:
            yield from _rows(comparison)


def with_rankings(comparisons: QuerySet[Comparison]) -> QuerySet[Comparison]:
    """The comparisons with prompt, candidates and judged assignments at hand: four queries whatever their number."""
    candidates = Candidate.objects.select_related("completion__generator", "generator").order_by("position")
    given = Assignment.objects.given().select_related("latest", "annotator").order_by("annotator_id")
    return comparisons.select_related("prompt", "lane").prefetch_related(
        Prefetch("candidates", queryset=candidates, to_attr="in_order"),
        Prefetch("assignments", queryset=given, to_attr="given"),
    )


def _rows(comparison: Comparison) -> Iterator[RankingRow]:
    completions = [candidate.completion.text for candidate in comparison.in_order]
    for assignment in comparison.given:
        yield RankingRow(
            judgment_id=assignment.latest.pk,
            comparison_id=comparison.pk,
            prompt_id=comparison.prompt_id,
            split=comparison.prompt.split,
            messages=comparison.prompt.messages,
            completions=completions,
            ranks=assignment.latest.ranks,
            annotator_id=assignment.annotator_id,
            simulated=assignment.annotator.simulated,
            created=assignment.latest.created,
        )
