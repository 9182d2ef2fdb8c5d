"""Finding what a command's arguments name."""

from difflib import get_close_matches
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from labeling.models import Project


def project_named(slug: str) -> Project:
    """The project with this short name; CommandError with the nearest names otherwise."""
    project = Project.objects.filter(slug=slug).first()
    if project is not None:
        return project
    raise CommandError(
        f'There is no project "{slug}". {_nearest(slug, Project.objects.values_list("slug", flat=True))}'
    )


def account_named(name: str) -> Any:
    """The account of this name, if it is not closed; CommandError with the nearest names otherwise."""
    accounts = get_user_model().objects.filter(is_active=True)
    person = accounts.filter(username=name).first()
    if person is not None:
        return person
    names = accounts.filter(from_import=False).values_list("username", flat=True)
    raise CommandError(
        f'There is no account "{name}". {_nearest(name, names)} To make one: manage.py add_person {name}'
    )


def _nearest(name: str, others: Any) -> str:
    names = list(others[:1000])
    near = get_close_matches(name, names) or names[:5]
    return f"There are {', '.join(near)}." if near else "There is none yet."
