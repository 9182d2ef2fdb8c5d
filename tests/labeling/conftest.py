"""A project with people, prompts and comparisons to rank."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion
from labeling.actions.projects import add_member, create_project
from labeling.actions.prompts import add_prompt
from labeling.models import Comparison, Project


@pytest.fixture
def lead(person: Callable[..., Any]) -> Any:
    return person("lena")


@pytest.fixture
def project(lead: Any) -> Project:
    """Led by lena; pairs, each to be judged twice."""
    return create_project(slug="tea", name="Tea", by=lead, k=2, overlap=2)


@pytest.fixture
def annotator(person: Callable[..., Any], project: Project) -> Callable[..., Any]:
    """Make an annotator of the project by name."""

    def make(name: str, **fields: Any) -> Any:
        someone = person(name, **fields)
        add_member(project=project, person=someone, role="annotator")
        return someone

    return make


@pytest.fixture
def compare(project: Project) -> Callable[..., Comparison]:
    """Add a comparison: compare("How do I brew tea?", "Boil it.", "Steep it.", overlap=3)."""

    def make(question: str, *texts: str, split: str = "train", **settings: Any) -> Comparison:
        prompt, _ = add_prompt(project=project, messages=question, split=split)
        texts = texts or ("Boil the leaves.", "Steep the leaves.")
        completions = [add_completion(prompt=prompt, text=text)[0] for text in texts]
        return add_comparison(prompt=prompt, completions=completions, **settings)[0]

    return make


@pytest.fixture
def call(db: None) -> Callable[..., Any]:
    """Call the API as a person: call(ann).get("/api/…")."""

    def as_person(someone: Any) -> Any:
        client = APIClient()
        client.force_authenticate(someone)
        return client

    return as_person


@pytest.fixture
def reviewer(person: Callable[..., Any], project: Project) -> Any:
    someone = person("rita")
    add_member(project=project, person=someone, role="reviewer")
    return someone
