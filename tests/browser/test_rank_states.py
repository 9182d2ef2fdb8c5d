"""What the rank page shows beside a comparison: flags, practice, the time to change one's mind, and why it is empty."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from labeling.actions.comparisons import lane_of
from labeling.actions.gold import mark_gold
from labeling.actions.leases import free_expired_leases
from labeling.actions.projects import add_member
from labeling.actions.serving import serve_next
from labeling.models import Assignment, Comparison, Judgment, Membership, Notice, Project
from tests.browser.conftest import Desk, next_item, ranking_page, stored

Campaign = Callable[..., Project]


def test_a_flag_is_written_by_keyboard_and_the_comparison_stays(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    page = ranking_page(desk, annotator, campaign(k=2))
    item = page.get_attribute(".rank-item", "data-item")
    page.keyboard.press("p")
    page.keyboard.press("Control+Enter")
    assert Notice.objects.count() == 0, "a flag says why"
    page.keyboard.type("Both answers are the same.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".toast")
    assert "A lead will look at it" in page.inner_text(".toast")
    notice = Notice.objects.get()
    assert (notice.text, notice.person) == ("Both answers are the same.", annotator)
    assert page.get_attribute(".rank-item", "data-item") == item
    assert page.input_value("#flag-reason") == ""


def test_a_flag_that_does_not_arrive_keeps_its_words(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    page = ranking_page(desk, annotator, campaign(k=2))
    desk.expect_complaint("net::ERR")
    page.route("**/flag", lambda route: route.abort("internetdisconnected"))
    page.click("[data-dialog='rank-flag']")
    page.fill("#flag-reason", "Unreadable.")
    page.click("[data-flag-form] [type='submit']")
    page.wait_for_selector("[data-flag-problem]:not([hidden])")
    assert page.input_value("#flag-reason") == "Unreadable."
    page.unroute("**/flag")
    page.click("[data-flag-form] [type='submit']")
    page.wait_for_selector(".toast")
    assert Notice.objects.count() == 1


@pytest.fixture
def practice(campaign: Campaign) -> Project:
    """Two practice items to pass, then work."""
    project = campaign(k=2, comparisons=5, screening_items=2, screening_accuracy=0, screening_agreement=-1)
    for comparison in Comparison.objects.order_by("pk")[:2]:
        mark_gold(comparison=comparison, ranks=[1, 2], use="practice", explanation="The **shorter** one helps more.")
    return project


def test_practice_is_marked_explained_and_followed_by_work(desk: Desk, practice: Project, annotator: Any) -> None:
    page = ranking_page(desk, annotator, practice)
    for _ in range(2):
        assert page.inner_text(".rank-head .badge") == "Practice"
        page.keyboard.press("1")
        page.wait_for_selector("[data-practised]")
        assert "shorter one helps more" in page.inner_text(".practised")
        page.wait_for_timeout(350)
        next_item(page, lambda: page.keyboard.press("Enter"))
    assert page.query_selector(".rank-head .badge") is None
    assert Membership.objects.get(person=annotator).qualified is not None
    next_item(page, lambda: page.keyboard.press("1"))
    kinds = Judgment.objects.order_by("id").values_list("assignment__kind", flat=True)
    assert list(kinds) == ["practice", "practice", "collect"]


def test_what_practice_taught_survives_a_lost_answer(desk: Desk, practice: Project, annotator: Any) -> None:
    page = ranking_page(desk, annotator, practice)
    desk.expect_complaint("net::ERR")
    tries: list[int] = []

    def cut(route: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/submit", cut)
    page.keyboard.press("1")
    page.wait_for_selector("[data-practised]")
    assert len(stored(practice)) == 1


def test_practice_without_script_is_explained_too(desk: Desk, practice: Project, annotator: Any) -> None:
    page = desk.open(annotator, "/p/bakery/rank/", java_script_enabled=False)
    page.click("[data-choose='0']")
    page.wait_for_load_state()
    assert "shorter one helps more" in page.inner_text(".practised")
    page.click("[data-continue]")
    page.wait_for_load_state()
    assert page.inner_text(".rank-head .badge") == "Practice"


def test_the_way_back_closes_when_its_time_is_over(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=2, comparisons=4, undo_seconds=3)
    page = ranking_page(desk, annotator, project)
    next_item(page, lambda: page.keyboard.press("1"))
    assert "until" in page.inner_text("[data-count]")
    page.wait_for_selector("[data-change]", state="detached")
    page.keyboard.press("u")
    page.wait_for_function("() => document.querySelector('#rank-live').textContent.includes('Nothing to undo')")
    assert "amend" not in page.url


def test_without_a_time_to_undo_there_is_no_way_back(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    page = ranking_page(desk, annotator, campaign(k=2, undo_seconds=0))
    next_item(page, lambda: page.keyboard.press("1"))
    assert page.query_selector("[data-change]") is None


def test_what_is_with_others_counts_down_and_comes_by_itself(
    desk: Desk, campaign: Campaign, annotator: Any, django_user_model: Any
) -> None:
    project = campaign(k=2, comparisons=1, overlap=1)
    ben = django_user_model.objects.create_user("ben")
    add_member(project=project, person=ben)
    theirs = serve_next(person=ben, project=project)
    Assignment.objects.filter(pk=theirs.pk).update(expires=timezone.now() + timedelta(seconds=4))
    page = ranking_page(desk, annotator, project)
    assert page.inner_text("#rank-title") == "The rest is with others"
    assert page.inner_text("[data-countdown] time") in ("in 0:04", "in 0:03", "in 0:02")
    page.wait_for_selector("[data-item]", timeout=7500)


@pytest.mark.parametrize(
    ("change", "title", "words"),
    [
        ({"state": "paused", "pause_reason": "Let us talk first."}, "Your work here is paused", "Let us talk first."),
        ({"languages": ["fr"]}, "What is left needs somebody else", "Languages you read here"),
    ],
)
def test_an_empty_page_says_why_and_what_to_do(
    desk: Desk, campaign: Campaign, annotator: Any, change: dict[str, Any], title: str, words: str
) -> None:
    project = campaign(k=2)
    Comparison.objects.update(lane_id=lane_of(project, "de"))
    Membership.objects.filter(person=annotator).update(**change)
    page = ranking_page(desk, annotator, project)
    assert page.inner_text("#rank-title") == title
    assert words in page.inner_text(".empty")
    assert page.inner_text("[data-looking]")
    for width in (360, 768):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_lease_that_was_lost_says_that_the_ranking_is_kept(
    desk: Desk, campaign: Campaign, annotator: Any, django_user_model: Any
) -> None:
    project = campaign(k=2, comparisons=1, overlap=1, lease_seconds=30)
    page = ranking_page(desk, annotator, project)
    desk.expect_complaint("410")
    mine = Assignment.objects.get()
    Assignment.objects.update(expires=timezone.now() - timedelta(seconds=1))
    free_expired_leases()
    ben = django_user_model.objects.create_user("ben")
    add_member(project=project, person=ben)
    serve_next(person=ben, project=project)
    page.wait_for_timeout(10_500)
    page.mouse.move(200, 200)
    page.wait_for_selector("[data-problem] .notice")
    assert "kept as an extra judgment" in page.inner_text("[data-problem]")
    page.keyboard.press("1")
    page.wait_for_selector("[data-waiting]")
    mine.refresh_from_db()
    assert mine.state == "surplus"
