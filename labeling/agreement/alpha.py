"""Krippendorff's alpha: any number of people, missing judgments, and a distance that suits the labels."""

from __future__ import annotations

from functools import partial
from typing import Literal, get_args

import numpy as np

from labeling.agreement import reasons
from labeling.agreement.bootstrap import REPLICATES, figure_with_interval
from labeling.agreement.figure import Figure, undefined
from labeling.agreement.pairs import Floats, PairVotes, Ties, unit_counts
from labeling.agreement.sums import sum_by

Level = Literal["nominal", "ordinal", "interval"]


def krippendorff_alpha(
    votes: PairVotes,
    level: Level = "nominal",
    *,
    ties: Ties = "count",
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Figure:
    """alpha = 1 - D_o / D_e (Krippendorff 2011, *Computing Krippendorff's Alpha-Reliability*, sections C-E).

    Computed from the coincidence matrix o_ck = sum_u (n_uc n_uk - [c = k] n_uc) / (m_u - 1), in time linear in the
    votes. level: "nominal" (labels differ or not), "ordinal" (second better < tie < first better), "interval".
    ties="drop" treats tie votes as missing. n counts the pairs of completions with at least two votes.
    Undefined when there is none, or when only one answer was ever given (then D_e = 0).
    Chance is judged by how often each label occurs, so like every kappa it leans on the canonical order: data that
    always lists the preferred completion first raises the agreement expected by chance.
    Raises ValueError on an unknown level.
    """
    if level not in get_args(Level):
        raise ValueError(f"level must be one of {', '.join(get_args(Level))}, not {level!r}.")
    method = f"Krippendorff's alpha, {level} (Krippendorff 2011)"
    counts, cluster, categories = unit_counts(votes.under(ties))
    shared = counts.sum(axis=1) >= 2
    if not shared.any():
        return undefined(reasons.nobody_shares(votes, ties), method=method, n_unit="compared pairs")
    _, statistics = sum_by(cluster[shared], _coincidences(counts[shared]))
    return figure_with_interval(
        statistics,
        partial(_shares, level=level, categories=categories),
        n=int(shared.sum()),
        n_unit="compared pairs",
        units=int(shared.sum()),
        method=method,
        no_variation=reasons.ONE_ANSWER,
        replicates=replicates,
        seed=seed,
    )


def _coincidences(counts: Floats) -> Floats:
    """Coincidence matrices (U, V * V) of units with counts (U, V), each with at least two votes."""
    width = counts.shape[1]
    matrix = counts[:, :, None] * counts[:, None, :]
    matrix[:, np.arange(width), np.arange(width)] -= counts
    matrix /= (counts.sum(axis=1) - 1)[:, None, None]
    return matrix.reshape(len(counts), width * width)


def _shares(statistics: Floats, *, level: Level, categories: Floats) -> tuple[Floats, Floats]:
    """Observed and expected agreement, 1 - D / max distance, from summed coincidences (..., V * V)."""
    width = len(categories)
    matrix = statistics.reshape(*statistics.shape[:-1], width, width)
    marginal = matrix.sum(axis=-1)
    distance = _distance(marginal, level, categories)
    total = marginal.sum(axis=-1)
    scale = distance.max(axis=(-1, -2))
    by_chance = (marginal[..., :, None] * marginal[..., None, :] * distance).sum(axis=(-1, -2))
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = (matrix * distance).sum(axis=(-1, -2)) / (total * scale)
        expected = by_chance / (total * (total - 1) * scale)
    return 1.0 - observed, 1.0 - expected


def _distance(marginal: Floats, level: Level, categories: Floats) -> Floats:
    """Squared distance (..., V, V) of categories, given how often each occurs (..., V).

    Ordinal: delta_ck = sum_{g=c..k} n_g - (n_c + n_k) / 2, which is the distance of the categories' mid-ranks.
    """
    if level == "nominal":
        return 1.0 - np.eye(len(categories))
    place = categories if level == "interval" else marginal.cumsum(axis=-1) - marginal / 2
    distance: Floats = (place[..., :, None] - place[..., None, :]) ** 2
    return distance
