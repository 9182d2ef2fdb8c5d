"""95 % intervals: the percentile bootstrap over prompts, through statistics that add up over prompts.

Pairs of one ranking, and judgments of one prompt, depend on each other; so whole prompts are resampled (cluster
bootstrap: Davison & Hinkley 1997, *Bootstrap Methods and their Application*, 3.8; Field & Welsh 2007, JRSS-B 69).
Every agreement figure here has the form

    value = (observed - expected) / (1 - expected)

with observed and expected functions of sums over prompts. A replicate is therefore `weights @ statistics`, with
weights the number of times each prompt was drawn: no vote is touched again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, ndtri, stdtrit

from labeling.agreement.figure import Figure
from labeling.agreement.pairs import Floats, Ints

REPLICATES = 1000
LEVEL = 0.95
FEW_PROMPTS = 10
_CELLS = 4_000_000  # numbers held at once while resampling: about 32 MB

Shares = Callable[[Floats], tuple[Floats, Floats]]
"""Maps statistics (..., S) to observed and expected agreement (...,), NaN where there is nothing to compare."""


@dataclass(frozen=True)
class Intervals:
    """Intervals of M figures: low, high (M,), NaN where there is none; notes (M,), None where nothing is to say."""

    low: Floats
    high: Floats
    notes: list[str | None]


def corrected(observed: Floats, expected: Floats) -> Floats:
    """(observed - expected) / (1 - expected), NaN where chance alone would always agree."""
    room = 1.0 - expected
    with np.errstate(invalid="ignore", divide="ignore"):
        value = (observed - expected) / room
    return np.where(np.abs(room) > 1e-12, value, np.nan)


def wilson(successes: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927, JASA 22; Brown, Cai & DasGupta 2001, eq. 4).

    successes may be fractional (a tie is half a win). Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"Wilson's interval needs 0 <= successes <= n and n > 0; got {successes} of {n}.")
    low, high = _wilson(np.asarray(successes / n), n, level)
    return float(low), float(high)


def figure_with_interval(
    statistics: Floats,
    shares: Shares,
    *,
    n: int,
    n_unit: str,
    method: str,
    no_variation: str,
    units: int | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
    note: str | None = None,
) -> Figure:
    """The figure whose per-prompt statistics (C, S) are given, with its interval.

    no_variation: the reason to give when the figure is undefined on all the data.
    note: something to say beside the interval.
    """
    value = float(corrected(*shares(statistics.sum(axis=0))))
    clusters = len(statistics)
    if math.isnan(value):
        return Figure(None, None, None, n, no_variation, method, n_unit, units, clusters, note)
    interval = bootstrap(statistics, shares, replicates=replicates, seed=seed)
    low, high = (None if math.isnan(end) else float(end) for end in (interval.low[0], interval.high[0]))
    notes = " ".join(text for text in (interval.notes[0], note) if text) or None
    return Figure(value, low, high, n, None, method, n_unit, units, clusters, notes)


def bootstrap(statistics: Floats, shares: Shares, *, replicates: int = REPLICATES, seed: int = 0) -> Intervals:
    """Interval of one figure from its statistics (C, S), one row a prompt; the result has length 1."""
    clusters = len(statistics)
    if clusters < 2:
        return _too_few(1)
    exact = _exact_resamples(clusters, replicates)
    if exact is not None:
        weights, probability = exact
        sums = weights @ statistics
    else:
        sums = _resampled_sums(statistics, replicates, np.random.default_rng(seed))
        probability = np.full(replicates, 1.0 / replicates)
    values = corrected(*shares(sums))[None, :]
    total = statistics.sum(axis=0)[None, :]
    return _intervals(values, probability, *shares(total), clusters=clusters)


def bootstrap_many(
    statistics: Floats,
    group: Ints,
    groups: int,
    shares: Shares,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Intervals:
    """Intervals of many figures at once: statistics (M, S), one row a (figure, prompt), group (M,) = the figure.

    Figures with equally many prompts share their resamples; their intervals do not depend on which others there
    are. Group codes run from 0 to groups - 1, each with at least one row.
    """
    order = np.argsort(group, kind="stable")
    rows, sizes = statistics[order], np.bincount(group, minlength=groups)
    starts = np.cumsum(sizes) - sizes
    low, high = np.full(groups, np.nan), np.full(groups, np.nan)
    notes: list[str | None] = [None] * groups
    for size in np.unique(sizes):
        members = np.flatnonzero(sizes == size)
        step = max(1, _CELLS // (replicates * statistics.shape[1])) if size <= 50 else 1
        for begin in range(0, len(members), step):
            chosen = members[begin : begin + step]
            block = rows[starts[chosen][:, None] + np.arange(size)]
            part = _bootstrap_block(block, shares, replicates, seed)
            low[chosen], high[chosen] = part.low, part.high
            for member, text in zip(chosen, part.notes, strict=True):
                notes[member] = text
    return Intervals(low, high, notes)


def _bootstrap_block(block: Floats, shares: Shares, replicates: int, seed: int) -> Intervals:
    """Intervals of m figures that rest on C prompts each: block (m, C, S)."""
    figures, clusters, _ = block.shape
    if clusters < 2:
        return _too_few(figures)
    if clusters > 50:
        return bootstrap(block[0], shares, replicates=replicates, seed=seed)
    exact = _exact_resamples(clusters, replicates)
    weights, probability = exact if exact is not None else _drawn_resamples(clusters, replicates, seed)
    values = corrected(*shares(weights @ block))
    return _intervals(values, probability, *shares(block.sum(axis=1)), clusters=clusters)


def _resampled_sums(statistics: Floats, replicates: int, rng: np.random.Generator) -> Floats:
    """Sums (R, S) of C rows drawn with replacement, R times.

    Prompts with equal statistics are interchangeable, so it is enough to draw how often each distinct row comes.
    """
    clusters = len(statistics)
    distinct, counts = np.unique(statistics, axis=0, return_counts=True)
    if len(distinct) * 8 < clusters:
        return rng.multinomial(clusters, counts / clusters, size=replicates).astype(np.float64) @ distinct
    sums = np.empty((replicates, statistics.shape[1]))
    step = max(1, _CELLS // clusters)
    for begin in range(0, replicates, step):
        size = min(step, replicates - begin)
        drawn = rng.integers(clusters, size=(size, clusters)) + clusters * np.arange(size)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=size * clusters).reshape(size, clusters)
        sums[begin : begin + size] = weights.astype(np.float64) @ statistics
    return sums


@lru_cache(maxsize=64)
def _drawn_resamples(clusters: int, replicates: int, seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(clusters, np.full(clusters, 1.0 / clusters), size=replicates).astype(np.float64)
    return weights, np.full(replicates, 1.0 / replicates)


@lru_cache(maxsize=64)
def _exact_resamples(clusters: int, replicates: int) -> tuple[Floats, Floats] | None:
    """Every way to draw C prompts, and its probability, when there are no more of them than replicates asked for.

    With few prompts this is the bootstrap distribution itself (Fisher & Hall 1991, JSPI 27), without noise.
    """
    if clusters > 12 or math.comb(2 * clusters - 1, clusters) > replicates:
        return None
    weights = np.array(_compositions(clusters, clusters), dtype=np.float64)
    log_probability = gammaln(clusters + 1) - gammaln(weights + 1).sum(axis=1) - clusters * math.log(clusters)
    return weights, np.exp(log_probability)


def _compositions(total: int, parts: int) -> list[tuple[int, ...]]:
    if parts == 1:
        return [(total,)]
    return [(head, *rest) for head in range(total + 1) for rest in _compositions(total - head, parts - 1)]


def _intervals(values: Floats, probability: Floats, observed: Floats, expected: Floats, *, clusters: int) -> Intervals:
    """Expanded percentile intervals of m figures from replicates (m, R) with probabilities (R,).

    The plain percentile interval is too short for few clusters: at 8 of them it covers less than 90 %. Expanded, its
    tail is Φ(−√(C ⁄ (C − 1)) · t(C − 1)) instead of 2.5 % (Hesterberg 2015, The American Statistician 69:371).

    Replicates without a value (a resample in which nobody's answers vary) are left out and mentioned. The bootstrap
    is blind when more than 5 % of them have none, as much as the interval itself leaves out, or when all that have
    one agree on it, as under full agreement. Then Wilson's interval of the observed agreement over C prompts is
    used, with the expected agreement held as it is. It is conservative: it counts prompts, not pairs.
    """
    defined = np.isfinite(values)
    lost = 1.0 - (defined * probability).sum(axis=1)
    greatest = np.where(defined, values, -np.inf).max(axis=1)
    least = np.where(defined, values, np.inf).min(axis=1)
    flat = greatest < least + 1e-12
    blind = flat | (lost > 1 - LEVEL)
    ends = []
    tail = float(ndtr(-math.sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, (1 + LEVEL) / 2)))
    for q, end in zip((tail, 1 - tail), _wilson(np.clip(observed, 0, 1), clusters), strict=True):
        ends.append(
            np.where(blind, np.maximum(corrected(end, expected), -1.0), _quantiles(values, defined, probability, q))
        )
    notes = [_note(clusters, *state) for state in zip(lost.tolist(), flat.tolist(), strict=True)]
    return Intervals(ends[0], ends[1], notes)


def _quantiles(values: Floats, defined: NDArray[np.bool_], probability: Floats, q: float) -> Floats:
    """Smallest value (m,) whose cumulative probability among the defined replicates reaches q."""
    order = np.argsort(np.where(defined, values, np.inf), axis=1)
    mass = np.where(np.take_along_axis(defined, order, axis=1), probability[order], 0.0).cumsum(axis=1)
    place = (mass < q * mass[:, -1:] - 1e-12).sum(axis=1)
    return np.take_along_axis(np.take_along_axis(values, order, axis=1), place[:, None], axis=1)[:, 0]


def _wilson(share: Floats, n: int, level: float = LEVEL) -> tuple[Floats, Floats]:
    z = float(ndtri((1 + level) / 2))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def _note(clusters: int, lost: float, flat: bool) -> str | None:
    texts = []
    if flat:
        texts.append(f"Every resample gives the same value, so the interval is Wilson's over {clusters} prompts.")
    elif lost > 1 - LEVEL:
        texts.append(
            f"In {_percent(lost)} of the resamples nobody's answers vary, so the interval is Wilson's of the raw "
            f"agreement over {clusters} prompts."
        )
    elif lost > 1e-9:
        texts.append(f"Resamples without variation, {_percent(lost)} of them, were left out.")
    if clusters < FEW_PROMPTS:
        texts.append(f"Only {clusters} prompts: the interval is rough.")
    return " ".join(texts) or None


def _percent(share: float) -> str:
    return "less than 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"


def _too_few(figures: int) -> Intervals:
    nothing = np.full(figures, np.nan)
    return Intervals(nothing, nothing, ["No interval: it takes judgments of at least two prompts."] * figures)
