"""One packed row a comparison: the prompt once, its K completions after it.

    tokens     p0 p1 p2 | a0 a1 a2 | b0 b1
    positions   0  1  2 |  3  4  5 |  3  4      positions restart after the prompt
    mask       each completion sees the prompt and itself, causally, and no other completion

Rewards, log-probabilities and gradients equal those of K separate sequences (tested to 1e-5 in fp32), while the
prompt is computed once: K(P + C) / (P + KC) times fewer tokens. Cf. prefix sharing, arXiv 2410.20305, for K = 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from training.engine.ranking import Ranking
from training.engine.tokens import encode_completion, encode_prompt

MIN_PROMPT_TOKENS = 16  # a prompt shortened below this no longer says what was asked


@dataclass(frozen=True)
class Row:
    """One row for the model, and where its completions lie. L tokens, K completions, T predicted tokens.

    input_ids       (1, L) long
    position_ids    (1, L) long
    mask            (1, 1, L, L) bool, True = may be attended to; None for a plain row (one completion, causal)
    spans           K pairs [start, end) of each completion
    ends            (K,) index of each completion's last token: where the reward is read
    predict_from    (T,) index whose logits predict …
    targets         (T,) … this token
    owner           (T,) which completion (0 … K−1) the token belongs to
    """

    input_ids: Tensor
    position_ids: Tensor
    mask: Tensor | None
    spans: list[tuple[int, int]]
    ends: Tensor
    predict_from: Tensor
    targets: Tensor
    owner: Tensor

    def to(self, device: torch.device | str) -> "Row":
        moved: dict[str, Any] = {n: v.to(device) for n, v in self.__dict__.items() if isinstance(v, Tensor)}
        return replace(self, **moved)

    @property
    def model_inputs(self) -> dict[str, Any]:
        return {
            "input_ids": self.input_ids,
            "attention_mask": self.mask,
            "position_ids": self.position_ids,
            "use_cache": False,
        }


@dataclass(frozen=True)
class Judged:
    """What one judgment says about a comparison's completions."""

    ranks: tuple[int | None, ...]
    weight: float
    id: str


@dataclass(frozen=True)
class EncodedComparison:
    """A prompt and K completions as tokens, with every judgment of them: one forward serves them all."""

    prompt: tuple[int, ...]
    completions: tuple[tuple[int, ...], ...]
    judgments: tuple[Judged, ...]
    prompt_key: str

    @property
    def tokens(self) -> int:
        return len(self.prompt) + sum(map(len, self.completions))

    @property
    def weight(self) -> float:
        return sum(judgment.weight for judgment in self.judgments)

    @property
    def lengths(self) -> list[int]:
        return [len(completion) for completion in self.completions]

    @property
    def ranks_and_weights(self) -> list[tuple[tuple[int | None, ...], float]]:
        return [(judgment.ranks, judgment.weight) for judgment in self.judgments]

    @property
    def ids(self) -> list[str]:
        return [judgment.id for judgment in self.judgments]


@dataclass
class EncodingReport:
    """What became of the rankings on their way to tokens; goes into every run's report."""

    rankings: int = 0
    comparisons: int = 0
    shortened: list[str] = field(default_factory=list)  # prompt cut at its front
    too_long: list[str] = field(default_factory=list)  # left out: a completion alone fills the limit
    no_pairs: list[str] = field(default_factory=list)  # left out: fewer than two completions ranked

    def as_dict(self) -> dict[str, Any]:
        return {
            "rankings": self.rankings,
            "comparisons": self.comparisons,
            "shortened_prompts": len(self.shortened),
            "left_out_too_long": len(self.too_long),
            "left_out_too_long_ids": self.too_long[:100],
            "left_out_no_pairs": len(self.no_pairs),
        }


def shorten_prompt(prompt: Sequence[int], longest_completion: int, max_length: int) -> list[int] | None:
    """Cut the prompt at its FRONT so that prompt and longest completion fit `max_length`; None if they cannot.

    The end of a prompt holds the question, its front the oldest turns. A completion is never cut.
    """
    room = max_length - longest_completion
    if room >= len(prompt):
        return list(prompt)
    return list(prompt[-room:]) if room >= MIN_PROMPT_TOKENS else None


def encode_rankings(
    tokenizer: Any, rankings: Sequence[Ranking], max_length: int, *, end_unfinished: bool = True
) -> tuple[list[EncodedComparison], EncodingReport]:
    """Tokens of all rankings; judgments of the same completions of the same prompt share one comparison.

    max_length      limit of prompt plus longest completion, in tokens (positions restart, so this is what the
                    model sees, however many completions there are)
    end_unfinished  whether completions cut off at the sampling limit get the end-of-turn token too: yes for the
                    reward model, which reads the reward there; no for the policy
    """
    report = EncodingReport()
    found: dict[tuple[str, tuple[str, ...], tuple[bool, ...]], EncodedComparison] = {}
    for ranking in rankings:
        if not ranking.gives_pairs:
            report.no_pairs.append(ranking.id)
            continue
        ends = tuple(end_unfinished or done for done in ranking.finished or [True] * len(ranking.completions))
        key = (ranking.prompt_key, tuple(ranking.completions), ends)
        judged = Judged(tuple(ranking.ranks), ranking.weight, ranking.id)
        known = found.get(key)
        if known:
            found[key] = EncodedComparison(
                known.prompt, known.completions, (*known.judgments, judged), known.prompt_key
            )
        else:
            completions = tuple(
                tuple(encode_completion(tokenizer, text, finished=end))
                for text, end in zip(ranking.completions, ends, strict=True)
            )
            prompt = encode_prompt(tokenizer, ranking.prompt_messages)
            kept = shorten_prompt(prompt, max(map(len, completions)), max_length)
            if kept is None:
                report.too_long.append(ranking.id)
                continue
            if len(kept) < len(prompt):
                report.shortened.append(ranking.id)
            found[key] = EncodedComparison(tuple(kept), completions, (judged,), ranking.prompt_key)
        report.rankings += 1
    report.comparisons = len(found)
    return list(found.values()), report


def pack(prompt: Sequence[int], completions: Sequence[Sequence[int]]) -> Row:
    """Lay a prompt (P tokens) and K completions out as one `Row` of L = P + ΣC tokens."""
    start = len(prompt)
    ids, positions = list(prompt), list(range(start))
    block = [-1] * start  # −1: the prompt, which everyone sees; k: completion k, which only k sees
    spans, predict_from, owner = [], [], []
    for k, completion in enumerate(completions):
        first = len(ids)
        ids += completion
        positions += range(start, start + len(completion))
        block += [k] * len(completion)
        spans.append((first, len(ids)))
        # the prompt's last token predicts every completion's first
        predict_from += [start - 1, *range(first, len(ids) - 1)]
        owner += [k] * len(completion)
    return Row(
        input_ids=torch.tensor([ids]),
        position_ids=torch.tensor([positions]),
        mask=_block_mask(torch.tensor(block)) if len(completions) > 1 else None,
        spans=spans,
        ends=torch.tensor([end - 1 for _, end in spans]),
        predict_from=torch.tensor(predict_from),
        targets=torch.tensor([token for completion in completions for token in completion]),
        owner=torch.tensor(owner),
    )


def _block_mask(block: Tensor) -> Tensor:
    """(L,) block of each token → (1, 1, L, L) bool: causal, within the own block and to the prompt (−1)."""
    sees = (block[None, :] == -1) | (block[None, :] == block[:, None])
    return sees.tril()[None, None]


def rows_of(comparison: EncodedComparison, *, packed: bool = True) -> list[Row]:
    """The comparison as one packed row, or as K plain rows for a model that cannot take the block mask.

    Either way the completions come in order, so callers concatenate what the rows give.
    """
    if packed:
        return [pack(comparison.prompt, comparison.completions)]
    return [pack(comparison.prompt, [completion]) for completion in comparison.completions]


def honours_block_mask(backbone: Any, device: torch.device | str = "cpu") -> bool:
    """Whether the model really uses our mask and positions: compare a small packed row with plain ones.

    `backbone` maps input_ids, attention_mask and position_ids to an output with `last_hidden_state`. Costs a
    forward of 24 tokens, and saves a training on silently wrong numbers. Needs at least 9 tokens of vocabulary.
    """
    prompt, completions = [1, 2, 3, 4, 5, 6, 7, 8], [[3, 1, 4, 1, 5], [2, 7, 1], [6, 2, 6, 5, 3, 5]]

    def last_states(row: Row) -> Tensor:
        row = row.to(device)
        return backbone(**row.model_inputs).last_hidden_state[0, row.ends].float()

    was_training = backbone.training
    backbone.eval()
    try:
        with torch.no_grad():
            together = last_states(pack(prompt, completions))
            alone = torch.cat([last_states(pack(prompt, [completion])) for completion in completions])
    except (RuntimeError, ValueError, TypeError, NotImplementedError, IndexError):
        return False  # some attention kernels refuse a 4-D mask outright
    finally:
        backbone.train(was_training)
    scale = alone.abs().mean().clamp_min(1e-6)
    # bf16 keeps three digits; a mask that is ignored is wrong by tens of percent
    return bool((together - alone).abs().mean() / scale < 0.02)
