"""Why a sampling left nothing to compare or to rank, and what helps."""

from dataclasses import dataclass

from training.models import TrainingRun


@dataclass(frozen=True)
class Missing:
    """What could not be made, a sentence each; `pairs`: whether that leaves the blind comparison empty."""

    reasons: list[str]
    pairs: bool


def missing_of(run: TrainingRun) -> Missing:
    """Read from what a sampling that succeeded reports."""
    compared = run.report.get("evaluation") or {}
    empty = compared.get("pairs") == 0
    reasons = [_no_pairs(compared)] if empty else []
    if run.report.get("without_comparison"):
        reasons.append(_no_comparison(run.report["without_comparison"]))
    return Missing(reasons, empty)


def _no_pairs(compared: dict[str, int]) -> str:
    same, none = compared.get("identical", 0), compared.get("missing", 0)
    why = []
    if same:
        why.append(f"the two models wrote the same answer to {_prompts(same, 'held-out prompt')}")
    if none:
        why.append(f"{_prompts(none, 'held-out prompt')} got no answer from at least one of them")
    return f"No pair could be made for the blind comparison: {', and '.join(why) or 'there is no held-out prompt'}."


def _no_comparison(count: int) -> str:
    got = "got fewer than two different answers, so there is nothing to rank of "
    return f"{_prompts(count, 'prompt')} {got}{'it' if count == 1 else 'them'}."


def _prompts(count: int, one: str) -> str:
    return f"{count:,} {one if count == 1 else f'{one}s'}"
