"""Rounds: a lead promotes a policy, it answers the prompts, and people compare it blindly with the one before."""

import random
from typing import Any

from django.db import transaction
from django.db.models import Max

from labeling.actions.comparisons import add_comparison
from labeling.actions.errors import ActionError
from labeling.models import Comparison, Completion, Project, Prompt
from labeling.policies import may_lead, require
from training.actions.reporting import Reporter
from training.actions.sampling import generator_of, sample_and_store
from training.models import Evaluation, EvaluationComparison, ModelVersion, Promotion, TrainingRun
from training.queries.models import current_model

# Pairs of an evaluation come before the new round's comparisons: the lead waits for the win rate.
EVALUATION_PRIORITY = 10


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
    from training.actions.runs import queue_sampling

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


def sample_evaluation(
    evaluation: Evaluation, settings: dict[str, Any], round: int, reporter: Reporter
) -> dict[str, Any]:
    """One answer of each model to every held-out prompt; each pair becomes a comparison as soon as both are there.

    Both answer with the same settings, each with random numbers of its own, other ones than for the round's answers.
    Pairs that an earlier worker stored are kept. When both models write the same there is nothing to rank: that prompt
    is counted as identical, and left out.
    """
    settings = {**settings, "k": 1, "group_size": 4 * settings["k"], "seed": settings.get("seed", 0) + 1_000_003}
    settings["evaluation"] = evaluation.pk
    prompts = _heldout_without_pair(evaluation)
    reporter.stage("answers before", of=len(prompts))
    baseline = _answers(evaluation.baseline, prompts, {**settings, "seed": settings["seed"] + 1}, reporter)
    reporter.stage("answers after", of=len(prompts))
    identical = missing = 0
    for prompt, answer in _answer(evaluation.model_version, prompts, settings, reporter):
        other = baseline.get(prompt.pk)
        if answer is None or other is None:
            missing += 1
        elif answer.pk == other.pk:
            identical += 1
        else:
            _add_pair(evaluation, prompt, answer, other, round)
    pairs = evaluation.items.count()
    reporter.log(
        f"{evaluation.name}: {pairs} pairs to be ranked blindly; {identical} prompts with identical answers"
        + (f", {missing} without an answer" if missing else "")
        + "."
    )
    return {"pk": evaluation.pk, "pairs": pairs, "identical": identical, "missing": missing}


def _answers(
    version: ModelVersion, prompts: list[Prompt], settings: dict[str, Any], reporter: Reporter
) -> dict[int, Completion]:
    answers = _answer(version, prompts, settings, reporter)
    return {prompt.pk: answer for prompt, answer in answers if answer is not None}


def _answer(version: ModelVersion, prompts: list[Prompt], settings: dict[str, Any], reporter: Reporter) -> Any:
    """(prompt, its one completion or None), as they come; answers that an earlier worker stored come first."""
    generator = generator_of(version, settings)
    stored = {c.prompt_id: c for c in Completion.objects.filter(generator=generator, prompt__in=prompts)}
    for prompt in prompts:
        if prompt.pk in stored:
            yield prompt, stored[prompt.pk]
    todo = [prompt for prompt in prompts if prompt.pk not in stored]
    engine = {name: value for name, value in settings.items() if name != "evaluation"}
    for prompt, completions in sample_and_store(version, generator, todo, engine, reporter, done_before=len(stored)):
        yield prompt, completions[0] if completions else None


def _heldout_without_pair(evaluation: Evaluation) -> list[Prompt]:
    done = evaluation.items.values("comparison__prompt_id")
    prompts = Prompt.objects.filter(project=evaluation.model_version.project, split="heldout")
    return list(prompts.exclude(pk__in=done).select_related("project").order_by("id"))


@transaction.atomic
def _add_pair(evaluation: Evaluation, prompt: Prompt, answer: Completion, other: Completion, round: int) -> None:
    """The pair in a drawn order: were the new model always first, its place would give it away."""
    order = [answer, other]
    random.Random(f"{evaluation.pk}:{prompt.pk}:{prompt.project.seed}").shuffle(order)  # noqa: S311 not a secret
    comparison, _ = add_comparison(
        prompt=prompt, completions=order, purpose="evaluate", priority=EVALUATION_PRIORITY, round=round
    )
    place = dict(comparison.candidates.values_list("completion_id", "position"))
    EvaluationComparison.objects.create(
        evaluation=evaluation,
        comparison=comparison,
        model_position=place[answer.pk],
        baseline_position=place[other.pk],
    )
