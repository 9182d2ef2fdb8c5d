"""Win rate of one model over another, a tie being half a win."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from labeling.agreement.bootstrap import FEW_PROMPTS, REPLICATES, figure_with_interval, wilson
from labeling.agreement.figure import Figure, undefined
from labeling.agreement.pairs import Floats
from labeling.agreement.sums import sum_by

METHOD = "win rate, a tie is half a win"


def win_rate(
    outcomes: ArrayLike, clusters: ArrayLike | None = None, *, replicates: int = REPLICATES, seed: int = 0
) -> Figure:
    """Mean of outcomes (N,): 1 win, 0.5 tie, 0 loss; NaN is missing. clusters (N,): ids of the prompts.

    Interval: cluster bootstrap over prompts. With fewer than ten prompts, or when every prompt gives the same rate,
    the bootstrap is blind, and Wilson's interval is used with n = the number of prompts: exact in form for one
    outcome a prompt and conservative for more. Without `clusters` each outcome is a prompt of its own.
    n counts outcomes. Raises ValueError on outcomes outside 0..1 or lengths that differ.
    """
    results = np.asarray(outcomes, dtype=np.float64).ravel()
    prompt = np.arange(len(results)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    if len(prompt) != len(results):
        raise ValueError(f"{len(results)} outcomes but {len(prompt)} prompts; give one prompt an outcome.")
    known = ~np.isnan(results)
    results, prompt = results[known], prompt[known]
    if ((results < 0) | (results > 1)).any():
        raise ValueError("An outcome is 1 (win), 0.5 (tie) or 0 (loss); one lies outside 0..1.")
    if not len(results):
        return undefined("Nothing has been compared yet.", method=METHOD, n_unit="outcomes")
    keys, statistics = sum_by(prompt, np.stack([results, np.ones(len(results))], axis=1))
    if len(keys) < FEW_PROMPTS:
        rate = float(results.mean())
        low, high = wilson(rate * len(keys), len(keys))
        note = f"Wilson's interval over {len(keys)} prompts: too few to resample."
        return Figure(rate, low, high, len(results), None, METHOD, "outcomes", None, len(keys), note)
    return figure_with_interval(
        statistics,
        _shares,
        n=len(results),
        n_unit="outcomes",
        method=METHOD,
        no_variation="Nothing has been compared yet.",
        replicates=replicates,
        seed=seed,
    )


def _shares(statistics: Floats) -> tuple[Floats, Floats]:
    rate = statistics[..., 0] / statistics[..., 1]
    return rate, np.zeros_like(rate)
