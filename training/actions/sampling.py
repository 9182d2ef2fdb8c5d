"""A sampling run: completions of prompts, stored as they come, so that ranking starts with the first."""

from typing import Any

from labeling.actions.comparisons import add_comparison
from labeling.models import Comparison, Generator, Prompt
from training.actions.answers import generator_of, sample_and_store
from training.actions.evaluations import sample_evaluation
from training.actions.leases import finish_run
from training.actions.model_versions import starting_model
from training.actions.reporting import Reporter
from training.models import Evaluation, ModelVersion, TrainingRun


def sample_prompts(run: TrainingRun, reporter: Reporter) -> None:
    """Sample what the run's settings ask for, and finish the run.

    Prompts that already have their comparison from this generator in this round are skipped, which makes a resumed
    run go on where the last worker stopped. Raises the engine's `Cancelled`, and `LostLease`.
    """
    version = starting_model(run, reporter)
    report: dict[str, Any] = {"model": version.name}
    if run.settings.get("evaluation"):
        evaluation = Evaluation.objects.get(pk=run.settings["evaluation"])
        report["evaluation"] = sample_evaluation(evaluation, run.settings["sampling"], run.settings["round"], reporter)
    report |= _sample_round(run, version, reporter)
    reporter.end_stage()
    finish_run(run, reporter.owner, {**report, "seconds": reporter.seconds})


def _sample_round(run: TrainingRun, version: ModelVersion, reporter: Reporter) -> dict[str, Any]:
    settings, number = run.settings["sampling"], run.settings["round"]
    generator = generator_of(version, settings)
    wanted = _prompts(run)
    todo = _without_comparison(wanted, generator, number)
    reporter.stage("sample", of=len(wanted))
    counts = {"prompts": len(wanted), "sampled": 0, "comparisons": 0, "short": 0, "without_comparison": 0}
    for prompt, completions in sample_and_store(
        version, generator, todo, settings, reporter, done_before=len(wanted) - len(todo)
    ):
        counts["sampled"] += 1
        counts["short"] += len(completions) < settings["k"]
        if len(completions) < 2:
            counts["without_comparison"] += 1
            reporter.log(f"Prompt {prompt.pk} has fewer than two different answers: no comparison was made.")
            continue
        _, created = add_comparison(prompt=prompt, completions=completions, round=number)
        counts["comparisons"] += created
    reporter.log(
        f"{version.name} answered {counts['sampled']} prompts: {counts['comparisons']} new comparisons"
        + (f", {counts['short']} with fewer answers than wanted" if counts["short"] else "")
        + "."
    )
    return counts


def _prompts(run: TrainingRun) -> list[Prompt]:
    prompts = Prompt.objects.filter(project=run.project).order_by("id")
    if run.settings.get("split"):
        prompts = prompts.filter(split=run.settings["split"])
    return list(prompts.select_related("project"))


def _without_comparison(prompts: list[Prompt], generator: Generator, number: int) -> list[Prompt]:
    made = Comparison.objects.filter(
        project=generator.project_id,
        purpose=Comparison.Purpose.COLLECT,
        round=number,
        candidates__completion__generator=generator,
    )
    done = set(made.values_list("prompt_id", flat=True))
    return [prompt for prompt in prompts if prompt.pk not in done]
