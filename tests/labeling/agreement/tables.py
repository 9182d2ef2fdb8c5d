"""Small published tables and random votes, as matrices (annotators, units) with NaN for missing."""

from __future__ import annotations

import numpy as np

from labeling.agreement.pairs import Floats, PairVotes, votes_from_labels

_ = np.nan

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C: four observers, twelve units.
KRIPPENDORFF_2011 = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
)

# Fleiss 1971, Psychological Bulletin 76, table 1: thirty patients, six psychiatrists, five diagnoses.
# fmt: off
FLEISS_1971_ROWS = (  # one digit a diagnosis: how many of the six gave it
    "00060", "03003", "01401", "00006", "03030", "20400", "00402", "20310", "20040", "00006",
    "10050", "11040", "03300", "10050", "02031", "00501", "30012", "51000", "02040", "10203",
    "00006", "01050", "02013", "20040", "10041", "05010", "40002", "02040", "10500", "00006",
)
# fmt: on
FLEISS_1971 = np.array([[int(count) for count in row] for row in FLEISS_1971_ROWS])

# The table of fourteen raters and ten subjects that encyclopaedias use to explain Fleiss' kappa (0.210).
FOURTEEN_RATERS = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)


def votes_of(matrix: Floats, cluster: Floats | None = None) -> PairVotes:
    """Votes of labels (annotators, units); cluster (units,) gives each unit's prompt."""
    people, units = matrix.shape
    annotator, unit = np.repeat(np.arange(people), units), np.tile(np.arange(units), people)
    return votes_from_labels(unit, annotator, matrix.ravel(), None if cluster is None else np.tile(cluster, people))


def votes_of_counts(counts: Floats) -> PairVotes:
    """Votes that give counts (units, categories); who cast them does not matter."""
    rows = [np.repeat(np.arange(counts.shape[1]), row) for row in counts]
    unit = np.repeat(np.arange(len(counts)), counts.sum(axis=1))
    annotator = np.concatenate([np.arange(len(row)) for row in rows])
    return votes_from_labels(unit, annotator, np.concatenate(rows))


def random_matrix(seed: int, people: int, units: int, labels: tuple[int, ...], missing: float, skill: float) -> Floats:
    """Each unit has a true label, seen with probability `skill`, otherwise a random one; some are missing."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(labels, size=units)
    seen = np.where(rng.random((people, units)) < skill, truth, rng.choice(labels, size=(people, units)))
    return np.where(rng.random((people, units)) < missing, np.nan, seen.astype(float))


def random_rankings(seed: int, judges: int, completions: int, ties: bool = True) -> Floats:
    """Ranks (judges, K), 1 = best; with ties some are equal."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=completions) + rng.normal(size=(judges, completions))
    values = np.round(quality) if ties else quality
    return np.stack([np.unique(-row, return_inverse=True)[1] + 1.0 for row in values])
