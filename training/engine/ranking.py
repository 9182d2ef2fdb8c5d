"""What a person said about K completions of one prompt."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from training.engine.errors import BadRanking

Messages = list[dict[str, str]]
TieModel = Literal["davidson", "half", "drop"]  # what a tie teaches; see losses.py
TIE_MODELS: tuple[TieModel, ...] = get_args(TieModel)


@dataclass(frozen=True)
class Ranking:
    """One judgment: a prompt, its K completions, and their ranks.

    prompt_messages  chat turns so far, each {"role": …, "content": …}; the last one is the user's
    completions      K ≥ 2 texts, all different; an empty one is an answer that ended at once
    ranks            K entries: 1 is best, equal numbers are a tie, None was not ranked and gives no pair
    weight           how much this judgment counts in the loss; finite and above 0
    annotator        who said it (reports only)
    id               names the ranking in errors and reports
    finished         for each completion whether the model ended it itself; one that was cut off at the sampling
                     limit is scored by the policy without its end-of-turn token, so that DPO does not teach the
                     model to stop in mid-sentence. None: all finished.

    Raises `BadRanking`, naming the ranking and the field.
    """

    prompt_messages: Messages
    completions: list[str]
    ranks: list[int | None]
    weight: float = 1.0
    annotator: str | None = None
    id: str = ""
    finished: list[bool] | None = None

    def __post_init__(self) -> None:
        self._check_prompt()
        self._check_completions()
        self._check_ranks()
        if not (math.isfinite(self.weight) and self.weight > 0):
            self._fail("weight", f"must be a finite number above 0, not {self.weight}")

    def _fail(self, field: str, problem: str) -> None:
        raise BadRanking(f"Ranking {self.id or '(no id)'}: {field} {problem}.")

    def _check_prompt(self) -> None:
        if not self.prompt_messages:
            self._fail("prompt_messages", "is empty")
        for number, message in enumerate(self.prompt_messages, 1):
            if not isinstance(message.get("role"), str) or not isinstance(message.get("content"), str):
                self._fail("prompt_messages", f"turn {number} needs a text role and a text content")

    def _check_completions(self) -> None:
        if len(self.completions) < 2:
            self._fail("completions", f"needs at least two, not {len(self.completions)}")
        if len(set(self.completions)) < len(self.completions):
            self._fail("completions", "holds the same text twice")
        if self.finished is not None and len(self.finished) != len(self.completions):
            self._fail("finished", f"has {len(self.finished)} entries for {len(self.completions)} completions")

    def _check_ranks(self) -> None:
        if len(self.ranks) != len(self.completions):
            self._fail("ranks", f"has {len(self.ranks)} entries for {len(self.completions)} completions")
        for rank in self.ranks:
            if rank is not None and (isinstance(rank, bool) or not isinstance(rank, int) or rank < 1):
                self._fail("ranks", f"must be whole numbers from 1 (or None for not ranked), not {rank!r}")

    @property
    def prompt_key(self) -> str:
        """The prompt as one text, equal for equal prompts: the cluster of every bootstrap."""
        return "\x1e".join(f"{m['role']}\x1f{m['content']}" for m in self.prompt_messages)

    @property
    def gives_pairs(self) -> bool:
        """Whether at least two completions were ranked."""
        return sum(rank is not None for rank in self.ranks) >= 2


def pairs(ranks: Sequence[int | None]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """All pairs of ranked completions: (winner, loser) index pairs, and tied pairs (i < j).

    With m ranked completions there are C(m, 2) pairs in all. A completion that was not ranked (None) is in no
    pair: the annotator said nothing about it, and "not ranked" does not mean "worst".
    """
    ordered, tied = [], []
    for i, left in enumerate(ranks):
        for j in range(i + 1, len(ranks)):
            right = ranks[j]
            if left is None or right is None:
                continue
            if left == right:
                tied.append((i, j))
            else:
                ordered.append((i, j) if left < right else (j, i))
    return ordered, tied


def tie_share(rankings: Sequence[Ranking]) -> float:
    """Share of tied pairs among all pairs of the rankings, each ranking counting 1 (0 without any pair)."""
    shares = []
    for ranking in rankings:
        ordered, tied = pairs(ranking.ranks)
        if ordered or tied:
            shares.append(len(tied) / (len(ordered) + len(tied)))
    return sum(shares) / len(shares) if shares else 0.0
