"""Answers of a model version to prompts, stored as they come."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import transaction

from labeling.actions.completions import add_completion, find_or_add_generator
from labeling.models import Completion, Generator, Prompt
from training.actions.loaded_models import load_version
from training.actions.reporting import Reporter
from training.models import ModelVersion


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
            reporter.hold()
            stored = [_store(prompt, generator, one) for one in answer.completions]
        yield prompt, list({completion.pk: completion for completion in stored}.values())


def _store(prompt: Prompt, generator: Generator, sampled: Any) -> Completion:
    # a NUL cannot be stored; byte-level models can write one
    text = sampled.text.replace("\x00", "\ufffd")
    completion, _ = add_completion(
        prompt=prompt, text=text, generator=generator, tokens=sampled.tokens, finished=sampled.finished
    )
    return completion
