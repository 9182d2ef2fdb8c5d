"""Who opens the pages: a lead, a reviewer, an annotator, and a lead of another project."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from labeling.actions.projects import add_member, create_project
from labeling.models import Project


@pytest.fixture
def signed_in() -> Callable[[Any], Client]:
    def make(person: Any) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return make


@pytest.fixture
def reviewer(person: Callable[..., Any], project: Project) -> Any:
    someone = person("rita")
    add_member(project=project, person=someone, role="reviewer")
    return someone


@pytest.fixture
def other_lead(person: Callable[..., Any]) -> Any:
    """Leads a project, and is a stranger in this one."""
    someone = person("otto")
    create_project(slug="coffee", name="Coffee", by=someone)
    return someone
