"""The agreement that known noise implies, to lay beside the agreement measured on simulated people."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from labeling.agreement.figure import Figure, undefined
from labeling.agreement.pairs import Floats, Ties

METHOD = "agreement implied by independent choices (Rao & Kupper 1967)"


def label_probabilities(difference: ArrayLike, temperature: float = 1.0, tie_band: float = 0.0) -> Floats:
    """Probabilities (U, 3) of second better, tie, first better, for true utility differences first - second (U,).

    The annotator sees the difference plus logistic noise of scale `temperature` and calls it a tie within
    ± tie_band: P(first) = sigmoid((d - band) / T), P(second) = sigmoid((-d - band) / T). This is Rao & Kupper
    (1967, JASA 62) with theta = exp(band / T), and Bradley-Terry for band 0.
    Both are in units of utility. Raises ValueError unless temperature > 0 and tie_band >= 0.
    """
    if temperature <= 0 or tie_band < 0:
        raise ValueError(f"temperature must be > 0 and tie_band >= 0; got {temperature} and {tie_band}.")
    gap = np.asarray(difference, dtype=np.float64)
    first, second = expit((gap - tie_band) / temperature), expit((-gap - tie_band) / temperature)
    return np.stack([second, np.maximum(1.0 - first - second, 0.0), first], axis=-1)


def implied_agreement(
    probabilities: ArrayLike,
    other: ArrayLike | None = None,
    *,
    weights: ArrayLike | None = None,
    ties: Ties = "count",
) -> Figure:
    """Expected pooled percent agreement of two people who choose independently, each with these probabilities.

    probabilities: (U, 3) of second better, tie, first better; other: the second person's, the same by default.
    weights: (U,) pairs of judgments of each unit, 1 by default. ties="count": mean over units of sum_l p_l q_l.
    ties="drop": both drop ties, so sum_u (p_+ q_+ + p_- q_-) / sum_u (1 - p_0)(1 - q_0).
    It follows from the given numbers, nothing is sampled: it has no interval. n counts units.
    Raises ValueError when a row is no distribution.
    """
    p = _distributions(probabilities)
    q = p if other is None else _distributions(other)
    weight = np.ones(len(p)) if weights is None else np.asarray(weights, dtype=np.float64)
    both = p * q
    if ties == "drop":
        both = both[:, [0, 2]]
        compared = (1.0 - p[:, 1]) * (1.0 - q[:, 1])
    else:
        compared = np.ones(len(p))
    total = float((weight * compared).sum())
    if total <= 0:
        because = "There is nothing to compare." if not len(p) else "Every choice is a tie, and ties are left out."
        return undefined(because, method=METHOD, n=len(p), n_unit="compared pairs")
    value = float((weight * both.sum(axis=1)).sum()) / total
    note = "Computed from the noise that was set; nothing was sampled, so there is no interval."
    return Figure(value, None, None, len(p), None, METHOD, "compared pairs", len(p), None, note)


def _distributions(probabilities: ArrayLike) -> Floats:
    rows = np.asarray(probabilities, dtype=np.float64).reshape(-1, 3)
    if (rows < 0).any() or not np.allclose(rows.sum(axis=1), 1.0, atol=1e-6):
        raise ValueError("Each row of probabilities (second better, tie, first better) must be >= 0 and sum to 1.")
    return rows
