"""Numbers with their interval, their n, and why they are undefined. Pure NumPy."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, stdtrit  # scipy.stats, which has them too, takes half a second to load

from training.engine.ranking import pairs

Estimate = dict[str, Any]
BOOTSTRAP_DRAWS = 2000
RESAMPLED = 5  # prompts; of fewer a bootstrap has too few different draws to have tails
FEW_PROMPTS = 10


def estimate(
    value: float | None, low: float | None, high: float | None, n: int, because: str | None = None, **more: Any
) -> Estimate:
    """A number for a card. `undefined_because` says why value, low or high is None."""
    return {"value": value, "low": low, "high": high, "n": n, "undefined_because": because, **more}


@dataclass(frozen=True)
class Scored:
    """One judgment beside the scores something gave to its completions (rewards, lengths, implicit rewards)."""

    prompt_key: str
    ranks: Sequence[int | None]
    scores: Sequence[float]


def cluster_ratio(
    numerators: Sequence[float],
    denominators: Sequence[float],
    clusters: Sequence[str],
    *,
    proportion: bool = False,
    empty: str = "There is nothing to measure.",
    seed: int = 0,
    **more: Any,
) -> Estimate:
    """Σ numerators / Σ denominators with a 95 % interval from a bootstrap over clusters (prompts).

    Whole prompts are drawn with replacement, because what is measured on one prompt depends on the rest of it
    (Efron and Tibshirani 1993, ch. 8). `n` is Σ denominators, `clusters` the number of prompts C.
    The plain percentile interval is too short for few prompts (at 8 it covers 83 to 87 % of what it should hold 95 % of
    the time); it is expanded: its tail is Φ(−√(C ⁄ (C − 1)) · t(C − 1)) instead of 2.5 % (Hesterberg 2015, The American
    Statistician 69:371). Below five prompts resamples are too few to have tails, and the interval is Student's of
    the linearised ratio (Cochran 1977, Sampling Techniques, ch. 6). Below ten `interval_note` says that it is rough.
    A proportion that is the same in every prompt (all right, say) would get an interval of width 0; it gets the
    Clopper–Pearson interval with the number of prompts as n instead.
    """
    top, bottom = _sums_by_cluster(numerators, denominators, clusters)
    total, count = float(bottom.sum()), len(bottom)
    n = round(total)
    if total == 0:
        return estimate(None, None, None, 0, empty, clusters=0, **more)
    value = float(top.sum()) / total
    if count < 2:
        because = "An interval needs at least two prompts."
        return estimate(value, None, None, n, because, clusters=count, **more)
    low, high = (_student if count < RESAMPLED else partial(_expanded_percentile, seed=seed))(top, bottom)
    if proportion:
        low, high = _clopper_pearson(value, count) if high - low < 1e-9 else (max(low, 0.0), min(high, 1.0))
    elif high - low < 1e-9:
        because = f"No interval: all {count} prompts give the same value."
        return estimate(value, None, None, n, because, clusters=count, **more)
    if count < FEW_PROMPTS:
        more["interval_note"] = f"Only {count} prompts: the interval is rough."
    return estimate(value, low, high, n, clusters=count, **more)


def _expanded_percentile(top: NDArray[np.float64], bottom: NDArray[np.float64], seed: int) -> tuple[float, float]:
    count = len(top)
    drawn = np.random.default_rng(seed).integers(0, count, (BOOTSTRAP_DRAWS, count))
    ratios = top[drawn].sum(1) / bottom[drawn].sum(1)
    tail = float(ndtr(-np.sqrt(count / (count - 1)) * stdtrit(count - 1, 0.975)))
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return float(low), float(high)


def _student(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> tuple[float, float]:
    count, value = len(top), top.sum() / bottom.sum()
    error = np.std((top - value * bottom) / bottom.mean(), ddof=1) / np.sqrt(count)
    half = stdtrit(count - 1, 0.975) * error
    return float(value - half), float(value + half)


def _clopper_pearson(share: float, n: int) -> tuple[float, float]:
    """Exact 95 % interval of a share of n (Clopper and Pearson 1934, Biometrika 26:404)."""
    hits = share * n
    low = 0.0 if hits <= 0 else float(betaincinv(hits, n - hits + 1, 0.025))
    high = 1.0 if hits >= n else float(betaincinv(hits + 1, n - hits, 0.975))
    return low, high


def _sums_by_cluster(
    numerators: Sequence[float], denominators: Sequence[float], clusters: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    _, index = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    size = int(index.max()) + 1 if len(index) else 0
    top = np.bincount(index, weights=np.asarray(numerators, float), minlength=size).astype(float)
    bottom = np.bincount(index, weights=np.asarray(denominators, float), minlength=size).astype(float)
    measured = bottom > 0
    return top[measured], bottom[measured]


def ordered_pair_accuracy(scored: Sequence[Scored], *, seed: int = 0) -> Estimate:
    """Share of strictly ordered pairs whose winner has the higher score (equal scores: half), over prompts.

    Pairs of a tie and of unranked completions are left out. n is the number of pairs; `rankings` how many
    judgments they come from.
    """
    right, total, clusters = [], [], []
    for one in scored:
        ordered, _ = pairs(one.ranks)
        if not ordered:
            continue
        difference = [one.scores[w] - one.scores[loser] for w, loser in ordered]
        right.append(sum(1.0 if d > 0 else 0.5 if d == 0 else 0.0 for d in difference))
        total.append(float(len(ordered)))
        clusters.append(one.prompt_key)
    return cluster_ratio(
        right,
        total,
        clusters,
        proportion=True,
        empty="No held-out ranking orders two completions strictly.",
        seed=seed,
        rankings=len(total),
    )


def mean_margin(scored: Sequence[Scored], *, seed: int = 0) -> Estimate:
    """Mean of score(winner) − score(loser) over strictly ordered pairs, bootstrapped over prompts."""
    sums, total, clusters = [], [], []
    for one in scored:
        ordered, _ = pairs(one.ranks)
        if ordered:
            sums.append(sum(one.scores[w] - one.scores[loser] for w, loser in ordered))
            total.append(float(len(ordered)))
            clusters.append(one.prompt_key)
    empty = "No held-out ranking orders two completions strictly."
    return cluster_ratio(sums, total, clusters, empty=empty, seed=seed, rankings=len(total))


def calibration_error(scored: Sequence[Scored], bins: int = 10) -> Estimate:
    """Expected calibration error (Guo et al. 2017, arXiv 1706.04599, eq. 3) of the pair probabilities σ(d).

    The confidence of a pair is max(σ(d), 1 − σ(d)), between 0.5 and 1, in equal bins. No interval: the error is
    biased upward when n is small, and a bootstrap would carry the bias along; read it with its n.
    """
    confidence, correct = [], []
    for one in scored:
        for winner, loser in pairs(one.ranks)[0]:
            d = one.scores[winner] - one.scores[loser]
            confidence.append(1 / (1 + np.exp(-abs(d))))
            correct.append(1.0 if d > 0 else 0.5 if d == 0 else 0.0)
    n = len(correct)
    if not n:
        return estimate(None, None, None, 0, "No held-out ranking orders two completions strictly.")
    place = np.minimum(((np.array(confidence) - 0.5) * 2 * bins).astype(int), bins - 1)
    error = sum(
        abs(np.mean(np.array(correct)[place == b]) - np.mean(np.array(confidence)[place == b])) * (place == b).mean()
        for b in np.unique(place)
    )
    return estimate(float(error), None, None, n, "No interval: the calibration error is biased for small n.", bins=bins)
