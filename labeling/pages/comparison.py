"""What each person said about a comparison, side by side, and its place in the queue; and the comparisons people differ
on most.

Who wrote the answers shows here to those who can no longer be asked to rank them (labeling/queries/blind.py). What
measures people (known answers, repetitions, practice) shows to leads alone: reviewers rank too, and are measured.
"""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import BooleanField, ExpressionWrapper
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from labeling.actions.comparisons import MOST_JUDGMENTS, change_comparison
from labeling.actions.errors import ActionError
from labeling.actions.leases import free_leases
from labeling.actions.resolving import set_comparison_state
from labeling.agreement import disagreement
from labeling.models import Assignment, Comparison, Completion, Generator, GoldAnswer, Judgment, Membership, Project
from labeling.pages.access import lead_page, review_page
from labeling.queries.blind import hidden_here, still_to_rank
from labeling.queries.disagreements import most_split
from labeling.queries.notices import open_notices

DISAGREEMENTS_SHOWN = 100
State, Kind = Assignment.State, Assignment.Kind
STATES_SAID = {
    Comparison.State.OPEN: "It is given to people again.",
    Comparison.State.PAUSED: "Paused: nobody is given it. Who has it open may still send it.",
    Comparison.State.RETIRED: "Retired: nobody is given it, and its judgments are no longer wanted. Those given stay.",
}


@dataclass(frozen=True)
class Answer:
    """One completion with its letter, what wrote it for this comparison, and the ranks it was given, by assignment."""

    letter: str
    completion: Completion
    author: Generator | None
    ranks: list[int | None]


@dataclass(frozen=True)
class Ranking:
    """Letters, best first; those of one tier are tied."""

    tiers: list[list[str]]
    unranked: list[str]


@dataclass(frozen=True)
class Said:
    """What one person said, and the letters in the order they saw."""

    assignment: Assignment
    judgment: Judgment
    shown: list[str]
    ranking: Ranking

    @property
    def tiers(self) -> list[list[str]]:
        return self.ranking.tiers

    @property
    def marked(self) -> str:
        """What it is besides a judgment that was wanted, in a word; "" when it is just that."""
        if self.assignment.state == State.SURPLUS:
            return "surplus"
        return "" if self.assignment.kind == Kind.COLLECT else WORDS[self.assignment.kind]


WORDS = {Kind.GOLD: "known answer", Kind.REPEAT: "repetition", Kind.PRACTICE: "practice"}


class PlaceForm(forms.Form):
    """Where a comparison stands in the queue, and how often it is wanted."""

    priority = forms.IntegerField(min_value=-(2**31), max_value=2**31 - 1, help_text="Higher comes first. 0 is usual.")
    overlap = forms.IntegerField(
        label="Judgments wanted",
        min_value=1,
        max_value=MOST_JUDGMENTS,
        help_text="Each by another person; no fewer than are given or being given.",
    )


@review_page
def comparison(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """The prompt, the completions with who wrote them, each person's ranking, and the place in the queue."""
    return _page(request, project, _comparison(request, project, pk))


def _comparison(request: HttpRequest, project: Project, pk: int) -> Comparison:
    """With `blind` set: whether its authors must not show."""
    blind = still_to_rank(request.user, request.role)  # type: ignore[attr-defined]
    items = Comparison.objects.select_related("prompt", "lane").annotate(
        blind=ExpressionWrapper(blind, output_field=BooleanField())
    )
    return get_object_or_404(items, project=project, pk=pk)


def _page(request: HttpRequest, project: Project, item: Comparison, form: PlaceForm | None = None) -> HttpResponse:
    candidates = item.candidates.select_related("completion__generator", "generator").order_by("position")
    letters = [chr(ord("A") + position) for position in range(len(candidates))]
    leads = request.role == Membership.Role.LEAD  # type: ignore[attr-defined]
    found = item.assignments.select_related("annotator", "latest").order_by("latest__created", "pk")
    # what others make of it, or hold, would tell a reviewer who is to rank it what it is for; one's own is one's own
    secret = item.blind and not leads  # type: ignore[attr-defined]
    shown = [each for each in found if leads or each.kind == Kind.COLLECT or each.annotator_id == request.user.pk]
    assignments = [] if secret else shown
    said = [_said(each, letters) for each in assignments if each.latest and each.state in (State.JUDGED, State.SURPLUS)]
    given = [row.judgment.ranks for row in said if row.assignment.kind == Kind.COLLECT]
    gold = GoldAnswer.objects.filter(comparison=item).select_related("author").first() if item.gold and leads else None
    context = {
        "project": project,
        "comparison": item,
        "said": said,
        "blind": item.blind,  # type: ignore[attr-defined]
        "secret": secret,
        "leads": leads,
        "answers": [
            Answer(letter, each.completion, each.author, [row.judgment.ranks[each.position] for row in said])
            for letter, each in zip(letters, candidates, strict=True)
        ],
        "disagreement": disagreement(given) if len(given) > 1 else None,
        "gold": gold,
        "known": _ranking(gold.ranks, letters) if gold else None,
        "waiting": [each for each in assignments if each.state == State.LEASED],
        "skipped": [each for each in assignments if each.state == State.SKIPPED],
        "notices": open_notices(project).filter(comparison=item),
        "form": form or PlaceForm(initial={"priority": item.priority, "overlap": item.overlap}),
        "section": "disagreements",
    }
    return render(request, "labeling/comparison.html", context, status=422 if form and form.errors else 200)


def _said(assignment: Assignment, letters: list[str]) -> Said:
    return Said(
        assignment=assignment,
        judgment=assignment.latest,
        shown=[letters[position] for position in assignment.shown],
        ranking=_ranking(assignment.latest.ranks, letters),
    )


def _ranking(ranks: list[int | None], letters: list[str]) -> Ranking:
    given = sorted({rank for rank in ranks if rank is not None})
    return Ranking(
        tiers=[[letters[position] for position, rank in enumerate(ranks) if rank == value] for value in given],
        unranked=[letters[position] for position, rank in enumerate(ranks) if rank is None],
    )


@require_POST
@lead_page
def change(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """Change the state, the place in the queue, or free what people have open; `do` says which."""
    item, do = _comparison(request, project, pk), request.POST.get("do")
    form = PlaceForm(request.POST) if do == "place" else None
    try:
        if form is not None:
            done = _place(item, form)
        else:
            done = _free(request, item) if do == "free" else _set_state(request, item)
    except ActionError as error:
        if form is None or error.field not in form.fields:
            messages.error(request, str(error))
        else:
            form.add_error(error.field, str(error))
    else:
        if done:
            messages.success(request, done)
    if form is not None and form.errors:
        return _page(request, project, item, form)
    return redirect("comparison", slug=project.slug, pk=pk)


def _place(item: Comparison, form: PlaceForm) -> str:
    """What was done, in words; nothing when the form holds an error."""
    if not form.is_valid():
        return ""
    change_comparison(comparison=item, **form.cleaned_data)
    return "Saved."


def _set_state(request: HttpRequest, item: Comparison) -> str:
    state: Any = request.POST.get("state", "")
    if state not in STATES_SAID:
        raise ActionError("A comparison can be paused, resumed, reopened or retired here, nothing else.")
    set_comparison_state(comparison=item, state=state, by=request.user)
    return STATES_SAID[state]


def _free(request: HttpRequest, item: Comparison) -> str:
    """End one lease on the comparison, or all."""
    held = item.assignments.filter(state=State.LEASED)
    one = request.POST.get("assignment", "")
    if one.isdecimal() and len(one) < 19:
        held = held.filter(pk=int(one))
    freed = free_leases(list(held.values_list("pk", flat=True)))
    return "Freed. What was begun may still be sent." if freed else "It was not open any more."


@review_page
def disagreements(request: HttpRequest, project: Project) -> HttpResponse:
    """The comparisons whose judges differ most, most disputed first."""
    hidden = hidden_here(request.user, project, request.role)  # type: ignore[attr-defined]
    splits = most_split(project, limit=DISAGREEMENTS_SHOWN, hidden=hidden)
    return render(
        request, "labeling/disagreements.html", {"project": project, "splits": splits, "section": "disagreements"}
    )
