"""Who may still rank answers does not see on any page who wrote them."""

from uuid import uuid4

import pytest
from django.urls import reverse

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion, find_or_add_generator
from labeling.actions.gold import mark_gold
from labeling.actions.prompts import add_prompt
from labeling.actions.resolving import set_comparison_state
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(project):
    """Two models' answers, to be ranked by two people."""
    prompt, _ = add_prompt(project=project, messages="How do I brew tea?")
    completions = []
    for model, text in (("base-model", "Boil it."), ("new-model", "Steep it.")):
        author = find_or_add_generator(project=project, kind="imported", name=model)
        completions.append(add_completion(prompt=prompt, text=text, generator=author)[0])
    return add_comparison(prompt=prompt, completions=completions, overlap=2)[0]


def names_on(client, item):
    """Which of the pages that show its answers name a model."""
    pages = {
        "comparison": reverse("comparison", args=["tea", item.pk]),
        "prompt": reverse("prompt", args=["tea", item.prompt_id]),
    }
    return {name for name, path in pages.items() if "base-model" in client.get(path).content.decode()}


def rank(person, project, item):
    served = serve_next(person=person, project=project)
    assert served.comparison_id == item.pk
    submit_judgment(person=person, assignment_id=served.pk, key=uuid4().hex, ranks=[1, 2])


@pytest.mark.parametrize("who", ["lead", "reviewer"])
def test_authors_show_when_one_has_ranked(request, project, item, signed_in, who):
    someone = request.getfixturevalue(who)
    client = signed_in(someone)
    assert names_on(client, item) == set()
    rank(someone, project, item)
    assert names_on(client, item) == {"comparison", "prompt"}


@pytest.mark.parametrize("who", ["lead", "reviewer"])
def test_authors_show_when_nobody_is_asked_any_more(request, project, item, annotator, signed_in, who):
    client = signed_in(request.getfixturevalue(who))
    rank(annotator("ann"), project, item)
    assert names_on(client, item) == set(), "one judgment is still wanted"
    rank(annotator("ben"), project, item)
    assert names_on(client, item) == {"comparison", "prompt"}


def test_authors_show_when_it_is_retired(project, item, lead, reviewer, signed_in):
    set_comparison_state(comparison=item, state="paused", by=lead)
    assert names_on(signed_in(reviewer), item) == set(), "it may be resumed"
    set_comparison_state(comparison=item, state="retired", by=lead)
    assert names_on(signed_in(reviewer), item) == {"comparison", "prompt"}


def test_a_known_answer_shows_its_authors_to_leads_and_looks_like_any_other_to_reviewers(
    project, item, lead, reviewer, signed_in
):
    mark_gold(comparison=item, ranks=[1, 2], by=lead)
    assert names_on(signed_in(lead), item) == {"comparison", "prompt"}
    assert names_on(signed_in(reviewer), item) == set()
