"""Percent agreement: the raw share that agrees, shown beside every figure corrected for chance."""

from __future__ import annotations

import numpy as np

from labeling.agreement import reasons
from labeling.agreement.bootstrap import REPLICATES, figure_with_interval
from labeling.agreement.figure import Figure, undefined
from labeling.agreement.pairs import Floats, PairVotes, Ties, unit_counts
from labeling.agreement.sums import sum_by

METHOD = "pooled percent agreement, all pairs of judgments"


def percent_agreement(votes: PairVotes, *, ties: Ties = "count", replicates: int = REPLICATES, seed: int = 0) -> Figure:
    """Over all pairs of judgments of the same pair of completions, the share that agree (pooled, not per unit).

    sum_u sum_c C(n_uc, 2) / sum_u C(n_u, 2), n_uc the votes for category c on unit u. ties="drop" leaves out pairs
    of judgments in which either is a tie. n counts pairs of judgments, `units` the pairs of completions with two.
    """
    counts, cluster, _ = unit_counts(votes.under(ties))
    pairs = _pairs(counts.sum(axis=1))
    shared = pairs > 0
    if not shared.any():
        because = reasons.nobody_shares(votes, ties)
        return undefined(because, method=METHOD, n_unit="pairs of judgments")
    agreeing = _pairs(counts[shared]).sum(axis=1)
    _, statistics = sum_by(cluster[shared], np.stack([agreeing, pairs[shared]], axis=1))
    return figure_with_interval(
        statistics,
        _shares,
        n=int(pairs.sum()),
        n_unit="pairs of judgments",
        units=int(shared.sum()),
        method=METHOD,
        no_variation=reasons.NOBODY_SHARES,
        replicates=replicates,
        seed=seed,
    )


def _pairs(count: Floats) -> Floats:
    return count * (count - 1) / 2


def _shares(statistics: Floats) -> tuple[Floats, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = statistics[..., 0] / statistics[..., 1]
    return observed, np.zeros_like(observed)
