"""How good a trained model is, on prompts it never saw. Every number with interval, n and why it is undefined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from training.engine.decoding import draw
from training.engine.estimates import (
    Estimate,
    Scored,
    calibration_error,
    cluster_ratio,
    estimate,
    mean_margin,
    ordered_pair_accuracy,
)
from training.engine.losses import implicit_rewards
from training.engine.models import can_pack
from training.engine.packing import EncodedComparison, encode_rankings, rows_of
from training.engine.policy import as_reference, completion_logits, completion_logps
from training.engine.ranking import Messages, Ranking
from training.engine.reward import rewards_of
from training.engine.settings import PolicySettings, SamplingSettings
from training.engine.tokens import decode_completion, encode_prompt
from training.engine.training_loop import Measuring, Watcher


def _scored(comparisons: Sequence[EncodedComparison], scores_of: Callable[[int], Sequence[float]]) -> list[Scored]:
    """One `Scored` a judgment; scores_of(i) gives the K scores of comparison i."""
    return [
        Scored(comparison.prompt_key, judgment.ranks, scores)
        for i, comparison in enumerate(comparisons)
        for scores in [scores_of(i)]
        for judgment in comparison.judgments
    ]


def reward_accuracy(
    model: Any,
    tokenizer: Any,
    rankings: Sequence[Ranking],
    *,
    max_length: int = 1024,
    watcher: Watcher | None = None,
) -> dict[str, Any]:
    """How far a reward model agrees with held-out rankings.

    "accuracy": share of strictly ordered pairs whose winner got the higher reward, interval by bootstrap over
    prompts. "calibration": expected calibration error of the pair probabilities. "margin": mean reward difference
    of winner and loser. "length_baseline": the same data judged by "the longer completion wins", to be shown
    beside it. "encoding": rankings left out.
    """
    comparisons, report = encode_rankings(tokenizer, rankings, max_length)
    packed = can_pack(model, next(model.parameters()).device)
    model.eval()
    rewards = []
    measuring = Measuring(watcher or Watcher(), len(comparisons))
    with torch.no_grad():
        for comparison in comparisons:
            rewards.append(rewards_of(model, comparison, packed=packed).tolist())
            measuring.add()
    scored = _scored(comparisons, lambda i: rewards[i])
    return {
        "accuracy": ordered_pair_accuracy(scored),
        "length_baseline": ordered_pair_accuracy(_scored(comparisons, lambda i: comparisons[i].lengths)),
        "margin": mean_margin(scored),
        "calibration": calibration_error(scored),
        "encoding": report.as_dict(),
    }


def length_baseline(tokenizer: Any, rankings: Sequence[Ranking], max_length: int = 1024) -> Estimate:
    """Accuracy of "the completion with more tokens wins": what a reward model must beat to have learned anything.

    Far below one half, people prefer the shorter one; then 1 − this is the baseline to beat.
    """
    comparisons, _ = encode_rankings(tokenizer, rankings, max_length)
    return ordered_pair_accuracy(_scored(comparisons, lambda i: comparisons[i].lengths))


def dpo_margins(
    model: Any, tokenizer: Any, rankings: Sequence[Ranking], settings: PolicySettings, watcher: Watcher | None = None
) -> dict[str, Any]:
    """Implicit rewards β (log π − log π_ref) of a peft policy on held-out rankings, its adapter off as reference.

    "accuracy" (share of ordered pairs), "margin" (mean difference, nats × β), "length_baseline", "encoding".
    """
    comparisons, report = encode_rankings(tokenizer, rankings, settings.max_length, end_unfinished=False)
    packed = can_pack(model, next(model.parameters()).device)
    model.eval()
    rewards = []
    measuring = Measuring(watcher or Watcher(), len(comparisons))
    with torch.no_grad():
        for comparison in comparisons:
            ours = completion_logps(model, comparison, packed=packed)
            with as_reference(model):
                theirs = completion_logps(model, comparison, packed=packed)
            lengths = ours.new_tensor(comparison.lengths) if settings.length_normalised else None
            rewards.append(implicit_rewards(ours, theirs, settings.beta, lengths).tolist())
            measuring.add()
    scored = _scored(comparisons, lambda i: rewards[i])
    return {
        "accuracy": ordered_pair_accuracy(scored),
        "margin": mean_margin(scored),
        "length_baseline": ordered_pair_accuracy(_scored(comparisons, lambda i: comparisons[i].lengths)),
        "encoding": report.as_dict(),
    }


def _context(tokenizer: Any, messages: Messages) -> list[int]:
    """What an answer is drawn from, and measured in: the end of a long prompt, as in sampling."""
    return encode_prompt(tokenizer, messages)[-SamplingSettings().max_prompt_tokens :]


@dataclass(frozen=True)
class Draw:
    """One completion drawn for an evaluation. prompt: its number; ids: with the end token if finished."""

    prompt: int
    ids: list[int]
    text: str
    finished: bool


def draw_for_evaluation(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Messages],
    *,
    samples: int = 2,
    max_new_tokens: int = 96,
    batch_rows: int = 16,
    seed: int = 0,
    watcher: Watcher | None = None,
) -> list[Draw]:
    """`samples` completions of each prompt from the model as it is (temperature 1, whole distribution).

    Unlike the completions people rank these may repeat: any choice among them would bias the estimates.
    """
    watcher = watcher or Watcher()
    settings = SamplingSettings(max_new_tokens=max_new_tokens, temperature=1.0, top_p=1.0)
    encoded = [_context(tokenizer, messages) for messages in prompts]
    draws = []
    together = max(1, batch_rows // samples)
    measuring = Measuring(watcher, len(prompts))
    for first in range(0, len(prompts), together):
        batch = range(first, min(first + together, len(prompts)))
        outputs = draw(
            model,
            tokenizer,
            [encoded[n] for n in batch],
            [samples] * len(batch),
            settings,
            seed + first,
            watcher.should_stop,
        )
        for number, completions in zip(batch, outputs, strict=True):
            for ids, finished in completions:
                draws.append(Draw(number, ids, decode_completion(tokenizer, ids), finished))
        measuring.add(len(batch))
    return draws


@torch.no_grad()
def kl_from_reference(
    policy: Any,
    tokenizer: Any,
    prompts: Sequence[Messages],
    draws: Sequence[Draw],
    reference: Any = None,
    watcher: Watcher | None = None,
) -> dict[str, Any]:
    """KL(π ‖ π_ref) over completions of the policy's own draws, in nats: "per_completion" and "per_token".

    Rao–Blackwellised: at each position of a drawn completion the exact KL between the two next-token
    distributions is summed, which is unbiased, never negative, and varies less than the log-ratio of the drawn
    tokens (Amini, Vieira and Cotterell, arXiv 2504.10637). Completions end at the sampling limit, so it is the KL
    of the process cut off there. Interval by bootstrap over prompts; n counts completions and tokens.

    reference  another model; None: `policy` is a peft model and its adapter off is the reference.
    """
    encoded = [_context(tokenizer, messages) for messages in prompts]
    device = next(policy.parameters()).device
    policy.eval()
    sums, tokens, clusters = [], [], []
    written = [one for one in draws if one.ids]
    measuring = Measuring(watcher or Watcher(), len(written))
    for one in written:
        prompt, completion = tuple(encoded[one.prompt]), tuple(one.ids)
        [row] = rows_of(EncodedComparison(prompt, (completion,), (), ""))
        row = row.to(device)
        ours = completion_logits(policy, row).log_softmax(-1)
        if reference is None:
            with as_reference(policy):
                theirs = completion_logits(policy, row).log_softmax(-1)
        else:
            theirs = completion_logits(reference, row).log_softmax(-1)
        sums.append(float((ours.exp() * (ours - theirs)).sum()))
        tokens.append(float(len(one.ids)))
        clusters.append(str(one.prompt))
        measuring.add()
    empty = "No completion was drawn."
    return {
        "per_completion": cluster_ratio(sums, [1.0] * len(sums), clusters, empty=empty, unit="nats"),
        "per_token": cluster_ratio(sums, tokens, clusters, empty=empty, unit="nats"),
    }


def length_drift(before: Sequence[Draw], after: Sequence[Draw]) -> dict[str, Any]:
    """How long completions are, and how many the model ended itself, before and after training.

    "before", "after": mean tokens. "ratio": after / before. "finished_before", "finished_after": shares. All over
    the same prompts, with intervals by bootstrap over prompts (for the ratio both sides of a prompt together).
    """
    empty = "No completion was drawn."

    def mean_tokens(draws: Sequence[Draw]) -> Estimate:
        lengths = [float(len(d.ids)) for d in draws]
        return cluster_ratio(lengths, [1.0] * len(lengths), [str(d.prompt) for d in draws], empty=empty, unit="tokens")

    def share_finished(draws: Sequence[Draw]) -> Estimate:
        ended = [float(d.finished) for d in draws]
        clusters = [str(d.prompt) for d in draws]
        return cluster_ratio(ended, [1.0] * len(ended), clusters, proportion=True, empty=empty)

    return {
        "before": mean_tokens(before),
        "after": mean_tokens(after),
        "ratio": _length_ratio(before, after),
        "finished_before": share_finished(before),
        "finished_after": share_finished(after),
    }


def _length_ratio(before: Sequence[Draw], after: Sequence[Draw]) -> Estimate:
    if not before or not after:
        return estimate(None, None, None, 0, "Completions from both models are needed.")
    both = [(str(d.prompt), 0.0, len(d.ids) / len(before)) for d in before]
    both += [(str(d.prompt), len(d.ids) / len(after), 0.0) for d in after]
    clusters, top, bottom = (list(column) for column in zip(*both, strict=True))
    ratio = cluster_ratio(top, bottom, clusters)
    return {**ratio, "n": len(before) + len(after)}
