"""Passing the qualification set before work is given, and staying above the floor on gold afterwards."""

from typing import Any

from labeling.actions.leases import Taking
from labeling.actions.nothing import NothingLeft, nothing
from labeling.models import Assignment, Judgment, Membership, Project


def is_asked_of(project: Project, member: Membership | None) -> bool:
    """Whether the person has to pass the qualification set first: annotators of projects that screen."""
    return bool(
        project.screening_items
        and member is not None
        and member.role == Membership.Role.ANNOTATOR
        and member.qualified is None
    )


def next_practice(*, person: Any, project: Project) -> Taking | NothingLeft:
    """The next item of the person's try; why there is none."""
    return nothing("all_done")


def after_judgment(assignment: Assignment, judgment: Judgment) -> None:
    """What follows from a judgment of a practice or a gold item. Runs inside the transaction that stored it."""
