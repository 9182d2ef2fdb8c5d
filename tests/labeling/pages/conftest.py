"""Who opens the pages: a lead, a reviewer, an annotator, and a lead of another project."""

from collections.abc import Callable
from typing import Any

import pytest

from labeling.actions.projects import create_project


@pytest.fixture
def other_lead(person: Callable[..., Any]) -> Any:
    """Leads a project, and is a stranger in this one."""
    someone = person("otto")
    create_project(slug="coffee", name="Coffee", by=someone)
    return someone
