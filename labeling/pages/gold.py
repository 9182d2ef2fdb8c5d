"""Known answers, and how people do on them: for leads. Annotators, who are given gold too, see none of it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from labeling.actions.errors import ActionError
from labeling.actions.gold import mark_gold, promote_agreed, promote_one, unmark_gold
from labeling.models import Comparison, GoldAnswer, Project
from labeling.models.project import MAX_K
from labeling.pages.access import lead_page
from labeling.pages.forest import Forest, forest
from labeling.queries.quality import (
    PersonFigure,
    accuracy_of_people,
    in_words,
    scores_of_items,
    screening_of,
    self_consistency_of_people,
)

A_PAGE = 50
PEOPLE_SHOWN = 100


class PromoteForm(forms.Form):
    """Makes gold of what everybody agrees on."""

    at_least = forms.IntegerField(
        label="People who all say the same, at least",
        min_value=2,
        max_value=1000,
        initial=3,
        help_text="Too few, and chance agreements become known answers: of pairs, two people who guess agree on half.",
    )
    most = forms.IntegerField(label="Comparisons, at most", min_value=1, max_value=500, initial=20)
    use = forms.ChoiceField(
        label="Use them",
        choices=GoldAnswer.Use.choices,
        help_text="Easy items are agreed on first: hidden gold of this kind finds carelessness, not lack of skill.",
    )


@lead_page
def quality(request: HttpRequest, project: Project) -> HttpResponse:
    """How people do on known answers and say the same twice; practice; the known answers. POST promotes agreed ones."""
    form = PromoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = promote_agreed(project=project, by=request.user, **form.cleaned_data)
        except ActionError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            messages.success(request, _promoted(len(made)))
            return redirect("quality", slug=project.slug)
    accuracy, consistency = accuracy_of_people(project), self_consistency_of_people(project)
    use = request.GET.get("use") if request.GET.get("use") in GoldAnswer.Use.values else ""
    context = {
        "project": project,
        "section": "quality",
        "form": form,
        "accuracy": _forest(accuracy, chance=0.5, chance_label="what guessing gives on pairs without ties"),
        "consistency": _forest(consistency),
        "left_out": max(0, len(accuracy) - PEOPLE_SHOWN, len(consistency) - PEOPLE_SHOWN),
        "practised": screening_of(project),
        "page": _items(project, use, request.GET.get("page")),
        "use": use,
        "uses": GoldAnswer.Use.choices,
        "query": f"use={use}" if use else "",
    }
    return render(request, "labeling/quality.html", context, status=422 if form.errors else 200)


@require_POST
@lead_page
def gold(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """Mark a comparison as gold (`do` mark: as said; agreed: as all its judges said), or unmark it."""
    item = get_object_or_404(Comparison.objects.select_related("project"), project=project, pk=pk)
    do, use = request.POST.get("do"), request.POST.get("use", GoldAnswer.Use.HIDDEN)
    said = {"use": use, "explanation": request.POST.get("explanation", ""), "by": request.user}
    try:
        if do == "unmark":
            unmark_gold(comparison=item)
            messages.success(request, "Its answer is no longer known: it collects judgments again.")
        elif do == "agreed":
            promote_one(comparison=item, **said)
            messages.success(request, "Marked, with the answer that everybody gave.")
        else:
            mark_gold(comparison=item, ranks=_ranks(request, item.k), **said)
            messages.success(request, "Marked. It collects no judgments from now on.")
    except ActionError as error:
        messages.error(request, str(error))
    return redirect("comparison", slug=project.slug, pk=item.pk)


def _ranks(request: HttpRequest, k: int) -> list[int | None]:
    """The selects of the form, by canonical position; what is no rank counts as not ranked."""
    given = [request.POST.get(f"rank-{position}", "") for position in range(k)]
    return [int(rank) if rank.isdecimal() and len(rank) == 1 and 1 <= int(rank) <= MAX_K else None for rank in given]


def _promoted(many: int) -> str:
    if not many:
        return "Nothing to mark: there is no comparison about which that many people all say the same."
    return f"{many} comparison{'' if many == 1 else 's'} marked, with the answer that everybody gave."


def _forest(people: list[PersonFigure], **chance: Any) -> Forest | None:
    """The people with most items, the least accurate first: that is where a lead looks."""
    shown = sorted(people[:PEOPLE_SHOWN], key=lambda each: (each.figure.value is None, each.figure.value or 0))
    rows = [({"people": [each.person]}, each.figure.as_dict()) for each in shown]
    return forest(rows, unit="percent", **chance) if rows else None


def _items(project: Project, use: str, number: Any) -> Any:
    """A page of known answers, each with `words` and `score`."""
    rows = GoldAnswer.objects.filter(project=project, **({"use": use} if use else {}))
    page = Paginator(rows.select_related("comparison__prompt", "author").order_by("-pk"), A_PAGE).get_page(number)
    scores = scores_of_items(project, [each.comparison_id for each in page])
    for each in page:
        each.score = scores.get(each.comparison_id)
        each.words = in_words(each.ranks)
    return page
