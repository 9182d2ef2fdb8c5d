"""One's own assignments as the API tells them, for the requests that every ranking makes.

Says what AssignmentSerializer says (a test holds them together), from two plain queries instead of a dozen built ones.
"""

from typing import Any

from django.http import Http404
from rest_framework import serializers

from labeling.models import Assignment, Judgment, Project
from labeling.queries.served import shown_to
from labeling.statements import find_one

_moment = serializers.DateTimeField().to_representation


def number_of(pk: str) -> int:
    """The number in an address. Raises Http404 for what can be nobody's."""
    if not pk.isdecimal() or len(pk) > 18:
        raise Http404("No such assignment of yours.")
    return int(pk)


def told(assignment: Assignment, project: Project) -> dict[str, Any]:
    """The assignment as AssignmentSerializer gives it."""
    shown = shown_to(assignment)
    latest = find_one(Judgment, "id = %s", [assignment.latest_id]) if assignment.latest_id else None
    order = assignment.shown or range(len(shown.texts))
    return {
        "id": assignment.pk,
        "project": project.slug,
        "state": "judged" if assignment.state == Assignment.State.SURPLUS else str(assignment.state),
        "expires": _moment(assignment.expires),
        "prompt": shown.messages,
        "completions": [{"text": text} for text in shown.texts],
        "allow_ties": project.allow_ties,
        "practice": assignment.kind == Assignment.Kind.PRACTICE,
        "ranks": [latest.ranks[position] for position in order] if latest else None,
        "skip_reason": assignment.skip_reason,
    }
