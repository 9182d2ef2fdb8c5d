"""The comparisons on which people differ most."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from labeling.agreement import disagreement_by_comparison
from labeling.models import Comparison, Project
from labeling.queries.votes import judged, pair_votes


@dataclass(frozen=True)
class Judge:
    """One person's ranking of a comparison: `ranks` in canonical order."""

    person_id: int
    name: str
    simulated: bool
    ranks: list[int | None]
    comment: str


@dataclass(frozen=True)
class SplitComparison:
    """A comparison with its disagreement (0 … 1, the share of differing votes on its pairs) and who said what."""

    comparison: Comparison
    score: float
    n: int
    judges: list[Judge]


def most_split(
    project: Project, limit: int = 20, hidden: QuerySet[Comparison] | None = None, **filters: Any
) -> list[SplitComparison]:
    """The `limit` comparisons people differ most on, most disputed first; those all agree on are left out, and those
    that whoever asks must not know of yet (`queries.blind.hidden_from`)."""
    unknown = set(hidden.filter(judged__gt=1).values_list("pk", flat=True)) if hidden is not None else set()
    split = disagreement_by_comparison(pair_votes(project, **filters)).most(limit + len(unknown))
    known = [(int(name), score, n) for name, score, n in split if score > 0 and name not in unknown]
    disputed = known[:limit]
    ids = [comparison_id for comparison_id, _, _ in disputed]
    comparisons = Comparison.objects.select_related("prompt").in_bulk(ids)
    judges = judges_of(project, ids)
    return [SplitComparison(comparisons[each], score, n, judges[each]) for each, score, n in disputed]


def judges_of(project: Project, comparison_ids: list[int]) -> dict[int, list[Judge]]:
    """Who said what about each of the comparisons, in the order of submission."""
    judges: dict[int, list[Judge]] = {each: [] for each in comparison_ids}
    rows = judged(project, comparison_id__in=comparison_ids).select_related("annotator", "latest")
    for row in rows.order_by("latest__created", "pk"):
        person = row.annotator
        said = Judge(person.pk, str(person), person.simulated, row.latest.ranks, row.latest.comment)
        judges[row.comparison_id].append(said)
    return judges
