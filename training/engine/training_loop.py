"""The loop that trains the reward model and the policy alike, readable from top to bottom."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.engine.checkpoints import load_newest, save_checkpoint
from training.engine.errors import Cancelled, NotFinite
from training.engine.losses import PairCounts
from training.engine.packing import EncodedComparison
from training.engine.settings import _TrainingSettings
from training.engine.versions import rng_state, seed_everything, set_rng_state

Progress = Callable[[int, int, dict[str, Any]], None]
Stop = Callable[[], bool]
Log = Callable[[str], None]
# A comparison's loss: summed over its judgments, each times its weight; with the counts of its pairs.
LossOf = Callable[[EncodedComparison], tuple[Tensor, PairCounts]]


@dataclass
class Watcher:
    """How the outside follows and stops a run; every part may be left out.

    progress     called with (step, of, metrics) after each optimizer step, and in other phases with metrics["phase"]
    should_stop  asked before every forward; True ends the run with `Cancelled`
    log          one line a call
    """

    progress: Progress = field(default=lambda step, of, metrics: None)
    should_stop: Stop = field(default=lambda: False)
    log: Log = field(default=lambda line: None)

    @classmethod
    def of(cls, progress: Progress | None, should_stop: Stop | None, log: Log | None) -> "Watcher":
        given = {"progress": progress, "should_stop": should_stop, "log": log}
        return cls(**{name: part for name, part in given.items() if part is not None})  # type: ignore[arg-type]

    def stop_if_asked(self) -> None:
        if self.should_stop():
            raise Cancelled("Stopped on request.")


class Measuring:
    """Tells the watcher how far a measurement is: `of` prompts, rankings or answers that each take about as long.

    Asks whether to stop at the start and after each, and raises `Cancelled` then.
    """

    def __init__(self, watcher: Watcher, of: int) -> None:
        self.watcher, self.of, self.done = watcher, of, 0
        self.started = time.monotonic()
        self.add(0)

    def add(self, count: int = 1) -> None:
        self.watcher.stop_if_asked()
        self.done += count
        spent = time.monotonic() - self.started
        left = spent / self.done * (self.of - self.done) if self.done else None
        metrics = {"phase": "evaluating", "done": self.done, "of": self.of, "seconds_left": left}
        self.watcher.progress(self.done, self.of, metrics)


def learning_rate_at(step: int, total: int, settings: _TrainingSettings) -> float:
    """Rate of optimizer step `step` (0 … total − 1): linear warm-up, then decay to `final_lr_share` of the peak."""
    warmup = math.ceil(total * settings.warmup_share)
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, total - warmup)
    shape = {
        "cosine": 0.5 * (1 + math.cos(math.pi * done)),
        "linear": 1 - done,
        "constant": 1.0,
    }[settings.schedule]
    floor = settings.final_lr_share if settings.schedule != "constant" else 0.0
    return settings.learning_rate * (floor + (1 - floor) * shape)


def batches_of_epoch(count: int, epoch: int, settings: _TrainingSettings) -> list[list[int]]:
    """Indices of each batch of an epoch; a function of seed and epoch alone, so a resumed run sees the same."""
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + epoch)
    order = torch.randperm(count, generator=generator).tolist()
    return [order[i : i + settings.batch_size] for i in range(0, count, settings.batch_size)]


def train(
    model: nn.Module,
    comparisons: Sequence[EncodedComparison],
    loss_of: LossOf,
    settings: _TrainingSettings,
    *,
    checkpoints: Path,
    fingerprint: str,
    watcher: Watcher,
) -> list[dict[str, Any]]:
    """Train the parameters of `model` that require gradients; return one dict a step (loss, accuracy, …).

    The loss of a step is Σ w ℓ / Σ w over the judgments of its comparisons. Gradients are accumulated one
    comparison at a time with exactly these weights, so the step does not depend on how it is cut up.

    Starts from the newest checkpoint with this `fingerprint` in the folder `checkpoints`, and then goes on as if
    it had never stopped: same order, same random numbers, same losses. Raises `Cancelled` (after writing a
    checkpoint) and `NotFinite` (naming the rankings).
    """
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(
        trained.values(), lr=settings.learning_rate, betas=(0.9, 0.999), weight_decay=settings.weight_decay
    )
    batches_per_epoch = math.ceil(len(comparisons) / settings.batch_size)
    total = settings.epochs * batches_per_epoch

    seed_everything(settings.seed)
    step, history = 0, []
    saved = load_newest(checkpoints, fingerprint, watcher.log)
    if saved:
        step, history = saved["step"], saved["history"]
        _restore(trained, optimizer, saved)
        watcher.log(f"Resumed after step {step} of {total}.")

    def write_checkpoint() -> None:
        state = {
            "fingerprint": fingerprint,
            "step": step,
            "history": history,
            "trained": {name: p.detach() for name, p in trained.items()},
            "optimizer": optimizer.state_dict(),
            "rng": random_numbers,
        }
        save_checkpoint(checkpoints, step, state, settings.keep_checkpoints)

    model.train()
    random_numbers = rng_state()  # as of the last finished step: a half-done step leaves no trace
    started = last_checkpoint = time.monotonic()
    tokens_seen, first_step = 0, step
    try:
        while step < total:
            epoch, position = divmod(step, batches_per_epoch)
            batch = [comparisons[i] for i in batches_of_epoch(len(comparisons), epoch, settings)[position]]
            rate = learning_rate_at(step, total, settings)
            for group in optimizer.param_groups:
                group["lr"] = rate
            metrics = _one_step(trained, batch, loss_of, optimizer, settings, step, watcher)
            step += 1
            random_numbers = rng_state()
            history.append({"step": step, "epoch": epoch + 1, "learning_rate": rate, **metrics})

            tokens_seen += metrics["tokens"]
            elapsed = time.monotonic() - started
            speed = {
                "phase": "training",
                "tokens_per_second": tokens_seen / max(elapsed, 1e-9),
                "seconds_left": elapsed / (step - first_step) * (total - step),
            }
            watcher.progress(step, total, {**history[-1], **speed})
            if time.monotonic() - last_checkpoint >= settings.checkpoint_seconds or step == total:
                write_checkpoint()
                last_checkpoint = time.monotonic()
    except Cancelled:
        if step > 0:
            write_checkpoint()
        watcher.log(f"Stopped after step {step} of {total}.")
        raise
    model.eval()
    return history


def _one_step(
    trained: dict[str, nn.Parameter],
    batch: Sequence[EncodedComparison],
    loss_of: LossOf,
    optimizer: torch.optim.Optimizer,
    settings: _TrainingSettings,
    step: int,
    watcher: Watcher,
) -> dict[str, Any]:
    optimizer.zero_grad(set_to_none=True)
    weight = sum(comparison.weight for comparison in batch)
    loss_sum, counts = 0.0, PairCounts()
    for comparison in batch:
        watcher.stop_if_asked()
        loss, seen = loss_of(comparison)
        value = loss.item()
        if not math.isfinite(value):
            raise NotFinite("The loss", step + 1, comparison.ids)
        if loss.requires_grad:
            (loss / weight).backward()
        loss_sum += value
        counts += seen
    norm = nn.utils.clip_grad_norm_(trained.values(), settings.max_grad_norm).item()
    if not math.isfinite(norm):
        raise NotFinite("The gradient", step + 1, [i for comparison in batch for i in comparison.ids])
    optimizer.step()
    return {
        "loss": loss_sum / weight,
        "accuracy": counts.accuracy,
        "margin": counts.mean_margin,
        "grad_norm": norm,
        "tokens": sum(comparison.tokens for comparison in batch),
    }


def _restore(trained: dict[str, nn.Parameter], optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(saved["trained"][name])
    optimizer.load_state_dict(saved["optimizer"])
    set_rng_state(saved["rng"])
