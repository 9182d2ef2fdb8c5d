"""How far runs are."""

from typing import Any

from django.db.models import Q, QuerySet

from labeling.models import Project
from training.models import ModelVersion, TrainingRun

LIVE = [TrainingRun.State.QUEUED, TrainingRun.State.RUNNING]


def run_progress(run: TrainingRun) -> dict[str, Any]:
    """State, stage, step of steps, time left, and the curves, as plain values.

    share: of the present stage, 0 … 1, None before its number of steps is known. curves: see `run_curves`.
    """
    return {
        "run": run.pk,
        "kind": run.kind,
        "state": run.state,
        "live": run.live,
        "stage": run.stage,
        "step": run.step,
        "of": run.of_steps,
        "share": share_of(run),
        "seconds_left": run.seconds_left if run.live else None,
        "attempts": run.attempts,
        "cancel_requested": run.cancel_requested,
        "seconds": run.report.get("seconds", {}),
        "curves": run_curves(run),
    }


def models_of(run: TrainingRun) -> QuerySet[ModelVersion]:
    """The versions a training ended in; `run` of one whose weights were there before is another run."""
    named = [run.report.get(kind) for kind in ("policy", "reward_model")]
    return ModelVersion.objects.filter(Q(run=run) | Q(pk__in=[pk for pk in named if pk])).order_by("kind")


def share_of(run: TrainingRun) -> float | None:
    return min(1.0, run.step / run.of_steps) if run.of_steps else None


def run_curves(run: TrainingRun) -> dict[str, dict[str, list]]:
    """{stage: {"step": […], "loss": […], "accuracy": […], …}}; a number a step did not have is None."""
    curves: dict[str, dict[str, list]] = {}
    for stage, step, values in run.metrics.order_by("stage", "step").values_list("stage", "step", "values"):
        columns = curves.setdefault(stage, {"step": []})
        for name in values.keys() - columns.keys():
            columns[name] = [None] * len(columns["step"])
        columns["step"].append(step)
        for name, column in columns.items():
            if name != "step":
                column.append(values.get(name))
    return curves


def sampling_progress(project: Project) -> dict[str, Any] | None:
    """The project's sampling that is queued or at work: run, state, stage, prompts done (step) of all, time left."""
    run = (
        TrainingRun.objects.filter(project=project, kind=TrainingRun.Kind.SAMPLING, state__in=LIVE)
        .select_related("base")
        .first()
    )
    if run is None:
        return None
    return {
        "run": run.pk,
        "state": run.state,
        "stage": run.stage,
        "step": run.step,
        "of": run.of_steps,
        "share": share_of(run),
        "seconds_left": run.seconds_left,
        "model": run.base.name if run.base else None,
        "round": run.settings["round"],
    }
