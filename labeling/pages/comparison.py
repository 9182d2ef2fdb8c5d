"""What each person said about a comparison, side by side; and the comparisons people differ on most.

Not blind: the models' names show here. That is why only reviewers and leads come in.
"""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from labeling.agreement import disagreement
from labeling.models import Assignment, Comparison, Completion, Judgment, Project
from labeling.pages.access import review_page
from labeling.queries.disagreements import most_split

DISAGREEMENTS_SHOWN = 100


@dataclass(frozen=True)
class Answer:
    """One completion with its place in the canonical order, its letter, and the ranks it was given, by assignment."""

    letter: str
    completion: Completion
    ranks: list[int | None]


@dataclass(frozen=True)
class Said:
    """What one person said, and the letters in the order they saw."""

    assignment: Assignment
    judgment: Judgment
    shown: list[str]
    tiers: list[list[str]]
    unranked: list[str]


@review_page
def comparison(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """The prompt, the completions with who wrote them, and each person's ranking."""
    item = get_object_or_404(Comparison.objects.select_related("prompt"), project=project, pk=pk)
    completions = [
        candidate.completion
        for candidate in item.candidates.select_related("completion__generator").order_by("position")
    ]
    assignments = (
        item.assignments.given()
        .filter(latest__isnull=False)
        .select_related("annotator", "latest")
        .order_by("latest__created")
    )
    letters = [chr(ord("A") + position) for position in range(len(completions))]
    said = [_said(assignment, letters) for assignment in assignments]
    return render(
        request,
        "labeling/comparison.html",
        {
            "project": project,
            "comparison": item,
            "said": said,
            "answers": [
                Answer(letters[position], completion, [row.judgment.ranks[position] for row in said])
                for position, completion in enumerate(completions)
            ],
            "disagreement": disagreement([row.judgment.ranks for row in said]) if len(said) > 1 else None,
            "waiting": item.assignments.filter(state=Assignment.State.LEASED).select_related("annotator"),
            "section": "disagreements",
        },
    )


def _said(assignment: Assignment, letters: list[str]) -> Said:
    ranks = assignment.latest.ranks
    given = sorted({rank for rank in ranks if rank is not None})
    return Said(
        assignment=assignment,
        judgment=assignment.latest,
        shown=[letters[position] for position in assignment.shown],
        tiers=[[letters[position] for position, rank in enumerate(ranks) if rank == value] for value in given],
        unranked=[letters[position] for position, rank in enumerate(ranks) if rank is None],
    )


@review_page
def disagreements(request: HttpRequest, project: Project) -> HttpResponse:
    """The comparisons whose judges differ most, most disputed first."""
    return render(
        request,
        "labeling/disagreements.html",
        {"project": project, "splits": most_split(project, limit=DISAGREEMENTS_SHOWN), "section": "disagreements"},
    )
