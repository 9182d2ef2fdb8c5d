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

    Two entries of a group that stand d + 1 apart in sorted order have one between them that stands d apart from
    the first; so each pass looks only at the hits of the pass before. O(N log N + number of pairs), never O(N²).
    """
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    firsts, seconds = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    hits, step = np.arange(len(key)), 1
    while True:
        hits = hits[hits + step < len(key)]
        hits = hits[ordered[hits] == ordered[hits + step]]
        if not len(hits):
            return np.concatenate(firsts), np.concatenate(seconds)
        firsts.append(order[hits])
        seconds.append(order[hits + step])
        step += 1
