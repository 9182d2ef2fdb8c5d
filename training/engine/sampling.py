"""Drawing K different completions of each prompt, in small groups, the first one quickly."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from training.engine.decoding import draw
from training.engine.ranking import Messages
from training.engine.settings import SamplingSettings
from training.engine.tokens import decode_completion, encode_prompt

OnBatch = Callable[[int, int, dict[str, Any]], None]


@dataclass(frozen=True)
class SampledCompletion:
    """text: stripped, without special tokens. tokens: how many were drawn, the end included.
    finished: whether the model ended it itself; False means it was cut off at max_new_tokens."""

    text: str
    tokens: int
    finished: bool


@dataclass
class SampledPrompt:
    """The completions of prompt number `index`: different and not empty. `short_by` of the wanted K are missing
    (the model kept repeating itself; raise the temperature), normally 0."""

    index: int
    completions: list[SampledCompletion] = field(default_factory=list)
    short_by: int = 0


def sample_completions(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Messages],
    settings: SamplingSettings,
    should_stop: Callable[[], bool] | None = None,
    on_batch: OnBatch | None = None,
) -> Iterator[SampledPrompt]:
    """Yield a `SampledPrompt` for each prompt as soon as its group is done; groups in the order of `prompts`.

    model      a causal language model (or a peft one) in evaluation mode
    on_batch   called with (prompts done, of, {"tokens_per_second", "seconds_left"}) after each group
    should_stop  asked after every token; True raises `Cancelled` (what was yielded stays good)

    The first group holds one prompt, so that somebody can begin to read; the others `settings.group_size`.
    Deterministic for the same seed, prompts and machine. Repeated and empty completions are drawn again, with
    other random numbers, up to `settings.max_tries` times.
    """
    stop = should_stop or (lambda: False)
    started, tokens, done = time.monotonic(), 0, 0
    encoded = [encode_prompt(tokenizer, messages)[-settings.max_prompt_tokens :] for messages in prompts]
    for group in _groups(len(prompts), settings.group_size):
        sampled, drawn = _sample_group(model, tokenizer, [encoded[i] for i in group], settings, stop)
        done, tokens = done + len(group), tokens + drawn
        elapsed = time.monotonic() - started
        if on_batch:
            left = elapsed / done * (len(prompts) - done)
            on_batch(done, len(prompts), {"tokens_per_second": tokens / elapsed, "seconds_left": left})
        for index, completions in zip(group, sampled, strict=True):
            yield SampledPrompt(index, completions, settings.k - len(completions))


def _groups(count: int, size: int) -> list[list[int]]:
    first = min(1, count)
    rest = [list(range(i, min(i + size, count))) for i in range(first, count, size)]
    return [[0], *rest] if first else []


def _sample_group(
    model: Any, tokenizer: Any, prompts: list[list[int]], settings: SamplingSettings, stop: Callable[[], bool]
) -> tuple[list[list[SampledCompletion]], int]:
    """K different completions for each of a few prompts, and the number of tokens drawn."""
    kept: list[dict[str, SampledCompletion]] = [{} for _ in prompts]
    drawn = 0
    for attempt in range(settings.max_tries):
        short = [number for number, found in enumerate(kept) if len(found) < settings.k]
        if not short:
            break
        counts = [settings.k - len(kept[number]) for number in short]
        seed = _seed_of(settings.seed, prompts, attempt)
        outputs = draw(model, tokenizer, [prompts[number] for number in short], counts, settings, seed, stop)
        for number, completions in zip(short, outputs, strict=True):
            for ids, finished in completions:
                drawn += len(ids)
                text = decode_completion(tokenizer, ids)
                # two answers that differ in white space alone are the same to a reader
                key = " ".join(text.split())
                if key:
                    kept[number].setdefault(key, SampledCompletion(text, len(ids), finished))
    return [list(found.values()) for found in kept], drawn


def _seed_of(seed: int, prompts: list[list[int]], attempt: int) -> int:
    digest = hashlib.sha256(repr((seed, prompts, attempt)).encode()).digest()
    return int.from_bytes(digest[:7], "big")
