"""Rounds: a lead promotes a policy, it answers the prompts, and people compare it blindly with the one before."""

from typing import Any

from django.db import transaction
from django.db.models import Max

from labeling.actions.errors import ActionError
from labeling.models import Comparison, Project, Prompt
from labeling.policies import may_lead, require
from training.actions.runs import queue_sampling
from training.models import Evaluation, ModelVersion, Promotion, TrainingRun
from training.queries.models import current_model


@transaction.atomic
def promote(*, model_version: ModelVersion, by: Any = None, reason: str = "") -> Promotion:
    """Let the project sample from this policy from now on. Promoting the current one again changes nothing."""
    project = model_version.project
    if by is not None:
        require(may_lead(by, project), "promote a model in this project")
    if model_version.kind != ModelVersion.Kind.POLICY:
        raise ActionError(f"{model_version.name} is a reward model; it writes no answers.", field="model_version")
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    latest = Promotion.objects.filter(project=project).order_by("-id").first()
    if latest and latest.model_version_id == model_version.pk:
        return latest
    return Promotion.objects.create(project=project, model_version=model_version, by=by, reason=reason)


@transaction.atomic
def start_next_round(
    *,
    model_version: ModelVersion,
    by: Any = None,
    settings: dict[str, Any] | None = None,
    split: str | None = None,
) -> TrainingRun:
    """Promote the policy; queue its answers to all prompts as the next round, and its blind comparison with the
    model before it on held-out prompts. A round that was cancelled or failed goes on where it stopped.

    split: answer the prompts of this split alone; the blind comparison is of held-out prompts whatever it is.

    Raises ActionError "conflict" when the policy's round is done already, or while a sampling is at work.
    """
    project = model_version.project
    before = current_model(project)
    number, evaluation = next_round(project), None
    if before is not None and before.pk == model_version.pk:
        number, evaluation = _unfinished_round(model_version)
    else:
        promote(model_version=model_version, by=by, reason="Next round")
        if before is not None and Prompt.objects.filter(project=project, split="heldout").exists():
            evaluation = Evaluation.objects.create(
                model_version=model_version, baseline=before, name=f"{model_version.name} against {before.name}"
            ).pk
    return queue_sampling(
        project=project,
        by=by,
        model_version=model_version,
        settings=settings,
        round=number,
        split=split,
        evaluation=evaluation,
    )


def _unfinished_round(model_version: ModelVersion) -> tuple[int, int | None]:
    """(round, evaluation) of this model's round that was cancelled or failed, to go on with it."""
    last = TrainingRun.objects.filter(kind=TrainingRun.Kind.SAMPLING, base=model_version).order_by("-id").first()
    if last is None or last.state not in (TrainingRun.State.CANCELLED, TrainingRun.State.FAILED):
        raise ActionError(
            f"The project samples from {model_version.name} already; retrain, then start a round with the new model.",
            "conflict",
        )
    return last.settings["round"], last.settings["evaluation"]


def next_round(project: Project) -> int:
    last = Comparison.objects.filter(project=project, purpose="collect").aggregate(last=Max("round"))["last"]
    return (last or 0) + 1
