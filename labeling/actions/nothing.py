"""Why there is nothing to rank for a person, in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Reason = Literal[
    "all_done",
    "all_leased",
    "held_back",
    "paused",
    "person_paused",
    "not_qualified",
    "screened_out",
    "no_comparisons",
    "not_member",
]
WORDS: dict[str, str] = {
    "all_done": "You have ranked everything that is here for you. Thank you.",
    "all_leased": "Everything that is left is open with other people right now. It comes back when they leave it.",
    "held_back": "What is left here is paused, or waits for a lead to look at it. It comes back when they let it.",
    "paused": "Ranking is paused here. Your earlier rankings are safe; a lead can resume it.",
    "person_paused": "Your work here is paused. Your earlier rankings are safe.",
    "not_qualified": "What is left here asks for another language or qualification than you have. A lead can add it.",
    "screened_out": "You have used all your tries at the practice items. A lead has been told and can let you go on.",
    "no_comparisons": "There is nothing to rank yet. Comparisons appear as soon as completions are there.",
    "not_member": "You are not a member of this project. Ask a lead to add you.",
}


@dataclass(frozen=True)
class NothingLeft:
    """Why there is no comparison for a person; `next_expiry` is when the next lease of somebody else ends."""

    reason: Reason
    message: str
    next_expiry: datetime | None = None


DONE_BY_OTHERS = "Everything that is here has been ranked by others. Thank you for looking in."


def nothing(reason: Reason, next_expiry: datetime | None = None, more: str = "", words: str = "") -> NothingLeft:
    """`words` instead of the usual ones; `more` is added to them."""
    return NothingLeft(reason, f"{words or WORDS[reason]} {more}".strip(), next_expiry)
