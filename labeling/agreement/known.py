"""What somebody said beside what is known to be right, and beside what they said before."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from labeling.agreement.bootstrap import figure_with_interval
from labeling.agreement.figure import Figure, undefined
from labeling.agreement.kappa import cohen_kappa
from labeling.agreement.pairs import Floats, votes_from_rows
from labeling.agreement.sums import sum_by

Ranks = Sequence[int | None]
Row = tuple[Hashable, Ranks, Ranks]
"""(prompt, what was said, what is known or was said before): two rankings of the same completions."""

ACCURACY = "share of pairs with a strict known preference that were ordered the same way"
CONSISTENCY = "share of pairs that were said the same both times"
NO_KNOWN_PAIR = "No item with a known preference has been judged yet."
NOTHING_TWICE = "Nothing has been ranked twice yet."
NO_COMMON_PAIR = "No pair of completions was ranked both in the known answer and by the person."
ONLY_TIES = "Every pair is a tie both times, so chance alone would explain the agreement and kappa does not exist."


def right_of(said: Ranks, known: Ranks) -> tuple[int, int]:
    """How many pairs with a strict known preference there are, and how many of them `said` orders the same way.

    Returns (right, strict). A pair that was tied or left out is not right: the preference was there to be seen.
    """
    right = strict = 0
    for first, second in combinations(range(len(known)), 2):
        wanted = _vote(known, first, second)
        if wanted:
            strict += 1
            right += _vote(said, first, second) == wanted
    return right, strict


def same_of(said: Ranks, before: Ranks) -> tuple[int, int]:
    """(alike, both): of the pairs that both rankings say something about, how many they say the same about.

    A tie is an answer of its own.
    """
    alike = both = 0
    for first, second in combinations(range(len(before)), 2):
        one, other = _vote(said, first, second), _vote(before, first, second)
        if one is not None and other is not None:
            both += 1
            alike += one == other
    return alike, both


def accuracy_on_known(rows: Iterable[Row]) -> Figure:
    """Pairs ordered as known ÷ pairs with a strict known preference, pooled; the interval resamples prompts."""
    return _share(rows, right_of, ACCURACY, NO_KNOWN_PAIR)


def self_consistency(rows: Iterable[Row]) -> Figure:
    """Pairs said the same both times ÷ pairs said both times, pooled; the interval resamples prompts."""
    return _share(rows, same_of, CONSISTENCY, NOTHING_TWICE)


def kappa_with_known(rows: Iterable[Row]) -> Figure:
    """Cohen's kappa (Cohen 1960) of a person with the known answers over all pairs, ties included.

    Each pair counts in both directions, so that it does not matter which completion stands first in the data: files
    that list the preferred one first would otherwise have kappa near 0 whatever the person says. Without ties on
    either side it is 2 · accuracy − 1. Undefined when no pair was ranked in both, or both say only ties.
    """
    votes = []
    for item, (prompt, said, known) in enumerate(rows):
        for turn, order in enumerate((1, -1)):
            votes.append((2 * item + turn, "said", list(said)[::order], str(prompt)))
            votes.append((2 * item + turn, "known", list(known)[::order], str(prompt)))
    figure = cohen_kappa(votes_from_rows(votes), "known", "said")
    if figure.value is None:
        because = ONLY_TIES if figure.n else NO_COMMON_PAIR
        return undefined(because, method=figure.method, n=figure.n // 2, n_unit="pairs")
    return replace(figure, n=figure.n // 2, units=figure.n // 2, n_unit="pairs")


def _vote(ranks: Ranks, first: int, second: int) -> int | None:
    """1: the first is better, −1: the second, 0: a tie; None: one of them is not ranked."""
    one, other = ranks[first], ranks[second]
    return None if one is None or other is None else (one < other) - (one > other)


def _share(rows: Iterable[Row], count: Callable[[Ranks, Ranks], tuple[int, int]], method: str, nothing: str) -> Figure:
    prompts: dict[Hashable, int] = {}
    counted = [(prompts.setdefault(prompt, len(prompts)), *count(said, known)) for prompt, said, known in rows]
    table = np.array([row for row in counted if row[2]], dtype=np.float64).reshape(-1, 3)
    if not len(table):
        return undefined(nothing, method=method, n_unit="pairs")
    _, statistics = sum_by(table[:, 0].astype(np.int64), table[:, 1:])
    n = int(table[:, 2].sum())
    return figure_with_interval(statistics, _shares, n=n, n_unit="pairs", method=method, no_variation=nothing, units=n)


def _shares(statistics: Floats) -> tuple[Floats, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = statistics[..., 0] / statistics[..., 1]
    return observed, np.zeros_like(observed)
