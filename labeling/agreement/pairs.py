"""Rankings become votes on pairs: the form in which every agreement statistic reads judgments."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Ties = Literal["count", "drop"]

FIRST_BETTER, TIE, SECOND_BETTER = 1, 0, -1


@dataclass(frozen=True, eq=False)
class PairVotes:
    """Votes, one entry a (pair of completions, annotator); all arrays have shape (N,), missing votes have no entry.

    unit: code 0..U-1 of a pair (comparison, i, j), i < j in canonical order; for K = 2 it is the comparison.
    annotator: index into `annotator_names`.
    label: +1 first better, -1 second better, 0 tie; ordered -1 < 0 < 1. (The statistics take any numbers.)
    cluster: code of the prompt. Pairs of one prompt depend on each other, so intervals resample prompts.
    comparison: index into `comparison_names`.
    """

    unit: Ints
    annotator: Ints
    label: Floats
    cluster: Ints
    comparison: Ints
    annotator_names: tuple[Hashable, ...]
    comparison_names: tuple[Hashable, ...]

    def __len__(self) -> int:
        return len(self.unit)

    def select(self, keep: NDArray[np.bool_]) -> PairVotes:
        """The votes where `keep` (N,) is true; codes keep their meaning, so some may no longer occur."""
        names = ("unit", "annotator", "label", "cluster", "comparison")
        return replace(self, **{name: getattr(self, name)[keep] for name in names})

    def under(self, ties: Ties) -> PairVotes:
        """ties="count": all votes, a tie being an answer of its own. ties="drop": tie votes count as missing."""
        if ties == "count":
            return self
        if ties == "drop":
            return self.select(self.label != TIE)
        raise ValueError(f'ties must be "count" or "drop", not {ties!r}.')


def explode(
    comparison: ArrayLike,
    annotator: ArrayLike,
    ranks: ArrayLike,
    prompt: ArrayLike | None = None,
) -> PairVotes:
    """Explode N rankings into votes on pairs.

    comparison, annotator, prompt: (N,) ids, numbers or strings; without `prompt` each comparison is its own cluster.
    ranks: (N, Kmax) in canonical order, 1 = best, equal = tie, NaN = not ranked or beyond this comparison's K.
    A pair with an unranked completion gives no vote. Only the order of ranks matters.

    Raises ValueError on mismatched lengths, K < 2, infinite ranks, two judgments of a comparison by one annotator
    (pass only the latest revision), or a comparison that appears under two prompts.
    """
    comparison_names, comparisons = _codes(comparison)
    annotator_names, annotators = _codes(annotator)
    clusters = comparisons if prompt is None else _codes(prompt)[1]
    matrix = np.asarray(ranks, dtype=np.float64)
    if matrix.size == 0 and not len(comparisons):
        matrix = np.empty((0, 2))
    _check_rankings(matrix, comparisons, annotators, clusters, comparison_names, annotator_names)
    labels, present = _pair_labels(matrix)
    row, pair = np.nonzero(present)
    unit = np.unique(comparisons[row] * labels.shape[1] + pair, return_inverse=True)[1]
    return PairVotes(
        unit=unit.astype(np.int64),
        annotator=annotators[row],
        label=labels[row, pair].astype(np.float64),
        cluster=clusters[row],
        comparison=comparisons[row],
        annotator_names=annotator_names,
        comparison_names=comparison_names,
    )


def votes_from_rows(rows: Iterable[Sequence[Any]]) -> PairVotes:
    """Votes from rows (comparison, annotator, ranks[, prompt]); ranks is a list of numbers or None for not ranked.

    Raises ValueError as `explode` does, and when two rows of a comparison have ranks of different lengths.
    """
    comparisons: list[Hashable] = []
    annotators: list[Hashable] = []
    prompts: list[Hashable] = []
    ranks: list[Sequence[float | None]] = []
    length: dict[Hashable, int] = {}
    for comparison, annotator, ranking, *prompt in rows:
        if length.setdefault(comparison, len(ranking)) != len(ranking):
            raise ValueError(
                f"Comparison {comparison!r}: annotator {annotator!r} ranked {len(ranking)} completions, "
                f"someone else {length[comparison]}; every judgment of a comparison has one rank a completion."
            )
        if len(ranking) < 2:
            raise ValueError(f"Comparison {comparison!r}: a ranking needs at least two completions.")
        comparisons.append(comparison)
        annotators.append(annotator)
        prompts.append(prompt[0] if prompt else comparison)
        ranks.append(ranking)
    matrix = np.full((len(ranks), max(map(len, ranks), default=2)), np.nan)
    for row, ranking in enumerate(ranks):
        matrix[row, : len(ranking)] = [np.nan if rank is None else rank for rank in ranking]
    return explode(_ids(comparisons), _ids(annotators), matrix, _ids(prompts))


def votes_from_labels(
    unit: ArrayLike, annotator: ArrayLike, label: ArrayLike, cluster: ArrayLike | None = None
) -> PairVotes:
    """Votes that are labels already: unit, annotator, cluster (N,) ids; label (N,) numbers, NaN = missing.

    Each unit is its own comparison, and its own cluster when `cluster` is None.
    Raises ValueError when an annotator labels a unit twice or lengths differ.
    """
    unit_names, units = _codes(unit)
    annotator_names, annotators = _codes(annotator)
    clusters = units if cluster is None else _codes(cluster)[1]
    labels = np.asarray(label, dtype=np.float64)
    _check_rankings(labels[:, None], units, annotators, clusters, unit_names, annotator_names, least=1)
    votes = PairVotes(units, annotators, labels, clusters, units, annotator_names, unit_names)
    return votes.select(~np.isnan(labels))


def unit_counts(votes: PairVotes) -> tuple[Floats, Ints, Floats]:
    """Counts (U', V) of votes by unit and category, the cluster of each unit (U',), the categories (V,), ascending.

    Units without a vote do not appear.
    """
    categories, category = np.unique(votes.label, return_inverse=True)
    units, first, unit = np.unique(votes.unit, return_index=True, return_inverse=True)
    width = len(categories)
    counts = np.bincount(unit * width + category, minlength=len(units) * width)
    return counts.reshape(len(units), width).astype(np.float64), votes.cluster[first], categories


def _pair_labels(ranks: Floats) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Labels (N, K(K-1)/2) and whether both completions of the pair are ranked; one column a pair saves memory."""
    first, second = np.triu_indices(ranks.shape[1], k=1)
    labels = np.zeros((len(ranks), len(first)), dtype=np.int8)
    present = np.zeros(labels.shape, dtype=bool)
    for column, (i, j) in enumerate(zip(first, second, strict=True)):
        difference = ranks[:, j] - ranks[:, i]
        present[:, column] = ~np.isnan(difference)
        labels[:, column] = np.sign(np.nan_to_num(difference))
    return labels, present


def _check_rankings(
    ranks: Floats,
    comparison: Ints,
    annotator: Ints,
    cluster: Ints,
    comparison_names: tuple[Hashable, ...],
    annotator_names: tuple[Hashable, ...],
    least: int = 2,
) -> None:
    if ranks.ndim != 2 or ranks.shape[1] < least:
        raise ValueError(f"Ranks must be a matrix (judgments, K) with K >= 2; their shape is {ranks.shape}.")
    if not len(ranks) == len(comparison) == len(annotator) == len(cluster):
        lengths = f"{len(ranks)}, {len(comparison)}, {len(annotator)}, {len(cluster)}"
        raise ValueError(f"Ranks, comparisons, annotators and prompts have different lengths: {lengths}.")
    if np.isinf(ranks).any():
        row = int(np.isinf(ranks).any(axis=1).argmax())
        raise ValueError(f"Judgment {row}: a rank is infinite; use a number, or NaN for not ranked.")
    judgment, first, times = np.unique(
        comparison * (len(annotator_names) + 1) + annotator, return_index=True, return_counts=True
    )
    if len(judgment) < len(ranks):
        row = first[times.argmax()]
        raise ValueError(
            f"Annotator {annotator_names[annotator[row]]!r} judged {comparison_names[comparison[row]]!r} more than "
            "once; pass only the latest revision of a judgment."
        )
    _, first, inverse = np.unique(comparison, return_index=True, return_inverse=True)
    strays = np.flatnonzero(cluster[first][inverse] != cluster)
    if len(strays):
        name = comparison_names[comparison[strays[0]]]
        raise ValueError(f"Comparison {name!r} appears under two prompts; a comparison belongs to one.")


def _codes(ids: ArrayLike) -> tuple[tuple[Hashable, ...], Ints]:
    """Distinct ids in ascending order, and the index (N,) of each id among them."""
    array = np.asarray(ids)
    if array.dtype != object:
        names, codes = np.unique(array, return_inverse=True)
        return tuple(names.tolist()), codes.astype(np.int64)
    distinct = set(array.tolist())
    try:
        ordered = sorted(distinct)
    except TypeError:  # ids of mixed types have no order of their own
        ordered = sorted(distinct, key=lambda name: (type(name).__name__, str(name)))
    index = {name: code for code, name in enumerate(ordered)}
    return tuple(ordered), np.fromiter((index[name] for name in array.tolist()), np.int64, len(array))


def _ids(ids: list[Hashable]) -> NDArray[Any]:
    """An object array, so that NumPy neither joins 1 with "1" nor unpacks tuples."""
    return np.fromiter(ids, dtype=object, count=len(ids))
