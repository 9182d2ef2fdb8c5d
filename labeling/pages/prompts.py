"""The prompts of a project, filtered and page by page."""

from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from labeling.models import Project, Prompt
from labeling.pages.access import review_page
from labeling.queries.blind import still_to_rank

A_PAGE = 50
FILTERS = ("split", "source", "use_case")


@review_page
def prompts(request: HttpRequest, project: Project) -> HttpResponse:
    """List prompts; `?split=`, `?source=` and `?use_case=` filter, `?page=` turns."""
    chosen = {name: request.GET[name] for name in FILTERS if request.GET.get(name)}
    page = Paginator(_rows(project, chosen), A_PAGE).get_page(request.GET.get("page"))
    turn = request.GET.copy()
    turn.pop("page", None)
    return render(
        request,
        "labeling/prompts.html",
        {
            "project": project,
            "page": page,
            "chosen": chosen,
            "filters": _filters(project, chosen),
            "query": turn.urlencode(),
            "section": "prompts",
        },
    )


@review_page
def prompt(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """One prompt with its turns, its completions and who wrote them, and its comparisons.

    Authors do not show to those who may yet have to rank the completions; nor may the order of writing tell them.
    """
    item = get_object_or_404(Prompt, project=project, pk=pk)
    blind = item.comparisons.filter(still_to_rank(request.user, request.role)).exists()  # type: ignore[attr-defined]
    return render(
        request,
        "labeling/prompt.html",
        {
            "project": project,
            "prompt": item,
            "blind": blind,
            "completions": item.completions.select_related("generator").order_by("content_hash" if blind else "id"),
            "comparisons": item.comparisons.order_by("id"),
            "section": "prompts",
        },
    )


def _rows(project: Project, chosen: dict[str, str]) -> QuerySet[Prompt]:
    return (
        Prompt.objects.filter(project=project, **chosen)
        .annotate(
            completion_count=Count("completions", distinct=True), comparison_count=Count("comparisons", distinct=True)
        )
        .order_by("id")
    )


def _filters(project: Project, chosen: dict[str, str]) -> list[dict]:
    used = Prompt.objects.filter(project=project).exclude(use_case="").values_list("use_case", flat=True)
    choices = {
        "split": Prompt.Split.choices,
        "source": Prompt.Source.choices,
        "use_case": [(name, name.replace("_", " ").capitalize()) for name in used.distinct().order_by("use_case")],
    }
    labels = {"split": "Split", "source": "Source", "use_case": "Use case"}
    return [
        {"name": name, "label": labels[name], "choices": choices[name], "chosen": chosen.get(name, "")}
        for name in FILTERS
    ]
