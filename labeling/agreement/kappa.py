"""Cohen's kappa of two people and Fleiss' kappa of many."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from labeling.agreement import reasons
from labeling.agreement.bootstrap import REPLICATES, bootstrap_many, corrected, figure_with_interval
from labeling.agreement.figure import Figure, undefined
from labeling.agreement.pairs import Floats, Ints, PairVotes, Ties, unit_counts
from labeling.agreement.sums import meetings, sum_by

Weights = Literal["unweighted", "linear", "quadratic"]


@dataclass(frozen=True)
class PersonPair:
    """Cohen's kappa of two people, named in ascending order."""

    annotators: tuple[Hashable, Hashable]
    figure: Figure


def cohen_kappa(
    votes: PairVotes,
    a: Hashable,
    b: Hashable,
    *,
    weights: Weights = "unweighted",
    ties: Ties = "count",
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Figure:
    """Cohen's kappa (Cohen 1960, eq. 1; weighted: Cohen 1968) of annotators named a and b over what both judged.

    n counts the pairs of completions both judged. Undefined when there is none, or when both gave one and the same
    answer everywhere (expected agreement 1). Raises ValueError when a and b are the same.
    """
    if a == b:
        raise ValueError(f"Cohen's kappa compares two people; both are {a!r}.")
    codes = [code for code, name in enumerate(votes.annotator_names) if name in (a, b)]
    counted, method = votes.under(ties), _cohen_method(weights)
    categories = np.unique(counted.label)
    both = np.isin(counted.annotator, codes)
    found = _cohen(counted.select(both), categories, weights, replicates, seed)
    if found:
        return found[0].figure
    met = len(meetings(votes.select(np.isin(votes.annotator, codes)).unit)[0]) > 0
    return undefined(reasons.NOT_SHARED_STRICTLY if met else reasons.NOT_SHARED, method=method, n_unit="compared pairs")


def cohen_kappa_all(
    votes: PairVotes,
    *,
    weights: Weights = "unweighted",
    ties: Ties = "count",
    replicates: int = REPLICATES,
    seed: int = 0,
) -> list[PersonPair]:
    """Cohen's kappa of every two people who share at least one pair of completions, ordered by their names.

    Time and memory follow the number of meetings of two votes, not the square of the number of people.
    weights: how far two different labels disagree: all alike, or by the linear or squared distance of the labels.
    """
    counted = votes.under(ties)
    return _cohen(counted, np.unique(counted.label), weights, replicates, seed)


def fleiss_kappa(votes: PairVotes, *, ties: Ties = "count", replicates: int = REPLICATES, seed: int = 0) -> Figure:
    """Fleiss' kappa (Fleiss 1971, eqs. 1-7), for numbers of votes that may vary between pairs of completions.

    Units with fewer than two votes are left out. Observed agreement is the mean over units of
    P_u = sum_c n_uc (n_uc - 1) / (n_u (n_u - 1)); expected is sum_c p_c², p_c the mean over units of n_uc / n_u
    (Gwet 2014, *Handbook of Inter-Rater Reliability*, restricted to these units). With equally many
    votes everywhere this is Fleiss' formula. ties="drop" treats tie votes as missing.
    n counts the pairs of completions. Undefined when only one answer was ever given.
    """
    method = "Fleiss' kappa (Fleiss 1971; varying numbers of judgments: Gwet 2014)"
    counts, cluster, _ = unit_counts(votes.under(ties))
    shared = counts.sum(axis=1) >= 2
    if not shared.any():
        return undefined(reasons.nobody_shares(votes, ties), method=method, n_unit="compared pairs")
    counts = counts[shared]
    size = counts.sum(axis=1)
    agreement = (counts * (counts - 1)).sum(axis=1) / (size * (size - 1))
    rows = np.column_stack([np.ones(len(counts)), agreement, counts / size[:, None]])
    _, statistics = sum_by(cluster[shared], rows)
    return figure_with_interval(
        statistics,
        _fleiss_shares,
        n=len(counts),
        n_unit="compared pairs",
        units=len(counts),
        method=method,
        no_variation=reasons.ONE_ANSWER,
        replicates=replicates,
        seed=seed,
    )


def _fleiss_shares(statistics: Floats) -> tuple[Floats, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        means = statistics[..., 1:] / statistics[..., :1]
    return means[..., 0], (means[..., 1:] ** 2).sum(axis=-1)


def _cohen(votes: PairVotes, categories: Floats, weights: Weights, replicates: int, seed: int) -> list[PersonPair]:
    distance = _cohen_distance(categories, weights)
    people, group, tables = _confusions(votes, np.searchsorted(categories, votes.label), len(categories))
    if not len(people):
        return []
    statistics, shares = _cohen_statistics(tables, distance), partial(_cohen_shares, distance=distance)
    _, totals = sum_by(group, statistics)
    intervals = bootstrap_many(statistics, group, len(people), shares, replicates=replicates, seed=seed)
    columns = (corrected(*shares(totals)), intervals.low, intervals.high, totals[:, 0], np.bincount(group))
    rows = zip(people.tolist(), *(column.tolist() for column in columns), intervals.notes, strict=True)
    method, names = _cohen_method(weights), votes.annotator_names
    return [
        PersonPair((names[a], names[b]), _cohen_figure(value, low, high, round(n), prompts, note, method))
        for (a, b), value, low, high, n, prompts, note in rows
    ]


def _confusions(votes: PairVotes, label: Ints, width: int) -> tuple[Ints, Ints, Floats]:
    """Confusion tables of every two people on every prompt where they meet.

    Returns the people (G, 2) as codes, ascending; the index into them of each table (M,); and the tables (M, V * V),
    flattened with the first person's answer first.
    """
    one, other = meetings(votes.unit)
    swap = votes.annotator[one] > votes.annotator[other]
    first, second = np.where(swap, other, one), np.where(swap, one, other)
    many = len(votes.annotator_names)
    pair, group = np.unique(votes.annotator[first] * many + votes.annotator[second], return_inverse=True)
    people = np.stack([pair // max(many, 1), pair % max(many, 1)], axis=1)
    prompts = int(votes.cluster.max(initial=0)) + 1
    row_key, row = np.unique(group * prompts + votes.cluster[first], return_inverse=True)
    cell = label[first] * width + label[second]
    tables = np.bincount(row * width**2 + cell, minlength=len(row_key) * width**2)
    return people, row_key // prompts, tables.reshape(len(row_key), width**2).astype(np.float64)


def _cohen_distance(categories: Floats, weights: Weights) -> Floats:
    """Disagreement weights (V, V) in 0..1 of labels (V,): 0 on the diagonal, 1 for the farthest two."""
    gap: Floats = np.abs(categories[:, None] - categories[None, :])
    gap = gap / max(gap.max(initial=0.0), np.finfo(float).tiny)
    if weights == "unweighted":
        return (gap > 0).astype(np.float64)
    if weights == "linear":
        return gap
    if weights == "quadratic":
        return gap**2
    raise ValueError(f"weights must be unweighted, linear or quadratic, not {weights!r}.")


def _cohen_statistics(tables: Floats, distance: Floats) -> Floats:
    """What kappa needs of tables (M, V * V): count, total disagreement, both marginals; (M, 2 + 2 V)."""
    width = len(distance)
    square = tables.reshape(-1, width, width)
    disagreement = tables @ distance.ravel()
    return np.column_stack([tables.sum(axis=1), disagreement, square.sum(axis=2), square.sum(axis=1)])


def _cohen_shares(statistics: Floats, *, distance: Floats) -> tuple[Floats, Floats]:
    width = len(distance)
    count = statistics[..., 0]
    first, second = statistics[..., 2 : 2 + width], statistics[..., 2 + width :]
    by_chance = np.einsum("...v,...v->...", first @ distance, second)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1.0 - statistics[..., 1] / count, 1.0 - by_chance / count**2


def _cohen_figure(value: float, low: float, high: float, n: int, prompts: int, note: str | None, method: str) -> Figure:
    reason = reasons.SAME_SINGLE_ANSWER if math.isnan(value) else None
    no_interval = reason is not None or math.isnan(low)
    return Figure(
        value=None if reason else value,
        low=None if no_interval else low,
        high=None if no_interval else high,
        n=n,
        undefined_because=reason,
        method=method,
        n_unit="compared pairs",
        units=n,
        clusters=prompts,
        interval_note=None if reason else note,
    )


def _cohen_method(weights: Weights) -> str:
    return "Cohen's kappa (Cohen 1960)" if weights == "unweighted" else f"Cohen's kappa, {weights} weights (Cohen 1968)"
