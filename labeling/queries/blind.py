"""Who may know by now which model wrote what.

Nobody who may still be asked to rank a comparison: reviewers and leads rank too, and their judgments count in blind win
rates like everybody's.
"""

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from labeling.models import Assignment, Comparison, Membership, Project


def still_to_rank(person: Any, role: str) -> Q:
    """Comparisons that the person may yet be given, and so must not see the authors of.

    Known answers are open to leads, who set them; others must not be able to tell them by this.
    """
    given = [Assignment.State.JUDGED, Assignment.State.SURPLUS]
    said = Assignment.objects.filter(comparison=OuterRef("pk"), annotator=person, state__in=given)
    wanted = Q(judged__lt=F("overlap"), gold=False)
    if role != Membership.Role.LEAD:
        wanted |= Q(gold=True)
    return wanted & ~Q(state=Comparison.State.RETIRED) & ~Exists(said)


def hidden_from(person: Any, projects: QuerySet[Project]) -> QuerySet[Comparison]:
    """Of these projects, which the person reviews: the comparisons whose completions they must not look up. By number
    and time of writing it can be told which model's they are."""
    return Comparison.objects.filter(still_to_rank(person, Membership.Role.REVIEWER), project__in=projects)


def hidden_here(person: Any, project: Project, role: str) -> QuerySet[Comparison] | None:
    """The same in one project, for somebody of that role in it; None for those who lead it."""
    if role == Membership.Role.LEAD:
        return None
    return hidden_from(person, Project.objects.filter(pk=project.pk))
