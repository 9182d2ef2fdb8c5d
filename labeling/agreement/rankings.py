"""Agreement of whole rankings: Kendall's tau-b, and how far the judges of one comparison are split."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from labeling.agreement import reasons
from labeling.agreement.bootstrap import REPLICATES, figure_with_interval
from labeling.agreement.figure import Figure, undefined
from labeling.agreement.pairs import Floats, Ints, PairVotes, explode, unit_counts
from labeling.agreement.sums import meetings, sum_by

METHOD = "mean pairwise Kendall tau-b (Kendall 1945)"


def mean_tau_b(votes: PairVotes, *, replicates: int = REPLICATES, seed: int = 0) -> Figure:
    """Mean over all pairs of judgments of the same comparison of Kendall's tau-b (Kendall 1945, Biometrika 33).

    tau-b = sum_p x_p y_p / sqrt(sum_p x_p² sum_p y_p²), x and y the two judges' labels (+1, 0, -1) on the pairs p
    of completions both ranked. Ties are corrected for by tau-b itself. A pair of judgments of which one ranks all
    completions equal has no tau-b and is left out; the note says how many. n counts pairs of judgments.
    For K = 2, tau-b is +1 or -1.
    """
    n_unit = "pairs of judgments"
    product, comparison, cluster = _judgment_products(votes)
    if not len(product):
        because = reasons.NOBODY_SHARES if len(votes) else reasons.NO_JUDGMENTS
        return undefined(because, method=METHOD, n_unit=n_unit)
    ordered = (product[:, 1] > 0) & (product[:, 2] > 0)
    flat = int((~ordered).sum())
    if not ordered.any():
        return undefined(reasons.ONLY_FLAT_RANKINGS, method=METHOD, n_unit=n_unit)
    tau = product[ordered, 0] / np.sqrt(product[ordered, 1] * product[ordered, 2])
    _, statistics = sum_by(cluster[ordered], np.stack([tau, np.ones(len(tau))], axis=1))
    pairs = "pair" if flat == 1 else "pairs"
    note = f"{flat} {pairs} of judgments left out: one of the two ranks everything equal." if flat else None
    return figure_with_interval(
        statistics,
        _shares,
        n=len(tau),
        n_unit=n_unit,
        units=len(np.unique(comparison[ordered])),
        method=METHOD,
        no_variation=reasons.ONLY_FLAT_RANKINGS,
        replicates=replicates,
        seed=seed,
        note=note,
    )


@dataclass(frozen=True, eq=False)
class Split:
    """How far the judges of each comparison are split; only comparisons with two judgments appear.

    comparisons: names (C,). disagreement: (C,) in 0..1. n: (C,) pairs of labels compared.
    """

    comparisons: tuple[Hashable, ...]
    disagreement: Floats
    n: Ints

    def most(self, limit: int) -> list[tuple[Hashable, float, int]]:
        """The `limit` comparisons people differ most on: (comparison, disagreement, n), most disputed first.

        Of equally disputed ones, those with more judgments come first.
        """
        order = np.lexsort((-self.n, -self.disagreement))[:limit]
        return [(self.comparisons[i], float(self.disagreement[i]), int(self.n[i])) for i in order]


def disagreement_by_comparison(votes: PairVotes) -> Split:
    """For each comparison the share of disagreeing labels among all pairs of judges, over its pairs of completions.

    0: all judges order all completions alike. Any two different labels disagree, a tie and a preference too.
    """
    counts, _, _ = unit_counts(votes)
    _, first = np.unique(votes.unit, return_index=True)
    size = counts.sum(axis=1)
    total = size * (size - 1) / 2
    disagreeing = total - (counts * (counts - 1) / 2).sum(axis=1)
    comparison, sums = sum_by(votes.comparison[first], np.stack([disagreeing, total], axis=1))
    shared = sums[:, 1] > 0
    names = tuple(votes.comparison_names[code] for code in comparison[shared])
    return Split(names, sums[shared, 0] / sums[shared, 1], sums[shared, 1].round().astype(np.int64))


def disagreement(ranks: ArrayLike) -> float | None:
    """Disagreement, 0..1, of the judges of one comparison: ranks (judges, K), NaN = not ranked. None below two."""
    matrix = np.asarray(ranks, dtype=np.float64)
    judges = np.arange(len(matrix))
    split = disagreement_by_comparison(explode(np.zeros_like(judges), judges, matrix))
    return float(split.disagreement[0]) if len(split.n) else None


def _judgment_products(votes: PairVotes) -> tuple[Floats, Ints, Ints]:
    """For each pair of judgments that meet: sums of x y, x², y² (P, 3); their comparison and cluster (P,)."""
    one, other = meetings(votes.unit)
    swap = votes.annotator[one] > votes.annotator[other]
    first, second = np.where(swap, other, one), np.where(swap, one, other)
    many = len(votes.annotator_names)
    key = (votes.comparison[first] * many + votes.annotator[first]) * many + votes.annotator[second]
    x, y = votes.label[first], votes.label[second]
    _, where = np.unique(key, return_index=True)
    _, sums = sum_by(key, np.stack([x * y, x * x, y * y], axis=1))
    return sums, votes.comparison[first][where], votes.cluster[first][where]


def _shares(statistics: Floats) -> tuple[Floats, Floats]:
    """tau-b in -1..1 as agreement in 0..1, where 1/2 is what unrelated rankings give."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = statistics[..., 0] / statistics[..., 1]
    return (1.0 + mean) / 2, np.full_like(mean, 0.5)
