"""Who may do this? Every page, API view and action asks here, and nowhere else.

A policy answers with a bool; `require` turns a no into `PermissionDenied` with words.
"""

from typing import Any

from django.core.exceptions import PermissionDenied

from labeling.models import Assignment, Membership, Project


def role_in(person: Any, project: Project, member: Membership | None = None) -> str | None:
    """The person's role in the project, or None. Superusers lead every project. member: theirs, if it is at hand."""
    if not getattr(person, "is_authenticated", False) or not person.is_active:
        return None
    if person.is_superuser:
        return Membership.Role.LEAD
    member = member or Membership.objects.filter(project=project, person=person).first()
    return member.role if member and member.state != Membership.State.RETIRED else None


def may_see_project(person: Any, project: Project) -> bool:
    """Members only; to others a project does not exist."""
    return role_in(person, project) is not None


def may_annotate(person: Any, project: Project) -> bool:
    """Every member may rank, leads too: a lead who never ranks does not know the task."""
    return role_in(person, project) is not None


def may_review(person: Any, project: Project) -> bool:
    """Reviewers and leads see what others said."""
    return role_in(person, project) in (Membership.Role.REVIEWER, Membership.Role.LEAD)


def may_lead(person: Any, project: Project) -> bool:
    """Leads import, export, train, promote and cancel."""
    return role_in(person, project) == Membership.Role.LEAD


def may_hold(person: Any, assignment: Assignment) -> bool:
    """An assignment is its annotator's alone."""
    return assignment.annotator_id == getattr(person, "pk", None)


def may_create_project(person: Any) -> bool:
    """Leads of some project, and staff, may open another one."""
    if not getattr(person, "is_authenticated", False):
        return False
    return (
        person.is_staff
        or person.is_superuser
        or Membership.objects.filter(person=person, role="lead").exclude(state="retired").exists()
    )


def require(allowed: bool, what: str) -> None:
    """Raise PermissionDenied naming `what` unless allowed."""
    if not allowed:
        raise PermissionDenied(f"You may not {what}.")
