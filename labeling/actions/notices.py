"""What waits for a lead, and what a lead did about it."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from labeling.actions.content import check_text
from labeling.actions.errors import ActionError
from labeling.models import Comparison, Notice, Project

MOST_FLAGGED = 20_000  # characters of one person's open flag


def tell_lead(project: Project, kind: str, text: str, comparison: Any = None, person: Any = None) -> Notice:
    """Put something before the leads; a notice of the same kind about the same that is still open is returned."""
    about = {"project": project, "kind": kind, "comparison": comparison, "person": person}
    open_one = Notice.objects.filter(settled__isnull=True, **about).first()
    return open_one or Notice.objects.create(text=text, **about)


def tell_of_skips(comparison: Comparison, project: Project, reason: str) -> None:
    """Once enough people have skipped an open comparison it waits for a lead. The caller has locked it."""
    comparison.refresh_from_db(fields=["skips", "state"])
    if not project.skips_to_lead or comparison.skips < project.skips_to_lead:
        return
    if comparison.state != Comparison.State.OPEN:
        return
    Comparison.objects.filter(pk=comparison.pk).update(state=Comparison.State.REVIEW)
    said = f" The last reason: {reason}" if reason else ""
    tell_lead(project, Notice.Kind.SKIPPED, f"{comparison.skips} people skipped it.{said}", comparison=comparison)


@transaction.atomic
def flag(*, person: Any, assignment: Any, reason: str) -> Notice:
    """Tell the leads that something is wrong with a comparison one was given. It stays open, and may be ranked.

    Flagged again before a lead has settled it, the words are added to the first.
    """
    reason = check_text(reason, "reason", longest=2000).strip()
    if assignment.annotator_id != person.pk:
        raise ActionError("There is no such assignment of yours.", "not_found")
    Comparison.objects.select_for_update(no_key=True).get(pk=assignment.comparison_id)  # two at once are one notice
    notice = tell_lead(assignment.project, Notice.Kind.FLAGGED, reason, comparison=assignment.comparison, person=person)
    if reason not in notice.text and len(notice.text) < MOST_FLAGGED:
        notice.text = f"{notice.text}\n{reason}"
        notice.save(update_fields=["text"])
    return notice


@transaction.atomic
def settle(*, notice: Notice, by: Any, resolution: str = "") -> Notice:
    """Say that a notice is done with. Settling one twice changes nothing."""
    locked = Notice.objects.select_for_update(no_key=True, of=("self",)).get(pk=notice.pk)
    if locked.settled is None:
        locked.settled, locked.settled_by = timezone.now(), by
        locked.resolution = check_text(resolution, "resolution", empty=True, longest=200).strip()
        locked.save(update_fields=["settled", "settled_by", "resolution"])
    return locked
