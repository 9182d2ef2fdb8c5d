"""What a person finds on the home page."""

from typing import Any

from labeling.models import Membership, Project
from labeling.policies import role_in


def projects_of(person: Any) -> list[dict[str, Any]]:
    """The person's projects, newest first: `project`, `role` and `progress` (labeling.queries.progress)."""
    from labeling.queries.progress import project_progress

    projects = Project.objects.exclude(state=Project.State.RETIRED).order_by("-created")
    if not person.is_superuser:
        # a subquery: exclude() across the relation would take away every project that anybody has left
        belongs = Membership.objects.filter(person=person).exclude(state=Membership.State.RETIRED)
        projects = projects.filter(pk__in=belongs.values("project"))
    found = []
    for project in projects:
        role = role_in(person, project)
        if role is not None:
            found.append({"project": project, "role": role, "progress": project_progress(project)})
    return found
