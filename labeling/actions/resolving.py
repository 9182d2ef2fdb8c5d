"""What a lead decides about what waits for them, and about the comparison or the person that it is about."""

from typing import Any

from django.db import transaction

from labeling.actions import screening
from labeling.actions.comparisons import change_comparison
from labeling.actions.content import check_text
from labeling.actions.errors import ActionError
from labeling.actions.notices import settle
from labeling.actions.projects import set_member_state
from labeling.models import Comparison, Membership, Notice

Kind = Notice.Kind
MOST_WORDS = 150  # with what was done they fit into `Notice.resolution`

# What can be done about a notice of each kind, the usual thing first, in the words of its button.
CHOICES: dict[str, dict[str, str]] = {
    Kind.FLAGGED: {"leave": "Nothing to change", "reopen": "Reopen it", "retire": "Retire the comparison"},
    Kind.SKIPPED: {"reopen": "Reopen it", "retire": "Retire the comparison", "leave": "Leave it aside"},
    Kind.BELOW_FLOOR: {"reinstate": "Let them work again", "leave": "Leave them paused"},
    Kind.SCREENED_OUT: {"grant_try": "Give one more try", "let_pass": "Let them pass", "leave": "Leave it so"},
}
DONE = {
    "leave": "Left as it was",
    "reopen": "Reopened",
    "retire": "Retired",
    "reinstate": "Reinstated",
    "grant_try": "Given one more try",
    "let_pass": "Let pass",
}


def choices_for(notice: Notice) -> dict[str, str]:
    """What can be done about the notice now: words by choice."""
    choices = dict(CHOICES.get(notice.kind, {"leave": "Done"}))
    if notice.comparison is not None and notice.comparison.state == Comparison.State.OPEN:
        choices.pop("reopen", None)
    if notice.comparison is not None and notice.comparison.state == Comparison.State.RETIRED:
        choices.pop("retire", None)
    return choices


@transaction.atomic
def resolve(*, notice: Notice, by: Any, choice: str, words: str = "") -> Notice:
    """Settle a notice and do what was chosen about it. Of two leads who decide, the first one's word holds.

    choice: one of CHOICES for its kind; words: why, for other leads. Raises ActionError "invalid", or "conflict"
    when what was chosen cannot be done.
    """
    if choice not in CHOICES.get(notice.kind, {"leave": ""}):
        known = ", ".join(CHOICES.get(notice.kind, {"leave": ""}))
        raise ActionError(f'"{choice}" cannot be done about this; choose one of {known}.', field="resolution")
    words = check_text(words, "words", empty=True, longest=MOST_WORDS).strip()
    if notice.comparison_id is not None:  # the comparison is locked before its notices, by everybody
        Comparison.objects.select_for_update(no_key=True).get(pk=notice.comparison_id)
    locked = Notice.objects.select_for_update(no_key=True, of=("self",)).get(pk=notice.pk)
    if locked.settled is not None:
        return locked
    settled = settle(notice=locked, by=by, resolution=f"{DONE[choice]}. {words}".strip())
    if choice in ("reopen", "retire"):
        state = Comparison.State.OPEN if choice == "reopen" else Comparison.State.RETIRED
        set_comparison_state(comparison=settled.comparison, state=state, by=by)
    elif choice != "leave":
        _about_person(settled, choice, by)
    return settled


def _about_person(notice: Notice, choice: str, by: Any) -> None:
    membership = Membership.objects.filter(project=notice.project_id, person=notice.person_id).first()
    if membership is None:
        raise ActionError("The person is no member of the project any more.", "conflict")
    if choice == "reinstate":
        resume_member(membership=membership, by=by)
    elif choice == "let_pass":
        screening.let_pass(membership=membership, by=by)
    else:
        screening.grant_try(membership=membership, by=by)


@transaction.atomic
def set_comparison_state(*, comparison: Comparison, state: str, by: Any) -> Comparison:
    """Pause, resume, reopen or retire a comparison, and settle what that answers: what was skipped by several is
    settled once it is open again, and everything about it once it is retired."""
    changed = change_comparison(comparison=comparison, state=state)
    waiting = Notice.objects.filter(comparison=comparison, settled__isnull=True).order_by("pk")
    if state == Comparison.State.OPEN:
        _settle_all(waiting.filter(kind=Kind.SKIPPED), by, "reopen")
    elif state == Comparison.State.RETIRED:
        _settle_all(waiting, by, "retire")
    return changed


@transaction.atomic
def resume_member(*, membership: Membership, by: Any) -> Membership:
    """Let a paused or retired member work again; they start anew on gold, and the leads' notice of it is settled."""
    resumed = set_member_state(membership=membership, state=Membership.State.ACTIVE)
    waiting = Notice.objects.filter(
        project=membership.project_id, person=membership.person_id, kind=Kind.BELOW_FLOOR, settled__isnull=True
    )
    _settle_all(waiting.order_by("pk"), by, "reinstate")
    return resumed


def _settle_all(notices: Any, by: Any, choice: str) -> None:
    for notice in notices:
        settle(notice=notice, by=by, resolution=f"{DONE[choice]}.")
