"""One comparison ahead: what the page that holds one is answered."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from django.utils import timezone

from labeling.actions.leases import AHEAD_SECONDS, free_expired_leases
from labeling.actions.projects import add_member
from labeling.actions.serving import serve_next
from labeling.models import Assignment, Judgment, Project
from tests.labeling.pages.test_rank_view import PLAIN, SCRIPT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_site() -> Any:
    with override_settings(STORAGES=PLAIN, SECURE_SSL_REDIRECT=False):
        yield


@pytest.fixture
def ann(annotator: Callable[..., Any]) -> Any:
    return annotator("ann")


@pytest.fixture
def browser(ann: Any) -> Client:
    client = Client(headers=SCRIPT)
    client.force_login(ann)
    return client


@pytest.fixture
def questions(compare: Callable[..., Any]) -> None:
    for number in range(4):
        compare(f"What is {number} and {number}?", overlap=1)


def post(client: Client, path: str, **body: Any) -> HttpResponse:
    return client.post(f"/p/tea/rank/{path}", json.dumps(body), content_type="application/json")


def submit(client: Client, assignment: int, ahead: int | None, key: str = "k1", **more: Any) -> HttpResponse:
    return post(client, f"{assignment}/submit", key=key, ranks=[1, 2], ahead=ahead, **more)


def items(answer: HttpResponse) -> list[tuple[int, bool]]:
    """The comparisons in an answer, and whether each is to be held ahead."""
    articles = re.findall(r"<article.*?>", answer.content.decode(), re.S)
    return [(int(re.search(r'data-item="(\d+)"', each)[1]), "data-ahead" in each) for each in articles]


def open_two(browser: Client) -> tuple[int, int]:
    first = items(browser.get("/p/tea/rank/"))[0][0]
    [(second, ahead)] = items(post(browser, "ahead"))
    assert ahead
    return first, second


def held(ann: Any) -> dict[int, bool]:
    return dict(Assignment.objects.filter(annotator=ann, state="leased").values_list("pk", "ahead"))


def test_the_page_holds_one_ahead_on_a_short_lease(browser: Client, ann: Any, questions: None) -> None:
    first, second = open_two(browser)
    assert held(ann) == {first: False, second: True}
    assert Assignment.objects.get(pk=second).expires <= timezone.now() + timedelta(seconds=AHEAD_SECONDS)
    assert items(post(browser, "ahead")) == [(second, True)]


def test_a_submit_moves_the_one_ahead_up_and_brings_the_one_after_it(
    browser: Client, ann: Any, questions: None
) -> None:
    first, second = open_two(browser)
    answer = submit(browser, first, ahead=second)
    [(third, ahead)] = items(answer)
    assert ahead
    assert held(ann) == {second: False, third: True}
    assert "1 ranked today" in answer.content.decode()
    assert f"change={first}" in answer.content.decode()


def test_a_retry_is_answered_like_the_first_time(browser: Client, ann: Any, questions: None) -> None:
    first, second = open_two(browser)
    assert items(submit(browser, first, ahead=second)) == items(submit(browser, first, ahead=second))
    assert Judgment.objects.count() == 1


def test_a_page_that_holds_none_is_given_both(browser: Client, ann: Any, questions: None) -> None:
    first, second = open_two(browser)
    answer = submit(browser, first, ahead=0)
    assert [ahead for _, ahead in items(answer)] == [False, True]
    assert items(answer)[0][0] == second


def test_a_page_that_does_not_ask_is_given_one(browser: Client, ann: Any, questions: None) -> None:
    first = items(browser.get("/p/tea/rank/"))[0][0]
    answer = submit(browser, first, ahead=None)
    assert [ahead for _, ahead in items(answer)] == [False]
    assert len(held(ann)) == 1


def test_the_one_ahead_that_went_to_somebody_else_is_replaced(
    browser: Client, ann: Any, questions: None, annotator: Callable[..., Any], project: Project
) -> None:
    first, second = open_two(browser)
    Assignment.objects.filter(pk=second).update(expires=timezone.now() - timedelta(seconds=1))
    free_expired_leases()
    ben = annotator("ben")
    Project.objects.update(spacing=0)
    taken = serve_next(person=ben, project=project)
    assert taken.comparison_id == Assignment.objects.get(pk=second).comparison_id
    (other, ahead), (after, also) = items(submit(browser, first, ahead=second))
    assert (ahead, also) == (False, True)
    assert second not in (other, after)


def test_what_was_ahead_and_lost_is_kept_when_it_is_submitted_after_all(
    browser: Client, ann: Any, questions: None, annotator: Callable[..., Any], project: Project
) -> None:
    first, second = open_two(browser)
    Assignment.objects.filter(pk=second).update(expires=timezone.now() - timedelta(seconds=1))
    free_expired_leases()
    serve_next(person=annotator("ben"), project=project)
    (other, _), _ = items(submit(browser, first, ahead=second))
    answer = submit(browser, second, ahead=other, key="k2")
    assert answer.status_code == 200
    assert Assignment.objects.get(pk=second).state == "surplus"
    assert [ahead for _, ahead in items(answer)] == [True], "the other one is known to the page"


def test_the_last_one_has_none_ahead(browser: Client, ann: Any, compare: Callable[..., Any]) -> None:
    compare("Is it tea?")
    first = items(browser.get("/p/tea/rank/"))[0][0]
    assert post(browser, "ahead").status_code == 204
    assert "All done" in submit(browser, first, ahead=0).content.decode()


def test_one_ahead_is_given_back_and_one_in_hand_is_not(browser: Client, ann: Any, questions: None) -> None:
    first, second = open_two(browser)
    assert post(browser, f"{second}/give-back").status_code == 204
    assert post(browser, f"{first}/give-back").status_code == 204
    assert held(ann) == {first: False}


def test_giving_back_needs_the_token_of_the_form(ann: Any, questions: None, project: Project) -> None:
    """As navigator.sendBeacon sends it: a form, no header of ours."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ann)
    strict.get("/p/tea/rank/")
    second = items(strict.post("/p/tea/rank/ahead", headers={"X-CSRFToken": strict.cookies["csrftoken"].value}))[0][0]
    path = f"/p/tea/rank/{second}/give-back"
    assert strict.post(path).status_code == 403
    assert strict.post(path, {"csrfmiddlewaretoken": strict.cookies["csrftoken"].value}).status_code == 204
    assert Assignment.objects.get(pk=second).state == "released"


def test_the_one_ahead_is_renewed_with_the_one_in_hand(browser: Client, ann: Any, questions: None) -> None:
    first, second = open_two(browser)
    Assignment.objects.filter(pk=second).update(expires=timezone.now() + timedelta(seconds=5))
    assert post(browser, f"{first}/renew", ahead=second).json()["ahead"] is True
    assert Assignment.objects.get(pk=second).expires > timezone.now() + timedelta(seconds=60)
    Assignment.objects.filter(pk=second).update(expires=timezone.now() - timedelta(seconds=1))
    free_expired_leases()
    assert post(browser, f"{first}/renew", ahead=second).json()["ahead"] is False


def test_a_skip_moves_the_one_ahead_up_too(browser: Client, ann: Any, questions: None) -> None:
    first, second = open_two(browser)
    answer = post(browser, f"{first}/skip", reason="tea", ahead=second)
    assert [ahead for _, ahead in items(answer)] == [True]
    assert held(ann)[second] is False
    assert "Skipped" in answer.content.decode()


def test_a_conflict_brings_words_and_the_one_ahead(browser: Client, ann: Any, questions: None) -> None:
    first, second = open_two(browser)
    submit(browser, first, ahead=second)
    answer = submit(browser, first, ahead=second, key="k2")
    assert answer.status_code == 409
    assert "stored already" in answer.content.decode()
    assert [ahead for _, ahead in items(answer)] == [True]


@pytest.mark.parametrize("ahead", ["x", -1, 2**70, [1], True, {"a": 1}])
def test_an_odd_ahead_is_none_at_all(browser: Client, ann: Any, questions: None, ahead: Any) -> None:
    first, _ = open_two(browser)
    answer = post(browser, f"{first}/submit", key="k1", ranks=[1, 2], ahead=ahead)
    assert answer.status_code == 200
    assert len(items(answer)) == 2


def test_others_cannot_take_renew_or_give_back_what_is_held_ahead(
    browser: Client, ann: Any, questions: None, annotator: Callable[..., Any], project: Project
) -> None:
    first, second = open_two(browser)
    eve = Client(headers=SCRIPT)
    eve.force_login(annotator("eve"))
    mine = items(eve.get("/p/tea/rank/"))[0][0]
    assert mine not in (first, second)
    assert post(eve, f"{second}/give-back").status_code == 404
    assert post(eve, f"{mine}/renew", ahead=second).json()["ahead"] is False
    stranger = Client(headers=SCRIPT)
    assert post(stranger, "ahead").status_code == 401


def test_signing_out_gives_everything_back(ann: Any, questions: None, browser: Client) -> None:
    first, second = open_two(browser)
    browser.logout()
    assert held(ann) == {}
    assert set(Assignment.objects.values_list("pk", "state")) == {(first, "released"), (second, "released")}


def test_signing_out_leaves_other_peoples_leases_alone(
    ann: Any, questions: None, browser: Client, annotator: Callable[..., Any], project: Project
) -> None:
    open_two(browser)
    ben = annotator("ben")
    serve_next(person=ben, project=project)
    browser.logout()
    assert len(held(ben)) == 1


def test_a_retired_member_is_told_that_there_is_no_such_project(browser: Client, ann: Any, project: Project) -> None:
    add_member(project=project, person=ann)
    project.memberships.filter(person=ann).update(state="retired")
    assert post(browser, "ahead").status_code == 404
