"""A run: what it does now, its curves and log as they come, cancelling it, and why it failed."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from labeling.actions.errors import ActionError
from labeling.models import Project
from labeling.pages.access import lead_page
from training.actions.runs import cancel_run
from training.models import ModelVersion, TrainingRun
from training.pages.curves import curve_plots
from training.pages.failures import Failure, explain
from training.pages.pairs import missing_of
from training.pages.stages import stage_label, stages_of
from training.queries.models import current_model
from training.queries.rounds import STOPPED, belongs_to_round, is_of_same_round, round_state
from training.queries.runs import models_of, run_curves

LINES_SHOWN = 200
METRICS_SENT = 2000


@require_safe
@lead_page
def run(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """The whole page; its live part refreshes itself while the run is live."""
    item = _run(project, pk)
    lines = _last_lines(item)
    newest = item.metrics.order_by("-pk").first()
    return render(
        request,
        "training/run.html",
        {
            **_context(project, item),
            "lines": lines,
            "last_line": lines[-1].pk if lines else 0,
            "last_metric": newest.pk if newest else 0,
            "curves": curve_plots(run_curves(item)) if item.kind == TrainingRun.Kind.REWARD_DPO else [],
            "settings": _settings(item),
            "left_out": _left_out(item),
            "seconds": item.report.get("seconds") or {},
        },
    )


@require_safe
@lead_page
def run_live(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """The live part alone: state, stages, bar, time left. It asks for itself again for as long as the run is live."""
    return render(request, "training/_run_live.html", _context(project, _run(project, pk)))


@require_safe
@lead_page
def run_data(request: HttpRequest, project: Project, pk: int) -> JsonResponse:
    """New numbers and log lines since `?metric=` and `?line=`, so that curves and log grow without being redrawn."""
    item = _run(project, pk)
    metrics = item.metrics.filter(pk__gt=_number(request, "metric")).order_by("pk")[:METRICS_SENT]
    lines = item.lines.filter(pk__gt=_number(request, "line")).order_by("pk")[:METRICS_SENT]
    return JsonResponse(
        {
            "live": item.live,
            "metrics": [{"id": row.pk, "stage": row.stage, "step": row.step, "values": row.values} for row in metrics],
            "lines": [{"id": line.pk, "at": line.created, "text": line.text} for line in lines],
        }
    )


@require_POST
@lead_page
def run_cancel(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """Ask the run to stop; its worker does so within seconds."""
    item = _run(project, pk)
    try:
        cancel_run(run=item, by=request.user)
    except ActionError as error:
        messages.error(request, str(error))
    else:
        sampling = item.kind == TrainingRun.Kind.SAMPLING
        kept = "What it has written stays and can be ranked." if sampling else "What it made so far is thrown away."
        word = "is being" if item.live else "was"
        messages.success(request, f"Run {item.pk} {word} cancelled. {kept}")
    return redirect("run", slug=project.slug, pk=item.pk)


def _run(project: Project, pk: int) -> TrainingRun:
    return get_object_or_404(TrainingRun.objects.select_related("batch", "base", "created_by"), project=project, pk=pk)


def _context(project: Project, item: TrainingRun) -> dict[str, Any]:
    failed = item.state == TrainingRun.State.FAILED
    failure: Failure | None = explain(item.error, sampling=item.kind == TrainingRun.Kind.SAMPLING) if failed else None
    return {
        "project": project,
        "run": item,
        "stage": stage_label(item),
        "stages": stages_of(item),
        "failure": failure,
        "evaluation": item.settings.get("evaluation"),
        "way_on": _way_on(item),
        "of_a_round": belongs_to_round(item),
        "made": models_of(item) if item.kind == TrainingRun.Kind.REWARD_DPO else [],
        "missing": missing_of(item) if item.state == TrainingRun.State.SUCCEEDED else None,
        "current": current_model(project),
        "section": "models",
    }


@dataclass(frozen=True)
class WayOn:
    """What can be done after a sampling that stopped, or left something out.

    word: "round" (go on with the round of `model`), "later" (`run` went on with it), "plain" (sample what has nothing
    to rank) or "other" (it was asked for with a round or model of its own, over the API or the command line).
    """

    word: str
    model: ModelVersion | None = None
    run: TrainingRun | None = None


def _way_on(item: TrainingRun) -> WayOn | None:
    lacks = item.state == TrainingRun.State.SUCCEEDED and missing_of(item).reasons
    if item.kind != TrainingRun.Kind.SAMPLING or not (item.state in STOPPED or lacks):
        return None
    if not belongs_to_round(item):
        return WayOn("plain" if item.settings.get("prompts", "unanswered") == "unanswered" else "other")
    state = round_state(item.base)
    if state.can_go_on and is_of_same_round(item, state.run):
        return WayOn("round", model=item.base)
    return WayOn("later", run=state.run) if state.run != item else None


def runs_of(project: Project, limit: int) -> list[TrainingRun]:
    """The newest runs, each with `took`, its seconds of work, once it has ended."""
    runs = list(TrainingRun.objects.filter(project=project).select_related("created_by", "base")[:limit])
    for run in runs:
        ended = run.started and run.finished
        run.took = (run.finished - run.started).total_seconds() if ended else None
    return runs


def _settings(item: TrainingRun) -> list[dict[str, Any]]:
    """What was set by hand, a group a training; the rest are the engine's defaults."""
    titles = {"reward": "Reward model", "policy": "Policy", "sampling": "Sampling"}
    groups = [(titles[name], item.settings.get(name) or {}) for name in titles]
    return [{"title": title, "rows": sorted(values.items())} for title, values in groups if values]


def _left_out(item: TrainingRun) -> list[dict[str, Any]]:
    """Kinds of judgments that the batch left out, with counts, those of which there were any."""
    counts = (item.batch.selection.get("left_out") or {}) if item.batch else {}
    return [{"what": name.replace("_", " "), "count": count} for name, count in counts.items() if count]


def _last_lines(item: TrainingRun) -> list[Any]:
    return list(item.lines.order_by("-pk")[:LINES_SHOWN])[::-1]


def _number(request: HttpRequest, name: str) -> int:
    value = request.GET.get(name, "")
    return int(value) if value.isdecimal() else 0
