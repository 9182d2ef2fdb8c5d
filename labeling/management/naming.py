"""Finding what a command's arguments name."""

from difflib import get_close_matches

from django.core.management.base import CommandError

from labeling.models import Project


def project_named(slug: str) -> Project:
    """The project with this short name; CommandError with the nearest names otherwise."""
    project = Project.objects.filter(slug=slug).first()
    if project is not None:
        return project
    names = list(Project.objects.values_list("slug", flat=True)[:1000])
    near = get_close_matches(slug, names) or names[:5]
    there = f"There are {', '.join(near)}." if near else "There is none yet."
    raise CommandError(f'There is no project "{slug}". {there}')
