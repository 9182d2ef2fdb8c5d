"""A sampling run: completions of prompts, stored as they come, so that ranking starts with the first."""

from typing import Any

from django.db import transaction

from labeling.actions.comparisons import add_comparison
from labeling.models import Comparison, Completion, Generator, Prompt
from labeling.queries.authors import written_by
from training.actions.answers import generator_of, sample_and_store
from training.actions.evaluations import sample_evaluation
from training.actions.leases import finish_run
from training.actions.model_versions import starting_model
from training.actions.reporting import Reporter
from training.models import Evaluation, ModelVersion, TrainingRun


def sample_prompts(run: TrainingRun, reporter: Reporter) -> None:
    """Sample what the run's settings ask for, and finish the run.

    Prompts that already have the comparison asked for are skipped, which makes a resumed run go on where the last
    worker stopped; the report counts what all its workers did. Raises the engine's `Cancelled`, and `LostLease`.
    """
    version = starting_model(run, reporter)
    report: dict[str, Any] = {"model": version.name}
    if run.settings.get("evaluation"):
        evaluation = Evaluation.objects.get(pk=run.settings["evaluation"])
        report["evaluation"] = sample_evaluation(evaluation, run.settings["sampling"], run.settings["round"], reporter)
        reporter.keep(**report)
    report |= _sample_round(run, version, reporter)
    reporter.end_stage()
    finish_run(run, reporter.owner, {**report, "seconds": reporter.seconds})


def _sample_round(run: TrainingRun, version: ModelVersion, reporter: Reporter) -> dict[str, Any]:
    """Answer what is left; the counts of the run in all.

    prompts: it was to answer. before: had been answered when it began. short: got fewer answers than wanted.
    """
    settings, number = run.settings["sampling"], run.settings["round"]
    generator = generator_of(version, settings)
    wanted = _prompts(run)
    todo = _without_comparison(wanted, run, version)
    counts = _counts_so_far(reporter.report, before=len(wanted) - len(todo))
    earlier = counts["sampled"]
    counts["prompts"] = earlier + len(todo)
    reporter.stage("sample", of=counts["prompts"])
    reporter.keep(**counts)
    for prompt, completions in sample_and_store(version, generator, todo, settings, reporter, done_before=earlier):
        with transaction.atomic():
            _count(counts, completions, settings["k"])
            if len(completions) >= 2:
                wrote = [generator] * len(completions)
                _, created = add_comparison(prompt=prompt, completions=completions, round=number, generators=wrote)
                counts["comparisons"] += created
            reporter.keep(**counts)
        if len(completions) < 2:
            reporter.log(f"Prompt {prompt.pk} has fewer than two different answers: no comparison was made.")
    reporter.log(_in_words(version, counts))
    return counts


def _counts_so_far(report: dict[str, Any], before: int) -> dict[str, int]:
    """What earlier workers of the run stored. Prompts they made no comparison of are tried again, so not counted."""
    counts = {name: report.get(name, 0) for name in ("sampled", "comparisons", "short", "without_comparison")}
    for name in ("sampled", "short"):
        counts[name] -= counts["without_comparison"]
    return {**counts, "without_comparison": 0, "before": report.get("before", before)}


def _count(counts: dict[str, int], completions: list[Completion], k: int) -> None:
    counts["sampled"] += 1
    counts["short"] += len(completions) < k
    counts["without_comparison"] += len(completions) < 2


def _in_words(version: ModelVersion, counts: dict[str, int]) -> str:
    return (
        f"{version.name} answered {counts['sampled']} prompts: {counts['comparisons']} new comparisons"
        + (f", {counts['short']} with fewer answers than wanted" if counts["short"] else "")
        + (f"; {counts['before']} had been answered before" if counts["before"] else "")
        + "."
    )


def _prompts(run: TrainingRun) -> list[Prompt]:
    prompts = Prompt.objects.filter(project=run.project).order_by("id")
    if run.settings.get("split"):
        prompts = prompts.filter(split=run.settings["split"])
    return list(prompts.select_related("project"))


def _without_comparison(prompts: list[Prompt], run: TrainingRun, version: ModelVersion) -> list[Prompt]:
    """Those with nothing to rank; of a run that answers all, those this model has not answered in its round.

    The model counts, not its sampling settings: they may be changed when a round that failed goes on.
    """
    made = Comparison.objects.filter(project=run.project, purpose=Comparison.Purpose.COLLECT)
    if run.settings.get("prompts") != "unanswered":
        generators = Generator.objects.filter(project=run.project, settings__model_version=version.pk)
        made = made.filter(written_by(generators), round=run.settings["round"])
    done = set(made.values_list("prompt_id", flat=True))
    return [prompt for prompt in prompts if prompt.pk not in done]
