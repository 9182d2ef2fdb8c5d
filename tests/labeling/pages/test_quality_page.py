"""The lead's page about quality, the form on a comparison's page, and the same over the API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, override_settings

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion
from labeling.actions.gold import mark_gold
from labeling.actions.projects import add_member, create_project, update_project
from labeling.actions.prompts import add_prompt
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Assignment, Comparison, GoldAnswer, Membership, Project

PLAIN = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_site() -> Any:
    with override_settings(STORAGES=PLAIN, SECURE_SSL_REDIRECT=False):
        yield


@pytest.fixture
def lead(person: Callable[..., Any]) -> Any:
    return person("lena")


@pytest.fixture
def project(lead: Any, person: Callable[..., Any]) -> Project:
    project = create_project(slug="tea", name="Tea", by=lead, k=3, overlap=2)
    for number in range(8):
        prompt, _ = add_prompt(project=project, messages=f"Which tea? {number}")
        completions = [add_completion(prompt=prompt, text=text)[0] for text in ("Green", "Black", "Mint")]
        add_comparison(prompt=prompt, completions=completions)
    for name, role in (("ann", "annotator"), ("ben", "annotator"), ("rita", "reviewer")):
        add_member(project=project, person=person(name), role=role)
    return project


@pytest.fixture
def browser(lead: Any, project: Project, signed_in: Callable[[Any], Client]) -> Client:
    return signed_in(lead)


def member(project: Project, name: str) -> Any:
    return Membership.objects.get(project=project, person__username=name).person


def judge(person: Any, project: Project, ranks: list[int]) -> Assignment:
    served = serve_next(person=person, project=project)
    submit_judgment(person=person, assignment_id=served.pk, key=f"k{served.pk}", ranks=ranks)
    return served


def page(browser: Client, path: str = "/p/tea/quality/") -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_page_says_what_to_do(browser: Client) -> None:
    html = page(browser)
    assert "Nobody has judged a hidden known answer yet" in html
    assert "Open a comparison and mark it there" in html


def test_the_page_shows_accuracy_with_interval_and_n_and_what_people_miss(browser: Client, project: Project) -> None:
    update_project(project=project, gold_percent=50)
    for item in Comparison.objects.all()[:4]:
        mark_gold(comparison=item, ranks=[1, 2, 2], explanation="Green.")
    for name, ranks in (("ann", [1, 2, 3]), ("ben", [3, 2, 1])):
        for _ in range(8):
            judge(member(project, name), project, ranks)
    html = page(browser)
    assert "100\u00a0%" in html
    assert "0\u00a0%" in html
    assert "8 pairs" in html  # four items with two strict pairs each
    assert "A ≻ B = C" in html
    assert html.count("50\u00a0%") >= 4  # each item: one person right, one wrong


def test_a_lead_marks_changes_and_unmarks_a_comparison(browser: Client, project: Project, lead: Any) -> None:
    item = Comparison.objects.first()
    assert "Mark as a known answer" in page(browser, f"/p/tea/comparisons/{item.pk}/")
    said = {"do": "mark", "rank-0": "2", "rank-1": "1", "rank-2": "", "use": "practice", "explanation": "So."}
    assert browser.post(f"/p/tea/comparisons/{item.pk}/gold", said).status_code == 302
    gold = GoldAnswer.objects.get()
    assert (gold.ranks, gold.use, gold.explanation, gold.author) == ([2, 1, None], "practice", "So.", lead)
    assert "Change the known answer" in page(browser, f"/p/tea/comparisons/{item.pk}/")
    browser.post(f"/p/tea/comparisons/{item.pk}/gold", {"do": "unmark"})
    assert not GoldAnswer.objects.exists()


def test_what_is_wrong_with_an_answer_is_said(browser: Client, project: Project) -> None:
    item = Comparison.objects.first()
    answer = browser.post(f"/p/tea/comparisons/{item.pk}/gold", {"do": "mark", "rank-0": "1"}, follow=True)
    assert "Rank at least two completions" in answer.content.decode()


def test_what_all_judges_say_is_taken_from_the_comparison_and_from_the_page(browser: Client, project: Project) -> None:
    for name in ("ann", "ben"):
        for _ in range(8):
            judge(member(project, name), project, [2, 1, 3])
    item = Comparison.objects.first()
    assert "Take what all judges say: B ≻ A ≻ C" in page(browser, f"/p/tea/comparisons/{item.pk}/")
    browser.post(f"/p/tea/comparisons/{item.pk}/gold", {"do": "agreed", "use": "hidden"})
    assert [(gold.ranks, gold.source) for gold in GoldAnswer.objects.all()] == [([2, 1, 3], "agreed")]
    answer = browser.post("/p/tea/quality/", {"at_least": 2, "most": 3, "use": "hidden"}, follow=True)
    assert "3 comparisons marked" in answer.content.decode()
    assert GoldAnswer.objects.count() == 4
    assert browser.post("/p/tea/quality/", {"at_least": 1, "most": 3, "use": "hidden"}).status_code == 422


def test_practice_of_each_person_and_who_has_no_tries_left(browser: Client, project: Project) -> None:
    update_project(project=project, screening_items=2, screening_tries=1)
    for item in Comparison.objects.all()[:2]:
        mark_gold(comparison=item, ranks=[1, 2, 3], use="practice")
    for name, ranks in (("ann", [1, 2, 3]), ("ben", [3, 2, 1])):
        for _ in range(2):
            judge(member(project, name), project, ranks)
    html = page(browser)
    assert "no tries left" in html
    assert "100\u00a0%" in html
    assert html.index("ben") < html.index("ann")


@pytest.mark.parametrize("name", ["ann", "rita"])
def test_who_is_measured_sees_none_of_it(project: Project, signed_in: Callable[[Any], Client], name: str) -> None:
    item = Comparison.objects.first()
    gold = mark_gold(comparison=item, ranks=[1, 2, 3])
    client = signed_in(member(project, name))
    assert client.get("/p/tea/quality/").status_code == 403
    assert client.post(f"/p/tea/comparisons/{item.pk}/gold", {"do": "unmark"}).status_code == 403
    assert client.get("/api/gold/").json()["count"] == 0
    assert client.get(f"/api/gold/{gold.pk}/").status_code == 404
    assert client.delete(f"/api/gold/{gold.pk}/").status_code == 404
    assert client.get("/api/gold/people/?project=tea").status_code == 403
    assert client.get("/api/screening-attempts/").json()["count"] == 0
    assert GoldAnswer.objects.exists()


def test_the_api_marks_lists_promotes_and_unmarks(browser: Client, project: Project) -> None:
    item = Comparison.objects.first()
    made = browser.post("/api/gold/", {"comparison": item.pk, "ranks": [1, 2, None]}, content_type="application/json")
    assert (made.status_code, made.json()["ranks"], made.json()["author"]) == (201, [1, 2, None], "lena")
    refused = browser.post("/api/gold/", {"comparison": item.pk, "ranks": [1]}, content_type="application/json")
    assert (refused.status_code, refused.json()["field"]) == (400, "ranks")
    for name in ("ann", "ben"):
        for _ in range(7):
            judge(member(project, name), project, [1, 2, 3])
    promoted = browser.post(
        "/api/gold/promote/", {"project": "tea", "at_least": 2, "most": 1}, content_type="application/json"
    )
    assert [gold["source"] for gold in promoted.json()] == ["agreed"]
    assert browser.get("/api/gold/?project=tea&use=hidden").json()["count"] == 2
    assert browser.delete(f"/api/gold/{made.json()['id']}/").status_code == 204
    assert browser.get("/api/gold/people/?project=tea").json() == {"accuracy": [], "self_consistency": []}


def test_the_api_lists_tries_and_figures(browser: Client, project: Project) -> None:
    update_project(project=project, screening_items=1, gold_percent=50)
    practice, *hidden = Comparison.objects.all()[:4]
    mark_gold(comparison=practice, ranks=[1, 2, 3], use="practice")
    for item in hidden:
        mark_gold(comparison=item, ranks=[1, 2, 3])
    for _ in range(7):
        judge(member(project, "ann"), project, [1, 2, 3])
    (attempt,) = browser.get("/api/screening-attempts/?person=ann").json()["results"]
    assert (attempt["state"], attempt["accuracy"], attempt["items"]) == ("passed", 1.0, 1)
    (figure,) = browser.get("/api/gold/people/?project=tea").json()["accuracy"]
    assert (figure["username"], figure["value"], figure["n"], figure["items"]) == ("ann", 1.0, 9, 3)
