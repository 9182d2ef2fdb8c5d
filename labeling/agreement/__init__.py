"""How far people agree. Pure NumPy and SciPy: arrays in, figures with interval, n and reason out."""

from labeling.agreement.alpha import krippendorff_alpha
from labeling.agreement.bootstrap import wilson
from labeling.agreement.figure import Figure
from labeling.agreement.implied import implied_agreement, label_probabilities
from labeling.agreement.kappa import PersonPair, cohen_kappa, cohen_kappa_all, fleiss_kappa
from labeling.agreement.known import accuracy_on_known, kappa_with_known, right_of, same_of, self_consistency
from labeling.agreement.pairs import PairVotes, explode, votes_from_labels, votes_from_rows
from labeling.agreement.percent import percent_agreement
from labeling.agreement.rankings import Split, disagreement, disagreement_by_comparison, mean_tau_b
from labeling.agreement.report import agreement_report
from labeling.agreement.winrate import win_rate

__all__ = [
    "Figure",
    "PairVotes",
    "PersonPair",
    "Split",
    "accuracy_on_known",
    "agreement_report",
    "cohen_kappa",
    "cohen_kappa_all",
    "disagreement",
    "disagreement_by_comparison",
    "explode",
    "fleiss_kappa",
    "implied_agreement",
    "kappa_with_known",
    "krippendorff_alpha",
    "label_probabilities",
    "mean_tau_b",
    "percent_agreement",
    "right_of",
    "same_of",
    "self_consistency",
    "votes_from_labels",
    "votes_from_rows",
    "wilson",
    "win_rate",
]
