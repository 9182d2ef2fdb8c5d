"""A sampling run: completions of prompts, stored as they come, so that ranking starts with the first."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import transaction

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion, find_or_add_generator
from labeling.models import Comparison, Completion, Generator, Prompt
from training.actions.leases import finish_run, heartbeat
from training.actions.loaded_models import load_version
from training.actions.model_versions import register_bundled_model
from training.actions.reporting import Reporter
from training.models import Evaluation, ModelVersion, TrainingRun


def sample_prompts(run: TrainingRun, reporter: Reporter) -> None:
    """Sample what the run's settings ask for, and finish the run.

    Prompts that already have their comparison from this generator in this round are skipped, which makes a resumed
    run go on where the last worker stopped. Raises the engine's `Cancelled`, and `LostLease`.
    """
    from training.actions.rounds import sample_evaluation

    version = starting_model(run, reporter)
    report: dict[str, Any] = {"model": version.name}
    if run.settings.get("evaluation"):
        evaluation = Evaluation.objects.get(pk=run.settings["evaluation"])
        report["evaluation"] = sample_evaluation(evaluation, run.settings["sampling"], run.settings["round"], reporter)
    report |= _sample_round(run, version, reporter)
    reporter.end_stage()
    finish_run(run, reporter.owner, {**report, "seconds": reporter.seconds})


def starting_model(run: TrainingRun, reporter: Reporter) -> ModelVersion:
    """The model the run starts from; the bundled one, registered now, when none was named."""
    if run.base is None:
        reporter.stage("prepare", of=3)
        run.base = register_bundled_model(run.project, reporter.progress)
        heartbeat(run, reporter.owner, base=run.base)
    return run.base


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


def generator_of(version: ModelVersion, settings: dict[str, Any]) -> Generator:
    """The row that says which weights, sampled how, wrote a completion."""
    return find_or_add_generator(
        project=version.project,
        kind=Generator.Kind.MODEL,
        name=version.name,
        settings={"model_version": version.pk, "hash": version.hash, **settings},
    )


def sample_and_store(
    version: ModelVersion,
    generator: Generator,
    prompts: Sequence[Prompt],
    settings: dict[str, Any],
    reporter: Reporter,
    *,
    done_before: int = 0,
) -> Iterator[tuple[Prompt, list[Completion]]]:
    """Yield each prompt with its stored completions as soon as its group is sampled.

    done_before: prompts of the stage that an earlier worker finished; they count in the bar.
    """
    from training.engine.sampling import sample_completions
    from training.engine.settings import SamplingSettings

    if not prompts:
        return
    model, tokenizer = load_version(version)

    def moved(done: int, of: int, metrics: dict[str, Any]) -> None:
        reporter.progress(done_before + done, done_before + of, metrics)

    sampled = sample_completions(
        model,
        tokenizer,
        [prompt.messages for prompt in prompts],
        SamplingSettings.from_dict(settings),
        should_stop=reporter.should_stop,
        on_batch=moved,
    )
    for answer in sampled:
        reporter.keeper.require()
        prompt = prompts[answer.index]
        with transaction.atomic():
            stored = [_store(prompt, generator, one) for one in answer.completions]
        yield prompt, list({completion.pk: completion for completion in stored}.values())


def _store(prompt: Prompt, generator: Generator, sampled: Any) -> Completion:
    # a NUL cannot be stored; byte-level models can write one
    text = sampled.text.replace("\x00", "\ufffd")
    completion, _ = add_completion(
        prompt=prompt, text=text, generator=generator, tokens=sampled.tokens, finished=sampled.finished
    )
    return completion


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
