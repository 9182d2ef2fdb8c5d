"""Every figure of agreement at once, as the lead's page and `manage.py agreement` show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from labeling.agreement.alpha import krippendorff_alpha
from labeling.agreement.bootstrap import REPLICATES
from labeling.agreement.kappa import cohen_kappa_all, fleiss_kappa
from labeling.agreement.pairs import PairVotes, Ties, votes_from_rows
from labeling.agreement.percent import percent_agreement
from labeling.agreement.rankings import mean_tau_b


def agreement_report(
    judgments: PairVotes | Iterable[Sequence[Any]],
    *,
    ties: Ties = "count",
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Any]:
    """All figures of agreement, ready for JSON (if the annotators' names are).

    judgments: PairVotes, or rows (comparison, annotator, ranks[, prompt]) as `votes_from_rows` takes them.
    ties="drop" leaves tie votes out of everything but tau-b, which corrects for ties itself.
    """
    votes = judgments if isinstance(judgments, PairVotes) else votes_from_rows(judgments)
    how: dict[str, Any] = {"ties": ties, "replicates": replicates, "seed": seed}
    return {
        "ties": ties,
        "percent_agreement": percent_agreement(votes, **how).as_dict(),
        "krippendorff_alpha": {
            "nominal": krippendorff_alpha(votes, "nominal", **how).as_dict(),
            "ordinal": krippendorff_alpha(votes, "ordinal", **how).as_dict(),
        },
        "cohen_kappa": [
            {"annotators": list(pair.annotators), **pair.figure.as_dict()} for pair in cohen_kappa_all(votes, **how)
        ],
        "fleiss_kappa": fleiss_kappa(votes, **how).as_dict(),
        "tau_b": mean_tau_b(votes, replicates=replicates, seed=seed).as_dict(),
    }
