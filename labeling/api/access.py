"""What of the site a person's API calls can reach."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from labeling.models import Membership, Project
from labeling.policies import may_lead, may_review, require

REVIEWING = (Membership.Role.REVIEWER, Membership.Role.LEAD)


def projects_of(person: Any, roles: tuple[str, ...] | None = None) -> QuerySet[Project]:
    """The projects this person belongs to, or those in which they have one of the roles. Superusers reach all."""
    if person.is_superuser:
        return Project.objects.all()
    memberships = Membership.objects.filter(person=person).exclude(state=Membership.State.RETIRED)
    if roles is not None:
        memberships = memberships.filter(role__in=roles)
    return Project.objects.filter(pk__in=memberships.values("project"))


def own_project(person: Any, slug: str) -> Project:
    """The person's project of this name; 404 when there is none or it is not theirs: the two look the same."""
    return get_object_or_404(projects_of(person), slug=slug)


def led_project(person: Any, slug: str) -> Project:
    """The project if the person leads it; 404 outside, 403 for other members."""
    project = own_project(person, slug)
    require(may_lead(person, project), "do this; only a lead of the project may")
    return project


def reviewed_project(person: Any, slug: str) -> Project:
    """The project if the person reviews or leads it; 404 outside, 403 for annotators."""
    project = own_project(person, slug)
    require(may_review(person, project), "see what others said; reviewers and leads may")
    return project
