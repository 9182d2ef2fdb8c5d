"""What a person finds on the home page."""

from typing import Any

from labeling.models import Project
from labeling.policies import role_in


def projects_of(person: Any) -> list[dict[str, Any]]:
    """The person's projects, newest first: `project`, `role` and `progress` (labeling.queries.progress)."""
    from labeling.queries.progress import project_progress

    projects = Project.objects.exclude(state=Project.State.RETIRED).order_by("-created")
    if not person.is_superuser:
        projects = projects.filter(memberships__person=person).exclude(memberships__state="retired")
    found = []
    for project in projects.distinct():
        role = role_in(person, project)
        if role is not None:
            found.append({"project": project, "role": role, "progress": project_progress(project)})
    return found
