"""Why a figure of agreement is undefined, in words a lead understands."""

from __future__ import annotations

from labeling.agreement.pairs import PairVotes, Ties

NO_JUDGMENTS = "There are no judgments yet."
ONLY_TIES = "Every judgment is a tie, and ties are left out."
NOBODY_SHARES = "No comparison has been judged by two people yet."
NOBODY_SHARES_STRICTLY = "No comparison has two judgments that are not ties, and ties are left out."
ONE_ANSWER = (
    "Everyone gave the same answer on every comparison. Without variation nobody can tell agreement from habit, "
    "so a figure corrected for chance does not exist; see percent agreement instead."
)
NOT_SHARED = "These two people have not judged the same comparison."
NOT_SHARED_STRICTLY = "These two people have no comparison in common that both decided without a tie."
SAME_SINGLE_ANSWER = (
    "Both people gave one and the same answer on every comparison they share, so chance alone would explain their "
    "agreement and kappa does not exist."
)
ONLY_FLAT_RANKINGS = (
    "In every pair of rankings, at least one ranks all completions equal, which has no order to compare."
)


def nobody_shares(votes: PairVotes, ties: Ties) -> str:
    """The reason why no pair of completions has two votes; `votes` are the votes before ties are dropped."""
    if not len(votes):
        return NO_JUDGMENTS
    if ties == "drop":
        return ONLY_TIES if not len(votes.under(ties)) else NOBODY_SHARES_STRICTLY
    return NOBODY_SHARES
