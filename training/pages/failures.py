"""Reads a traceback and says what a lead can do about it."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """`headline` is the error itself; `advice` what to do next, `known` if it is about this error; then the whole."""

    headline: str
    advice: str
    known: bool
    traceback: str


@dataclass(frozen=True)
class _Cause:
    """What an error says about itself, and the way out: of a training, and of a sampling."""

    pattern: str
    training: str
    sampling: str


CAUSES = [
    _Cause(
        r"OutOfMemory|out of memory|MemoryError|Cannot allocate",
        "The machine ran out of memory. Retrain with a smaller “longest prompt with completion” or batch size, or give "
        "the worker a machine with more memory.",
        "The machine ran out of memory. Give the worker a machine with more, or sample fewer prompts at once "
        "(“group_size” in the project's sampling settings); then go on with it.",
    ),
    _Cause(
        r"No space left|NoSpace|Errno 28",
        "The disk is full. Free some space where LUCE_ARTIFACTS points (models are the largest), then retrain.",
        "The disk is full. Free some space, then go on with it: what was written is kept.",
    ),
    _Cause(
        r"BadSettings|Setting \w+ must be|has no setting",
        "One of the settings cannot be used. The last line names it; retrain with another value.",
        "One of the project's sampling settings cannot be used. The last line names it; change it and go on.",
    ),
    _Cause(
        r"NotFinite|NaN|not finite|diverged",
        "The numbers ran away. Retrain with a lower learning rate; half of it is a good first try.",
        "The model gives no usable probabilities: its training ran away. Promote another one, or retrain with a lower "
        "learning rate.",
    ),
    _Cause(
        r"MissingModel|FileNotFoundError|is missing from the artifact store|was changed after it was written",
        "A file that the run needs is not there or was changed. The operator restores it from a backup; then retrain.",
        "A file of the model is not there or was changed. The operator restores it from a backup, or you promote "
        "another model; then go on with it.",
    ),
    _Cause(
        r"workers stopped without a word",
        "Workers stopped in the middle of it again and again. Ask the operator to look at the worker's log; memory is "
        "the usual cause, and a smaller batch size or “longest prompt with completion” helps.",
        "Workers stopped in the middle of it again and again. Ask the operator to look at the worker's log; memory is "
        "the usual cause, and a smaller “group_size” in the project's sampling settings helps.",
    ),
    _Cause(
        r"NothingToTrainOn|None of the \d+ rankings",
        "No ranking is left to learn from. Raise “longest prompt with completion”, or collect more rankings.",
        "",
    ),
]
UNKNOWN = (
    "Nothing else is affected: people can go on ranking. Start it again; if it fails the same way, send this page's "
    "traceback to whoever runs Luce for you."
)
UNKNOWN_SAMPLING = UNKNOWN.replace("Start it again", "Go on with it")


def explain(error: str, sampling: bool = False) -> Failure:
    """Read what `fail_run` kept: the message, then the traceback. Without a message its last line is the headline.

    sampling: the run was to write completions, not to train.
    """
    message, mark, rest = error.strip().partition("Traceback (most recent call last)")
    lines = [line for line in rest.splitlines() if line.strip() and not line[0].isspace()]
    named = lines[-1] if lines else ""
    headline = message.strip() or _without_module(named) or "The run ended without saying why."
    found = (cause for cause in CAUSES if re.search(cause.pattern, f"{headline}\n{named}", re.IGNORECASE))
    cause = next(found, None)
    advice = (cause.sampling if sampling else cause.training) if cause else ""
    return Failure(
        headline=headline,
        advice=advice or (UNKNOWN_SAMPLING if sampling else UNKNOWN),
        known=bool(advice),
        traceback=f"{mark}{rest}".strip(),
    )


def _without_module(line: str) -> str:
    """`torch.OutOfMemoryError: …` as `OutOfMemoryError: …`."""
    return re.sub(r"^(?:\w+\.)+(\w+)(?=:|$)", r"\1", line)
