"""Rounds: a lead promotes a policy, it answers the prompts, and people compare it blindly with the one before."""

from typing import Any

from django.db import transaction

from labeling.actions.errors import ActionError
from labeling.models import Project, Prompt
from labeling.policies import may_lead, require
from training.actions.runs import queue_sampling
from training.models import Evaluation, ModelVersion, Promotion, TrainingRun
from training.queries.rounds import model_to_beat, next_round, round_state


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
    model before it on held-out prompts. A round that was cancelled or failed, or in which all answers were alike, goes
    on where it stopped, with its own number, split and evaluation.

    split: answer the prompts of this split alone; the blind comparison is of held-out prompts whatever it is.

    Raises ActionError "conflict" when the policy's round is done already, or while a sampling is at work.
    """
    project = model_version.project
    if by is not None:
        require(may_lead(by, project), "start a round in this project")
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    state = round_state(model_version)
    if state.word == "done":
        raise ActionError(
            f"The project samples from {model_version.name} already; retrain, then start a round with the new model.",
            "conflict",
        )
    if state.can_go_on and state.run is not None:
        number, evaluation = state.run.settings["round"], state.run.settings["evaluation"]
        split = _same_split(split, state.run)
        promote(model_version=model_version, by=by, reason="The round goes on")
    else:
        before, number = model_to_beat(model_version), next_round(project)
        promote(model_version=model_version, by=by, reason="Next round")
        evaluation = _begin_evaluation(model_version, before)
    return queue_sampling(
        project=project,
        by=by,
        model_version=model_version,
        settings=settings,
        round=number,
        split=split,
        evaluation=evaluation,
        next_round=True,
    )


def _same_split(split: str | None, stopped: TrainingRun) -> str | None:
    own = stopped.settings.get("split")
    if split not in (None, own):
        raise ActionError(f"This round answers {own or 'all'} prompts, and goes on so.", "conflict")
    return own


def _begin_evaluation(model_version: ModelVersion, before: ModelVersion | None) -> int | None:
    """Id of the evaluation against the model before; None without one or without held-out prompts."""
    heldout = Prompt.objects.filter(project=model_version.project, split="heldout")
    if before is None or not heldout.exists():
        return None
    name = f"{model_version.name} against {before.name}"
    return Evaluation.objects.create(model_version=model_version, baseline=before, name=name).pk
