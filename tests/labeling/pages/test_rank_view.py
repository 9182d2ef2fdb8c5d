"""What the rank page's addresses answer: the next comparison, or words."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion, find_or_add_generator
from labeling.actions.projects import add_member, create_project
from labeling.actions.prompts import add_prompt
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Assignment, Judgment, Project
from labeling.pages.rank import to_canonical

SCRIPT = {"X-Luce-Fragment": "rank"}
PLAIN = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_site() -> Any:
    with override_settings(STORAGES=PLAIN, SECURE_SSL_REDIRECT=False):
        yield


@pytest.fixture
def project(person: Callable[..., Any]) -> Project:
    project = create_project(slug="tea", name="Tea", k=3, overlap=1)
    for number in range(3):
        prompt, _ = add_prompt(project=project, messages=f"Which tea? {number}")
        texts = ("Green, at 80 degrees", "Black", "Mint")
        completions = [add_completion(prompt=prompt, text=text)[0] for text in texts]
        add_comparison(prompt=prompt, completions=completions)
    return project


@pytest.fixture
def ann(person: Callable[..., Any], project: Project) -> Any:
    ann = person("ann")
    add_member(project=project, person=ann)
    return ann


@pytest.fixture
def browser(ann: Any) -> Client:
    client = Client(headers=SCRIPT)
    client.force_login(ann)
    return client


def lease(ann: Any, project: Project) -> Assignment:
    served = serve_next(person=ann, project=project)
    assert isinstance(served, Assignment)
    return served


def submit(client: Client, assignment: Assignment, **body: Any) -> HttpResponse:
    said = {"key": "k1", "ranks": [1, 2, 3]} | body
    path = f"/p/tea/rank/{assignment.pk}/submit"
    return client.post(path, json.dumps(said), content_type="application/json")


def test_ranks_by_place_become_ranks_by_position() -> None:
    assert to_canonical([1, 2, 3, 4], [2, 0, 3, 1]) == [2, 4, 1, 3]


def test_a_submit_stores_canonical_ranks_and_brings_the_next(browser: Client, ann: Any, project: Project) -> None:
    assignment = lease(ann, project)
    answer = submit(browser, assignment, ranks=[3, 1, 2], active_seconds=4.5, comment=" Mint wins ")
    judgment = Judgment.objects.get()
    assert [judgment.ranks[position] for position in assignment.shown] == [3, 1, 2]
    assert (judgment.comment, judgment.active_seconds) == ("Mint wins", 4.5)
    assert answer.status_code == 200
    following = serve_next(person=ann, project=project)
    assert f'data-item="{following.pk}"' in answer.content.decode()


def test_the_same_key_twice_stores_once(browser: Client, ann: Any, project: Project) -> None:
    assignment = lease(ann, project)
    assert submit(browser, assignment).status_code == 200
    assert submit(browser, assignment, ranks=[3, 2, 1]).status_code == 200
    assert Judgment.objects.count() == 1


def test_another_key_after_that_conflicts_and_goes_on(browser: Client, ann: Any, project: Project) -> None:
    assignment = lease(ann, project)
    submit(browser, assignment)
    answer = submit(browser, assignment, key="k2")
    assert answer.status_code == 409
    assert b"stored already" in answer.content
    assert b"data-item=" in answer.content


def test_work_given_to_somebody_else_meanwhile_is_kept_all_the_same_and_goes_on(
    browser: Client, ann: Any, project: Project, person: Callable[..., Any]
) -> None:
    assignment = lease(ann, project)
    Assignment.objects.filter(pk=assignment.pk).update(expires="2020-01-01T00:00Z")
    ben = person("ben")
    add_member(project=project, person=ben)
    from labeling.actions.leases import free_expired_leases

    free_expired_leases()
    submit_judgment(person=ben, assignment_id=lease(ben, project).pk, key="b", ranks=[1, 2, 3])
    answer = submit(browser, assignment)
    assert answer.status_code == 200
    assignment.refresh_from_db()
    assert (assignment.state, assignment.latest.ranks) == ("surplus", assignment.latest.ranks)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"ranks": [1, 2]}, "2 entries"),
        ({"ranks": "123"}, "must be a list"),
        ({"ranks": [1, 0, 2]}, "whole number"),
        ({"ranks": [None, None, 1]}, "at least two"),
        ({"key": ""}, "key"),
        ({"comment": 5}, "comment"),
        ({"active_seconds": "long"}, "active_seconds"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(
    browser: Client, ann: Any, project: Project, body: dict[str, Any], words: str
) -> None:
    answer = submit(browser, lease(ann, project), **body)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Judgment.objects.exists()


@pytest.mark.parametrize("body", ["{", "[]", "7"])
def test_a_body_that_is_no_object_is_refused(browser: Client, ann: Any, project: Project, body: str) -> None:
    path = f"/p/tea/rank/{lease(ann, project).pk}/submit"
    assert browser.post(path, body, content_type="application/json").status_code == 400


def test_without_ties_a_tie_is_refused(browser: Client, ann: Any, project: Project) -> None:
    Project.objects.update(allow_ties=False)
    answer = submit(browser, lease(ann, project), ranks=[1, 1, 2])
    assert answer.status_code == 400
    assert b"does not allow ties" in answer.content


def test_an_assignment_of_somebody_else_does_not_exist(
    browser: Client, project: Project, person: Callable[..., Any]
) -> None:
    ben = person("ben")
    add_member(project=project, person=ben)
    answer = submit(browser, lease(ben, project))
    assert answer.status_code == 404
    assert answer["X-Luce-Fragment"] == "rank"
    assert not Judgment.objects.exists()


def test_a_signed_out_script_is_told_and_a_person_is_led_to_sign_in(project: Project) -> None:
    assert Client(headers=SCRIPT).get("/p/tea/rank/").status_code == 401
    answer = Client().get("/p/tea/rank/")
    assert answer.status_code == 302
    assert "sign-in" in answer["Location"]


def test_to_strangers_the_project_does_not_exist(project: Project, person: Callable[..., Any]) -> None:
    stranger = Client()
    stranger.force_login(person("eve"))
    assert stranger.get("/p/tea/rank/").status_code == 404


def test_only_the_last_ranking_can_be_changed(browser: Client, ann: Any, project: Project) -> None:
    first = lease(ann, project)
    submit(browser, first)
    second = lease(ann, project)
    submit(browser, second)
    reloaded = Client()
    reloaded.force_login(ann)
    stale = reloaded.get(f"/p/tea/rank/?change={first.pk}", follow=True)
    assert stale.redirect_chain == [("/p/tea/rank/", 302)]
    assert b"Only your last ranking can be changed" in stale.content
    assert b"data-amend" not in stale.content
    assert browser.get(f"/p/tea/rank/?change={first.pk}").status_code == 404
    assert b"data-amend" in browser.get(f"/p/tea/rank/?change={second.pk}").content
    assert submit(browser, first, key="k3", amend=True, ranks=[3, 2, 1]).status_code == 409
    assert submit(browser, second, key="k4", amend=True, ranks=[3, 2, 1]).status_code == 200
    assert second.judgments.count() == 2


def test_the_page_tells_nothing_of_where_answers_come_from(browser: Client, ann: Any, project: Project) -> None:
    """Two comparisons that differ only in what wrote the answers, and in ids, look the same."""
    for name in ("model-of-the-lead", "model-of-nobody"):
        prompt, _ = add_prompt(project=project, messages=f"Which cup, says {len(name)}?")
        generator = find_or_add_generator(project=project, kind="model", name=name, settings={"temperature": 0.7})
        completions = [
            add_completion(prompt=prompt, text=text, generator=generator, tokens=4321, finished=False)[0]
            for text in ("Blue", "Red", "The one with a handle")
        ]
        add_comparison(prompt=prompt, completions=completions, priority=9)
    pages = []
    for _ in range(2):
        html = browser.get("/p/tea/rank/").content.decode()
        assert "Which cup" in html
        assert not re.search(r"model-of|0\.7\b|4321|completion|candidate|generator|shown", html)
        pages.append(sorted(re.findall(r'<div class="markdown" dir="auto">.*?</div>', html, re.S)[1:]))
        submit(browser, lease(ann, project))
    assert pages[0] == pages[1]


def test_renewing_says_when_the_lease_ends(browser: Client, ann: Any, project: Project) -> None:
    assignment = lease(ann, project)
    answer = browser.post(f"/p/tea/rank/{assignment.pk}/renew")
    assignment.refresh_from_db()
    assert answer.json() == {"expires": assignment.expires.isoformat(), "ahead": False}
