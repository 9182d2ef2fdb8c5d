"""Sums over prompts, and the pairs of votes that meet on the same thing."""

from __future__ import annotations

import numpy as np

from labeling.agreement.pairs import Floats, Ints


def sum_by(key: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Distinct keys (C,) ascending and the sum of values (N, S) over each: (C, S)."""
    order = np.argsort(key, kind="stable")
    keys, starts = np.unique(key[order], return_index=True)
    if not len(keys):
        return keys, np.zeros((0, values.shape[1]))
    return keys, np.add.reduceat(values[order], starts, axis=0)


def meetings(key: Ints) -> tuple[Ints, Ints]:
    """Index pairs (p, q), p before q in a stable order, of all entries with equal key.

    Takes as many vectorised passes as the largest group has members: O(number of pairs), never O(N²).
    """
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    firsts, seconds = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for step in range(1, len(key)):
        hits = np.flatnonzero(ordered[:-step] == ordered[step:])
        if not len(hits):
            break
        firsts.append(order[hits])
        seconds.append(order[hits + step])
    return np.concatenate(firsts), np.concatenate(seconds)
