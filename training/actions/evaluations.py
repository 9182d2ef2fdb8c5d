"""The pairs of a blind comparison: one answer of each of two models to every held-out prompt."""

import random
from typing import Any

from django.db import transaction

from labeling.actions.comparisons import add_comparison
from labeling.models import Completion, Generator, Prompt
from training.actions.answers import generator_of, sample_and_store
from training.actions.reporting import Reporter
from training.models import Evaluation, EvaluationComparison, ModelVersion

# Pairs of an evaluation come before the new round's comparisons: the lead waits for the win rate.
EVALUATION_PRIORITY = 10


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
    paired = evaluation.items.count()
    reporter.stage("answers before", of=paired + len(prompts))
    before = {**settings, "seed": settings["seed"] + 1}
    baseline = _answers(evaluation.baseline, prompts, before, reporter, paired)
    reporter.stage("answers after", of=paired + len(prompts))
    wrote = generator_of(evaluation.model_version, settings)
    wrote_before = generator_of(evaluation.baseline, before)
    identical = missing = 0
    for prompt, answer in _answer(evaluation.model_version, prompts, settings, reporter, paired):
        other = baseline.get(prompt.pk)
        if answer is None or other is None:
            missing += 1
        elif answer.pk == other.pk:
            identical += 1
        else:
            with transaction.atomic():
                reporter.hold()
                _add_pair(evaluation, prompt, {answer: wrote, other: wrote_before}, round)
    pairs = evaluation.items.count()
    reporter.log(
        f"{evaluation.name}: {pairs} pairs to be ranked blindly; {identical} prompts with identical answers"
        + (f", {missing} without an answer" if missing else "")
        + "."
    )
    return {"pk": evaluation.pk, "pairs": pairs, "identical": identical, "missing": missing}


def _answers(
    version: ModelVersion, prompts: list[Prompt], settings: dict[str, Any], reporter: Reporter, paired: int
) -> dict[int, Completion]:
    answers = _answer(version, prompts, settings, reporter, paired)
    return {prompt.pk: answer for prompt, answer in answers if answer is not None}


def _answer(
    version: ModelVersion, prompts: list[Prompt], settings: dict[str, Any], reporter: Reporter, paired: int
) -> Any:
    """(prompt, its one completion or None), as they come; answers that an earlier worker stored come first.

    paired: prompts whose pair is there already; they count in the bar.
    """
    generator = generator_of(version, settings)
    stored = {c.prompt_id: c for c in Completion.objects.filter(generator=generator, prompt__in=prompts)}
    for prompt in prompts:
        if prompt.pk in stored:
            yield prompt, stored[prompt.pk]
    todo = [prompt for prompt in prompts if prompt.pk not in stored]
    engine = {name: value for name, value in settings.items() if name != "evaluation"}
    done_before = paired + len(stored)
    for prompt, completions in sample_and_store(version, generator, todo, engine, reporter, done_before=done_before):
        yield prompt, completions[0] if completions else None


def _heldout_without_pair(evaluation: Evaluation) -> list[Prompt]:
    done = evaluation.items.values("comparison__prompt_id")
    prompts = Prompt.objects.filter(project=evaluation.model_version.project, split="heldout")
    return list(prompts.exclude(pk__in=done).select_related("project").order_by("id"))


@transaction.atomic
def _add_pair(evaluation: Evaluation, prompt: Prompt, wrote: dict[Completion, Generator], round: int) -> None:
    """The pair, the new model's answer first in `wrote`, in a drawn order: were it always first, its place would give
    it away."""
    order = list(wrote)
    answer, other = order
    random.Random(f"{evaluation.pk}:{prompt.pk}:{prompt.project.seed}").shuffle(order)  # noqa: S311 not a secret
    comparison, _ = add_comparison(
        prompt=prompt,
        completions=order,
        purpose="evaluate",
        priority=EVALUATION_PRIORITY,
        round=round,
        generators=[wrote[each] for each in order],
    )
    place = dict(comparison.candidates.values_list("completion_id", "position"))
    EvaluationComparison.objects.create(
        evaluation=evaluation,
        comparison=comparison,
        model_position=place[answer.pk],
        baseline_position=place[other.pk],
    )
