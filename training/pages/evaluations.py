"""An evaluation: the blind win rate of one model over another, and what became of each comparison."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from labeling.models import Assignment, Comparison, Project
from labeling.pages.access import lead_page
from labeling.pages.forest import forest, interval_text, text
from labeling.queries.blind import still_to_rank
from training.models import Evaluation, EvaluationComparison, TrainingRun
from training.pages.pairs import missing_of
from training.pages.situation import judgments_missing
from training.queries.evaluations import win_rate
from training.queries.models import current_model
from training.queries.rounds import STOPPED, round_state, runs_of_rounds

A_PAGE = 50
OUTCOMES = {1: "new model", 0: "tie", -1: "old model"}


@dataclass(frozen=True)
class Row:
    """One comparison and how each person decided it; `blind` while whoever looks may yet have to decide it too."""

    item: EvaluationComparison
    outcomes: list[dict[str, Any]]
    blind: bool


@require_safe
@lead_page
def evaluation(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """Only for leads: it tells which answer is whose, and a reviewer may still have to rank them."""
    item = get_object_or_404(
        Evaluation.objects.select_related("model_version", "baseline"), model_version__project=project, pk=pk
    )
    page = Paginator(_items(item, still_to_rank(request.user, request.role)), A_PAGE).get_page(request.GET.get("page"))  # type: ignore[attr-defined]
    rows = [Row(each, _outcomes(each), each.blind) for each in page]
    rate = win_rate(item)
    missing = judgments_missing(item)
    run = runs_of_rounds(project).filter(settings__evaluation=item.pk).first()
    can_go_on = run is not None and _can_go_on(item)
    stopped = can_go_on and run.state in STOPPED
    return render(
        request,
        "training/evaluation.html",
        {
            "project": project,
            "evaluation": item,
            "rate": rate,
            "words": in_words(item, rate),
            "plot": forest(
                [(f"{item.model_version.name} over {item.baseline.name}", {"n_unit": "judgments", **rate})],
                unit="percent",
                chance=0.5,
                chance_label="50 %, neither is better",
            ),
            "missing": missing,
            "run": run,
            "stopped": stopped,
            "can_go_on": can_go_on,
            "all_paired": stopped and _all_paired(item),
            "nothing": missing_of(run) if run and run.state == TrainingRun.State.SUCCEEDED else None,
            "in_use": stopped and current_model(project) == item.model_version,
            "retired": item.comparisons.filter(state=Comparison.State.RETIRED).count(),
            "judged": rate["n"],
            "wanted": rate["n"] + missing,
            "page": page,
            "rows": rows,
            "reveals": any(row.outcomes and not row.blind for row in rows),
            "section": "models",
        },
    )


def _can_go_on(evaluation: Evaluation) -> bool:
    """Whether the round that its model's last run belongs to is this evaluation's, and not done."""
    state = round_state(evaluation.model_version)
    return state.run is not None and state.can_go_on and state.run.settings["evaluation"] == evaluation.pk


def _all_paired(evaluation: Evaluation) -> bool:
    """Whether every held-out prompt has its pair, but those that a run of the round found to make none."""
    project = evaluation.model_version.project
    runs = runs_of_rounds(project).filter(settings__evaluation=evaluation.pk).values_list("report", flat=True)
    found = next((report["evaluation"] for report in runs if report.get("evaluation")), {})
    paired = evaluation.items.values("comparison__prompt_id")
    left = project.prompts.filter(split="heldout").exclude(pk__in=paired).count()
    return left <= found.get("identical", 0) + found.get("missing", 0)


def in_words(evaluation: Evaluation, rate: dict[str, Any]) -> str:
    """What the win rate says, and whether it can be told from a coin."""
    if rate["value"] is None:
        return ""
    new, old = evaluation.model_version.name, evaluation.baseline.name
    words = f"People prefer {new} to {old} in {text(rate['value'], 'percent')} of judgments"
    if rate["low"] is None:
        return f"{words}."
    words += f" (95\u00a0% interval {interval_text(rate['low'], rate['high'], 'percent')})"
    if rate["low"] > 0.5:
        return f"{words}: {new} is better."
    if rate["high"] < 0.5:
        return f"{words}: {old} is better. Going back to it is one press on its page."
    return f"{words}: that is not yet more than a coin would show."


def _items(evaluation: Evaluation, blind: Q) -> QuerySet[EvaluationComparison]:
    judged = Assignment.objects.given().select_related("annotator", "latest")
    return (
        evaluation.items.select_related("comparison__prompt")
        .annotate(blind=Exists(Comparison.objects.filter(blind, pk=OuterRef("comparison"))))
        .prefetch_related(Prefetch("comparison__assignments", queryset=judged, to_attr="given"))
        .order_by("id")
    )


def _outcomes(item: EvaluationComparison) -> list[dict[str, Any]]:
    """Each person's decision, in words. A rank that is missing decides nothing."""
    rows = []
    for assignment in item.comparison.given:
        ranks = assignment.latest.ranks
        model, baseline = ranks[item.model_position], ranks[item.baseline_position]
        word = "not ranked" if model is None or baseline is None else OUTCOMES[(model < baseline) - (model > baseline)]
        rows.append({"person": assignment.annotator, "outcome": word})
    return rows
