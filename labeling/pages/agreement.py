"""How far people agree, as the overview shows it: computed once for a state of the judgments, then kept."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from labeling.models import Comparison, Membership, Project
from labeling.pages.forest import Forest, forest, interval_text, text
from labeling.queries.blind import hidden_here
from labeling.queries.disagreements import SplitComparison, most_split
from labeling.queries.kept import kept, state_of_judgments
from labeling.queries.votes import agreement_of_project

PAIRS_SHOWN = 20
SPLITS_SHOWN = 5


def agreement_shown(project: Project, person: Any = None, role: str = Membership.Role.LEAD) -> dict[str, Any]:
    """`everyone` and `pairs` (Forest), `sentence`, `pairs_left_out`, and `splits`, the most disputed comparisons that
    the person may know of."""
    state = state_of_judgments(project)
    report = kept(f"agreement:{state}", lambda: agreement_of_project(project))
    pairs = sorted(report["cohen_kappa"], key=lambda pair: (-pair["n"], pair["annotators"]))
    return {
        "everyone": _everyone(report),
        "pairs": _pairs(pairs[:PAIRS_SHOWN]),
        "pairs_left_out": max(0, len(pairs) - PAIRS_SHOWN),
        "sentence": sentence(report),
        "splits": _splits(project, state, hidden_here(person, project, role)),
        "simulated": report["simulated_judgments"],
        "judgments": report["judgments"],
    }


def sentence(report: dict[str, Any]) -> str:
    """What the plot shows, in words; empty when there is nothing to show."""
    percent, alpha = report["percent_agreement"], report["krippendorff_alpha"]["nominal"]
    if percent["value"] is None:
        return ""
    words = f"Two people who judge the same two answers say the same in {text(percent['value'], 'percent')} of cases"
    if percent["low"] is not None:
        words += f" (95\u00a0% interval {interval_text(percent['low'], percent['high'], 'percent')})"
    if alpha["value"] is None:
        return f"{words}."
    return f"{words}. Corrected for chance that is an α of {text(alpha['value'])}: {_in_words(alpha)}."


def _in_words(alpha: dict[str, Any]) -> str:
    """Krippendorff's own thresholds (2004, ch. 11.4), and chance."""
    if alpha["low"] is None:
        return "too few prompts to say how far that may be trusted"
    if alpha["low"] <= 0 <= alpha["high"]:
        return "not clearly more than chance"
    if alpha["value"] < 0:
        return "less than chance, so people may read the guidelines in opposite ways"
    if alpha["value"] >= 0.8:
        return "reliable"
    if alpha["value"] >= 0.667:
        return "enough for tentative conclusions"
    return "more than chance, and short of the 0.667 that conclusions about single answers would need"


def _everyone(report: dict[str, Any]) -> Forest:
    alpha = report["krippendorff_alpha"]
    return forest(
        [
            ({"text": "Percent agreement", "about": "not corrected for chance"}, report["percent_agreement"]),
            ({"text": "Krippendorff α, nominal", "about": "any two different votes differ alike"}, alpha["nominal"]),
            ({"text": "Krippendorff α, ordinal", "about": "a tie lies between the two preferences"}, alpha["ordinal"]),
            ({"text": "Fleiss κ", "about": "any number of judges"}, report["fleiss_kappa"]),
            ({"text": "Kendall τ-b", "about": "of whole rankings, mean over pairs of judges"}, report["tau_b"]),
        ],
        chance=0.0,
        chance_label="what chance alone would give, for all but percent agreement",
    )


def _pairs(pairs: list[dict[str, Any]]) -> Forest:
    names = {name for pair in pairs for name in pair["annotators"]}
    person_of = {person.username: person for person in get_user_model().objects.filter(username__in=names)}
    rows = [
        ({"people": [person_of.get(name, {"username": name}) for name in pair["annotators"]]}, pair) for pair in pairs
    ]
    return forest(rows, chance=0.0, chance_label="what chance alone would give")


def _splits(project: Project, state: str, hidden: QuerySet[Comparison] | None) -> list[SplitComparison]:
    if hidden is not None:  # another one for each reviewer
        return most_split(project, limit=SPLITS_SHOWN, hidden=hidden)
    return kept(f"splits:{state}", lambda: most_split(project, limit=SPLITS_SHOWN))
