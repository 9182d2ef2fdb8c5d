"""The two runs an outside calls: train a reward model, train a policy. Both resume by themselves."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from training.engine.checkpoints import clear_checkpoints
from training.engine.errors import NothingToTrainOn
from training.engine.evaluation import (
    Draw,
    dpo_margins,
    draw_for_evaluation,
    kl_from_reference,
    length_drift,
    reward_accuracy,
)
from training.engine.folders import folder_hash, sweep_partial
from training.engine.losses import PairCounts, over_judgments, tie_strength
from training.engine.models import can_pack, merged, save_model
from training.engine.packing import EncodedComparison, EncodingReport, encode_rankings
from training.engine.policy import ReferenceLogps, as_reference, completion_logps, dpo_loss, new_policy
from training.engine.ranking import Messages, Ranking, tie_share
from training.engine.reward import new_reward_model, rewards_of
from training.engine.run_folder import RESULT, fingerprint_of, finished_result, write_json
from training.engine.settings import PolicySettings, RewardSettings, _TrainingSettings
from training.engine.training_loop import Log, Progress, Stop, Watcher, train
from training.engine.versions import default_device, library_versions


@dataclass(frozen=True)
class RewardResult:
    """path: a folder `AutoModelForSequenceClassification` loads. metrics: plain values for JSON."""

    path: Path
    metrics: dict[str, Any]


@dataclass(frozen=True)
class PolicyResult:
    """path: a folder `AutoModelForCausalLM` loads, the adapter merged in. adapter_path: the adapter alone, for
    `peft.PeftModel.from_pretrained(base, adapter_path)`. metrics: plain values for JSON."""

    path: Path
    adapter_path: Path
    metrics: dict[str, Any]


@dataclass
class _Run:
    """What both runs share: who watches, where it writes, what identifies it, when it began."""

    kind: str
    base: Path
    folder: Path
    settings: _TrainingSettings
    watcher: Watcher
    base_hash: str
    fingerprint: str
    started: float

    @classmethod
    def begin(
        cls,
        kind: str,
        base: Path,
        rankings: Sequence[Ranking],
        heldout: Sequence[Ranking],
        settings: _TrainingSettings,
        folder: Path,
        watcher: Watcher,
    ) -> "_Run":
        started = time.monotonic()
        watcher.progress(0, 1, {"phase": "loading"})
        base_hash = folder_hash(Path(base))
        fingerprint = fingerprint_of(kind, base_hash, rankings, heldout, settings)
        return cls(kind, Path(base), Path(folder), settings, watcher, base_hash, fingerprint, started)

    def stored(self) -> dict[str, Any] | None:
        """The metrics of this very run if it has already ended here."""
        result = finished_result(self.folder, self.fingerprint)
        if result is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            sweep_partial(self.folder)
            return None
        self.watcher.log("This run has already ended here; its stored result is returned.")
        return dict(result["metrics"])

    def encode(
        self, tokenizer: Any, rankings: Sequence[Ranking], *, end_unfinished: bool
    ) -> tuple[list[EncodedComparison], EncodingReport, float]:
        """Tokens of the training rankings, what was left out, and Davidson's ν."""
        length = self.settings.max_length
        comparisons, report = encode_rankings(tokenizer, rankings, length, end_unfinished=end_unfinished)
        if not comparisons:
            raise NothingToTrainOn(f"None of the {len(rankings)} rankings can be trained on: {report.as_dict()}.")
        given = self.settings.tie_nu
        nu = tie_strength(tie_share(rankings)) if given is None else given
        self.watcher.log(
            f"{report.rankings} rankings of {report.comparisons} comparisons; {len(report.shortened)} prompts "
            f"shortened, {len(report.too_long)} rankings too long, {len(report.no_pairs)} without a pair; "
            f"tie parameter {nu:.3g}."
        )
        return comparisons, report, nu

    def can_pack(self, model: Any) -> bool:
        packed = can_pack(model, next(model.parameters()).device)
        if not packed:
            self.watcher.log("This model's attention ignores the block mask: one row a completion, slower.")
        return packed

    def steps(self, comparisons: Sequence[EncodedComparison]) -> int:
        return self.settings.epochs * -(-len(comparisons) // self.settings.batch_size)

    def train(
        self,
        model: Any,
        comparisons: Sequence[EncodedComparison],
        loss_of: Callable[[EncodedComparison], tuple[Tensor, PairCounts]],
    ) -> list[dict[str, Any]]:
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
        self.watcher.log(f"Training {trained:,} weights for {self.steps(comparisons)} steps.")
        return train(
            model,
            comparisons,
            loss_of,
            self.settings,
            checkpoints=self.folder / "checkpoints",
            fingerprint=self.fingerprint,
            watcher=self.watcher,
        )

    def phase(self, name: str, steps: int) -> None:
        self.watcher.stop_if_asked()
        self.watcher.progress(steps, steps, {"phase": name})

    def end(self, path: Path, metrics: dict[str, Any]) -> dict[str, Any]:
        """Store the result, then drop the checkpoints: a crash in between only leaves them behind."""
        metrics = {
            **metrics,
            "seconds": time.monotonic() - self.started,
            "settings": self.settings.as_dict(),
            "versions": library_versions(),
            "device": str(default_device()),
            "base_hash": self.base_hash,
            "model_hash": folder_hash(path),
        }
        write_json(self.folder / RESULT, {"kind": self.kind, "fingerprint": self.fingerprint, "metrics": metrics})
        clear_checkpoints(self.folder / "checkpoints")
        self.watcher.log(f"Done in {metrics['seconds']:.0f} s.")
        return metrics


def train_reward_model(
    base: Path,
    rankings: Sequence[Ranking],
    heldout: Sequence[Ranking],
    settings: RewardSettings,
    folder: Path,
    progress: Progress | None = None,
    should_stop: Stop | None = None,
    log: Log | None = None,
) -> RewardResult:
    """Train a reward model from the language model in `base`; save it as `folder`/reward.

    Called again with the same arguments after a crash or a cancel, it goes on from the newest checkpoint in
    `folder`; after its end it returns the stored result at once. Checkpoints of other settings or data are
    ignored; a finished result of others raises `EngineError`.

    progress(step, of, metrics): metrics["phase"] is "loading", "training" (with loss, accuracy, margin,
    learning_rate, grad_norm, tokens_per_second, seconds_left, epoch), "evaluating" (with done and of rankings,
    prompts or answers, and seconds_left, of the measurement it is at) or "saving".

    Metrics of the result: "heldout" (see `reward_accuracy`), "history" (a dict a step), "encoding" (what was
    shortened or left out), "tie_nu", "packed", "seconds", "settings", "versions", "base_hash", "model_hash".

    Raises `Cancelled`, `NotFinite`, `NothingToTrainOn`, `NoSpace`, `MissingModel`, `UnsupportedModel`.
    """
    watcher = Watcher.of(progress, should_stop, log)
    run = _Run.begin("reward", base, rankings, heldout, settings, folder, watcher)
    stored = run.stored()
    if stored:
        return RewardResult(run.folder / "reward", stored)
    model, tokenizer = new_reward_model(run.base, settings, default_device())
    packed = run.can_pack(model)
    comparisons, report, nu = run.encode(tokenizer, rankings, end_unfinished=True)

    def loss_of(comparison: EncodedComparison) -> tuple[Tensor, PairCounts]:
        rewards = rewards_of(model, comparison, packed=packed)
        return over_judgments(rewards, comparison.ranks_and_weights, tie=settings.tie, nu=nu)

    history = run.train(model, comparisons, loss_of)
    run.phase("evaluating", len(history))
    measured = reward_accuracy(model, tokenizer, heldout, max_length=settings.max_length, watcher=watcher)
    run.phase("saving", len(history))
    path = save_model(merged(model), tokenizer, run.folder / "reward")
    metrics = {
        "heldout": measured,
        "history": history,
        "encoding": report.as_dict(),
        "tie_nu": nu,
        "packed": packed,
    }
    return RewardResult(path, run.end(path, metrics))


def train_policy(
    base: Path,
    rankings: Sequence[Ranking],
    heldout: Sequence[Ranking],
    settings: PolicySettings,
    folder: Path,
    progress: Progress | None = None,
    should_stop: Stop | None = None,
    log: Log | None = None,
) -> PolicyResult:
    """Train a policy by DPO with LoRA from the language model in `base`, the frozen base as reference.

    Saves `folder`/policy (merged, loads with plain transformers) and `folder`/adapter. Resumes, progress and errors
    as in `train_reward_model`; there is one more phase, "reference" (with "done" and "of" comparisons).

    Metrics of the result: "heldout" (see `dpo_margins`), "kl" (see `kl_from_reference`), "length" (see
    `length_drift`), "samples" (a list of {"prompt", "before", "after"} on held-out prompts), "history", "encoding",
    "tie_nu", "packed", "seconds", "settings", "versions", "base_hash", "model_hash".
    """
    watcher = Watcher.of(progress, should_stop, log)
    run = _Run.begin("policy", base, rankings, heldout, settings, folder, watcher)
    stored = run.stored()
    if stored:
        return PolicyResult(run.folder / "policy", run.folder / "adapter", stored)
    model, tokenizer = new_policy(run.base, settings, default_device())
    packed = run.can_pack(model)
    comparisons, report, nu = run.encode(tokenizer, rankings, end_unfinished=False)
    reference = ReferenceLogps(run.folder / "reference.json", run.base_hash)
    reference.fill(model, comparisons, watcher, packed=packed, steps=run.steps(comparisons))

    def loss_of(comparison: EncodedComparison) -> tuple[Tensor, PairCounts]:
        logps = completion_logps(model, comparison, packed=packed)
        return dpo_loss(logps, reference.of(comparison), comparison, settings, nu)

    history = run.train(model, comparisons, loss_of)
    run.phase("evaluating", len(history))
    measured = _evaluate_policy(model, tokenizer, heldout, settings, watcher)
    run.phase("saving", len(history))
    adapter_path = save_model(model, tokenizer, run.folder / "adapter")
    path = save_model(merged(model), tokenizer, run.folder / "policy")
    metrics = {
        **measured,
        "history": history,
        "encoding": report.as_dict(),
        "tie_nu": nu,
        "packed": packed,
    }
    return PolicyResult(path, adapter_path, run.end(path, metrics))


def _evaluate_policy(
    model: Any, tokenizer: Any, heldout: Sequence[Ranking], settings: PolicySettings, watcher: Watcher
) -> dict[str, Any]:
    """Margins on held-out rankings; KL, length drift and samples on the first few held-out prompts."""
    by_prompt = {ranking.prompt_key: ranking.prompt_messages for ranking in heldout}
    prompts = list(by_prompt.values())[: settings.evaluation_prompts]

    def drawn() -> list[Draw]:
        return draw_for_evaluation(
            model, tokenizer, prompts, max_new_tokens=settings.evaluation_tokens, seed=settings.seed, watcher=watcher
        )

    model.eval()
    watcher.log(f"Drawing answers to {len(prompts)} held-out prompts before training, then after it.")
    with as_reference(model):
        before = drawn()
    after = drawn()
    watcher.log("Measuring margins on held-out rankings, then the KL of the answers drawn.")
    return {
        "heldout": dpo_margins(model, tokenizer, heldout, settings, watcher),
        "kl": kl_from_reference(model, tokenizer, prompts, after, watcher=watcher),
        "length": length_drift(before, after),
        "samples": _samples(prompts, before, after),
    }


def _samples(prompts: Sequence[Messages], before: Sequence[Draw], after: Sequence[Draw]) -> list[dict[str, Any]]:
    def first(draws: Sequence[Draw], number: int) -> str:
        return next(d.text for d in draws if d.prompt == number)

    return [
        {"prompt": messages, "before": first(before, number), "after": first(after, number)}
        for number, messages in enumerate(prompts)
    ]
