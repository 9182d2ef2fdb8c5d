"""What the rank page shows: a comparison, or why there is none. Texts in the order drawn, and nothing that tells items
or answers apart: gold, repeats and the rest go through the same lines here."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from labeling.actions import serving
from labeling.actions.errors import ActionError
from labeling.actions.nothing import NothingLeft
from labeling.models import Assignment, Comparison, Membership, PersonTally, Project, ProjectTally
from labeling.queries.quality import practice_feedback

LETTERS = "ABCDEFGHI"
ROLES = {"system": "Instructions to the assistant", "user": "Person", "assistant": "Assistant"}
NOT_THE_LAST = "Only your last ranking can be changed. This one stays as it was."
# How soon a page with nothing to rank looks again, in seconds.
LOOK_AGAIN = {
    "no_comparisons": 4,
    "all_leased": 8,
    "all_done": 20,
    "held_back": 20,
    "paused": 30,
    "person_paused": 30,
    "not_qualified": 60,
    "screened_out": 60,
}
TITLES = {
    "all_done": "All done",
    "all_leased": "The rest is with others",
    "held_back": "The rest waits for a lead",
    "paused": "Ranking is paused",
    "person_paused": "Your work here is paused",
    "not_qualified": "What is left needs somebody else",
    "screened_out": "No tries left",
    "no_comparisons": "Nothing to rank yet",
    "not_member": "Not your project",
}

Served = Assignment | NothingLeft


@dataclass(frozen=True)
class Changeable:
    """A person's last ranking, and until when it may be changed."""

    assignment: Assignment
    until: datetime


def served_to(person: Any, project: Project, ahead: bool = False) -> Served:
    """What the person holds, or why nothing."""
    try:
        return serving.serve_next(person=person, project=project, ahead=ahead)
    except ActionError as error:
        return NothingLeft("all_leased", error.message)


def item_of(person: Any, project: Project, served: Served) -> dict[str, Any]:
    """What the template shows of what was served."""
    done = counts_of(tally_for(person, project))
    if isinstance(served, NothingLeft):
        return done | {"project": project, "nothing": served} | _waiting(person, project, served)
    return done | _comparison(project, served)


def item_ahead(person: Any, project: Project, in_hand: Served) -> dict[str, Any] | None:
    """The comparison after the one in hand. Practice is not held ahead: what comes next depends on how it went."""
    if isinstance(in_hand, NothingLeft) or in_hand.kind == Assignment.Kind.PRACTICE:
        return None
    following = served_to(person, project, ahead=True)
    if isinstance(following, NothingLeft) or following.kind == Assignment.Kind.PRACTICE:
        return None
    return item_of(person, project, following) | {"ahead": True}


def item_to_change(person: Any, project: Project, change: str) -> dict[str, Any]:
    """The person's last judgment, opened again. Only the last: what lies further back is not fresh any more."""
    tally = tally_for(person, project)
    last = last_judged(tally)
    if last is None or str(last.assignment.pk) != change:
        raise Http404(NOT_THE_LAST)
    latest = last.assignment.latest
    ranks = [latest.ranks[position] for position in last.assignment.order]
    said = {"amend": latest.revision, "ranks": json.dumps(ranks), "comment": latest.comment}
    return counts_of(tally) | _comparison(project, last.assignment) | said


def _comparison(project: Project, assignment: Assignment) -> dict[str, Any]:
    comparison = Comparison.objects.select_related("prompt").get(pk=assignment.comparison_id)
    texts = dict(comparison.candidates.values_list("position", "completion__text"))
    answers = [
        {"place": place, "letter": LETTERS[place], "text": texts[position]}
        for place, position in enumerate(assignment.order)
    ]
    turns = [
        {"role": message["role"], "who": ROLES.get(message["role"], message["role"]), "text": message["content"]}
        for message in comparison.prompt.messages
    ]
    if len(turns) == 1:
        turns[0]["who"] = "Prompt"
    return {
        "project": project,
        "assignment": assignment,
        "practice": assignment.kind == Assignment.Kind.PRACTICE,
        "turns": turns,
        "answers": answers,
        "slots": range(1, len(answers) + 1),
        "pair": len(answers) == 2,
        "key": uuid.uuid4().hex,
    }


def tally_for(person: Any, project: Project) -> PersonTally:
    """The person's counts; made up and not stored before their first visit."""
    mine = PersonTally.objects.filter(project=project, person=person).select_related("project", "last__latest").first()
    return mine or PersonTally(project=project, person=person)


def counts_of(tally: PersonTally) -> dict[str, Any]:
    """How many items the person has ranked here, practice aside, in all and since midnight, and the last one while it
    may change."""
    today = tally.judged_today if tally.day == timezone.localdate() else 0
    return {"ranked": tally.said - tally.practice, "ranked_today": today, "last": last_judged(tally)}


def last_judged(tally: PersonTally) -> Changeable | None:
    """What the person ranked last, while it may still be changed."""
    last, project = tally.last, tally.project
    if last is None or last.latest is None or last.kind == Assignment.Kind.PRACTICE or not project.undo_seconds:
        return None
    first = last.latest if last.latest.revision == 1 else last.judgments.get(revision=1)
    until = first.created + timedelta(seconds=project.undo_seconds)
    return Changeable(last, until) if timezone.now() <= until else None


def _waiting(person: Any, project: Project, nothing: NothingLeft) -> dict[str, Any]:
    """When to look again, and how many prompts have answers, which grows while the model still writes."""
    holds = ProjectTally.objects.filter(project=project).first() or ProjectTally(project=project)
    writing = holds.prompts_compared < holds.prompts and nothing.reason in ("no_comparisons", "all_done", "all_leased")
    title = "You are ahead of the model" if writing and nothing.reason == "all_done" else TITLES[nothing.reason]
    return {
        "title": title,
        "prompts": holds.prompts,
        "prompts_ready": holds.prompts_compared if writing else holds.prompts,
        "next_expiry": nothing.next_expiry,
        "look_again": LOOK_AGAIN.get("no_comparisons" if writing else nothing.reason, 0),
        "known_as": _known_as(person, project) if nothing.reason == "not_qualified" else None,
        "rank_url": reverse("rank", args=[project.slug]),
    }


def feedback_on(assignment: Assignment) -> dict[str, Any]:
    """What the person's answer to a practice item got right, and why."""
    return practice_feedback(assignment, assignment.latest)


def _known_as(person: Any, project: Project) -> dict[str, str]:
    """What the project has written down about the person, in words."""
    member = Membership.objects.filter(project=project, person=person).first() or Membership()
    return {
        "languages": ", ".join(member.languages) or "any",
        "qualifications": ", ".join(member.qualifications) or "none",
    }
