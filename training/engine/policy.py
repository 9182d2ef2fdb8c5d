"""The policy: a language model trained by DPO with LoRA, against itself with the adapter off.

One copy of the weights serves both. DPO: Rafailov et al., arXiv 2305.18290.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from training.engine.errors import NotFinite
from training.engine.losses import PairCounts, best_completion_nll, implicit_rewards, over_judgments
from training.engine.models import add_adapter, load_model, load_tokenizer, precision
from training.engine.packing import EncodedComparison, Row, rows_of
from training.engine.run_folder import write_json
from training.engine.settings import PolicySettings
from training.engine.training_loop import Watcher


def new_policy(base: Path, settings: PolicySettings, device: torch.device) -> tuple[Any, Any]:
    """(peft model, tokenizer): the base with a fresh LoRA adapter, which starts out changing nothing."""
    from transformers import AutoModelForCausalLM

    model = load_model(AutoModelForCausalLM, base, device)
    return add_adapter(model, settings, task="CAUSAL_LM"), load_tokenizer(base)


def completion_logits(model: Any, row: Row) -> Tensor:
    """(T, vocabulary) fp32 logits at the T completion tokens of a row, and nowhere else."""
    with precision(row.input_ids.device):
        out = model(**row.model_inputs, logits_to_keep=row.predict_from)
    return out.logits[0].float()


def completion_logps(model: Any, comparison: EncodedComparison, *, packed: bool = True) -> Tensor:
    """(K,) Σ_t log π(y_t | x, y_<t) of a comparison's completions, with gradient; fp32."""
    device = next(model.parameters()).device
    found = []
    for row in rows_of(comparison, packed=packed):
        row = row.to(device)
        token_logps = -cross_entropy(completion_logits(model, row), row.targets, reduction="none")
        sums = torch.zeros(len(row.spans), device=device)
        found.append(sums.index_add(0, row.owner, token_logps))
    return torch.cat(found)


@contextmanager
def as_reference(model: Any) -> Iterator[Any]:
    """The same model with its adapter off, in evaluation mode and without gradients."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), model.disable_adapter():
            yield model
    finally:
        model.train(was_training)


def comparison_key(comparison: EncodedComparison, base_hash: str) -> str:
    """Names a comparison's reference log-probabilities by what they depend on: the model and the tokens."""
    what = json.dumps([base_hash, comparison.prompt, comparison.completions])
    return hashlib.sha256(what.encode()).hexdigest()[:32]


class ReferenceLogps:
    """log π_ref of every comparison, computed once, before training, and kept in the run's folder.

    A resumed run, or one whose file is damaged, computes only what is missing.
    """

    def __init__(self, path: Path, base_hash: str):
        self.path, self.base_hash = path, base_hash
        self._known: dict[str, list[float]] = {}
        if path.is_file():
            try:
                self._known = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                path.unlink()  # damaged: compute again

    def fill(
        self,
        model: Any,
        comparisons: Sequence[EncodedComparison],
        watcher: Watcher,
        *,
        packed: bool,
        steps: int,
    ) -> None:
        """Compute what is missing; `steps` is the run's length, for its progress bar. Raises `NotFinite`."""
        missing = [c for c in comparisons if comparison_key(c, self.base_hash) not in self._known]
        with as_reference(model):
            for number, comparison in enumerate(missing):
                watcher.stop_if_asked()
                watcher.progress(0, steps, {"phase": "reference", "done": number, "of": len(missing)})
                logps = completion_logps(model, comparison, packed=packed)
                if not bool(logps.isfinite().all()):
                    raise NotFinite("A reference log-probability", 0, comparison.ids)
                self._known[comparison_key(comparison, self.base_hash)] = logps.tolist()
        if missing:
            write_json(self.path, self._known)

    def of(self, comparison: EncodedComparison) -> list[float]:
        return self._known[comparison_key(comparison, self.base_hash)]


def dpo_loss(
    policy_logps: Tensor,
    reference: Sequence[float],
    comparison: EncodedComparison,
    settings: PolicySettings,
    nu: float,
) -> tuple[Tensor, PairCounts]:
    """DPO over all pairs of each judgment, plus `nll_weight` × the best completions' NLL a token.

    policy_logps (K,); reference: K numbers. Summed over the judgments, each times its weight.
    """
    lengths = torch.tensor(comparison.lengths, device=policy_logps.device, dtype=policy_logps.dtype)
    rewards = implicit_rewards(
        policy_logps,
        policy_logps.new_tensor(reference),
        settings.beta,
        lengths if settings.length_normalised else None,
    )
    loss, counts = over_judgments(rewards, comparison.ranks_and_weights, tie=settings.tie, nu=nu)
    if settings.nll_weight:
        for ranks, weight in comparison.ranks_and_weights:
            loss = loss + settings.nll_weight * weight * best_completion_nll(policy_logps, lengths, ranks)
    return loss, counts
