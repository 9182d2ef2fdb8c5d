"""One comparison ahead in a browser: nobody waits, nothing is lost or stored twice, whatever the network does."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from labeling.actions.leases import free_expired_leases
from labeling.actions.projects import add_member
from labeling.actions.serving import serve_next
from labeling.models import Assignment, Project
from tests.browser.conftest import Desk, by_place, next_item, ranking_page, stored

Campaign = Callable[..., Project]


def ready_page(desk: Desk, person: Any, project: Project, **options: Any) -> Any:
    """The rank page with one comparison held ahead."""
    page = ranking_page(desk, person, project, **options)
    page.wait_for_load_state("networkidle")
    return page


def held_back(page: Any, address: str = "**/submit") -> Callable[[], None]:
    """Requests to this address wait in the network until the returned function is called."""
    waiting: list[Any] = []
    gone: list[bool] = []

    def let_go() -> None:
        gone.append(True)
        for route in waiting:
            route.continue_()

    page.route(address, lambda route: route.continue_() if gone else waiting.append(route))
    return let_go


def leased(ahead: bool) -> list[int]:
    return list(Assignment.objects.filter(state="leased", ahead=ahead).values_list("pk", flat=True))


def on_screen(page: Any) -> int:
    return int(page.get_attribute(".rank-item", "data-item"))


def shows(page: Any, item: int) -> None:
    page.wait_for_function("item => document.querySelector('.rank-item')?.dataset.item === String(item)", arg=item)


def eventually(is_so: Callable[[], bool]) -> None:
    for _ in range(50):
        if is_so():
            return
        time.sleep(0.1)
    assert is_so()


def lose(item: int) -> None:
    Assignment.objects.filter(pk=item).update(expires=timezone.now() - timedelta(seconds=1))
    free_expired_leases()


def test_the_next_is_on_screen_before_the_server_has_answered(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=2, comparisons=4)
    page = ready_page(desk, annotator, project)
    [ahead] = leased(ahead=True)
    let_go = held_back(page)
    page.keyboard.press("1")
    shows(page, ahead)
    assert stored(project) == []
    page.wait_for_selector(".rank-state-saving")
    let_go()
    page.wait_for_selector(".rank-state-saved")
    assert [by_place(judgment) for judgment in stored(project)] == [[1, 2]]
    assert (leased(ahead=False), len(leased(ahead=True))) == ([ahead], 1)
    assert "1 ranked today" in page.inner_text("[data-count]")


def test_who_is_faster_than_the_network_waits_once_and_loses_nothing(
    desk: Desk, campaign: Campaign, annotator: Any
) -> None:
    project = campaign(k=2, comparisons=5)
    page = ready_page(desk, annotator, project)
    let_go = held_back(page)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    next_on_screen = leased(ahead=True)[0]
    page.keyboard.press("1")
    shows(page, next_on_screen)
    page.wait_for_timeout(350)
    page.keyboard.press("2")
    page.wait_for_selector(".rank-item[aria-busy]")
    page.keyboard.press("2")
    page.wait_for_timeout(200)
    assert len(sent) == 1, "one after another, so that the server moves the one ahead up in order"
    let_go()
    page.wait_for_function(
        "item => document.querySelector('.rank-item').dataset.item !== String(item)", arg=next_on_screen
    )
    page.wait_for_selector("#rank:not([data-sending])")
    assert [by_place(judgment) for judgment in stored(project)] == [[1, 2], [2, 1]]


def test_a_refused_ranking_comes_back_with_the_words_and_the_next_waits(
    desk: Desk, campaign: Campaign, annotator: Any
) -> None:
    project = campaign(k=3, comparisons=4)
    page = ready_page(desk, annotator, project)
    desk.expect_complaint("400")
    first = on_screen(page)
    let_go = held_back(page)
    for key in ("b", "=", "a", "c", "r"):
        page.keyboard.press(key)
    page.keyboard.type("they say the same")
    page.keyboard.press("Control+Enter")
    shows(page, leased(ahead=True)[0])
    second = on_screen(page)
    Project.objects.update(allow_ties=False)  # a lead changed it meanwhile
    page.wait_for_timeout(350)
    page.keyboard.press("c")  # begun with the next
    let_go()
    shows(page, first)
    assert "does not allow ties" in page.inner_text("[data-problem]")
    assert page.inner_text("[data-answer='0'] [data-standing]") == "tied 1st"
    assert page.input_value("textarea[name='comment']") == "they say the same"
    page.wait_for_timeout(350)
    page.locator("[data-answer='0'] .ranks label").nth(2).click()
    page.click("[data-submit]")
    shows(page, second)
    page.wait_for_selector(".rank-state-saved")
    assert page.inner_text("[data-answer='2'] [data-standing]") == "1st", "what was begun is still there"
    [judgment] = stored(project)
    assert (judgment.comment, len(set(judgment.ranks))) == ("they say the same", 3)


def test_a_comparison_lost_while_away_is_replaced_and_nobody_sees_one_twice(
    desk: Desk, campaign: Campaign, annotator: Any, django_user_model: Any
) -> None:
    project = campaign(k=2, comparisons=4, overlap=1)
    page = ready_page(desk, annotator, project)
    [ahead] = leased(ahead=True)
    lose(ahead)
    ben = django_user_model.objects.create_user("ben")
    add_member(project=project, person=ben)
    assert serve_next(person=ben, project=project).comparison == Assignment.objects.get(pk=ahead).comparison
    page.keyboard.press("1")
    page.wait_for_selector("[data-problem] .notice")
    assert "went to somebody else" in page.inner_text("[data-problem]")
    assert on_screen(page) not in (ahead, 0)
    seen = {on_screen(page)}
    page.wait_for_timeout(350)
    next_item(page, lambda: page.keyboard.press("1"))
    assert on_screen(page) not in seen | {ahead}
    next_item(page, lambda: page.keyboard.press("1"))
    assert len(stored(project)) == 3
    assert page.get_attribute(".rank-item", "data-waiting") == "all_leased"


def test_work_begun_on_a_lost_comparison_is_kept(
    desk: Desk, campaign: Campaign, annotator: Any, django_user_model: Any
) -> None:
    project = campaign(k=3, comparisons=4, overlap=1)
    page = ready_page(desk, annotator, project)
    [ahead] = leased(ahead=True)
    let_go = held_back(page)
    for key in ("a", "b", "c", "Enter"):
        page.keyboard.press(key)
    shows(page, ahead)
    page.wait_for_timeout(350)
    page.keyboard.press("b")
    lose(ahead)
    ben = django_user_model.objects.create_user("ben")
    add_member(project=project, person=ben)
    taken = serve_next(person=ben, project=project)
    assert taken.comparison == Assignment.objects.get(pk=ahead).comparison
    let_go()
    page.wait_for_selector("[data-problem] .notice")
    assert "what you submit is kept" in page.inner_text("[data-problem]")
    assert on_screen(page) == ahead
    page.keyboard.press("a")
    page.keyboard.press("c")
    next_item(page, lambda: page.keyboard.press("Enter"))
    assert Assignment.objects.get(pk=ahead).state == "surplus"
    assert len(stored(project)) == 2
    next_item(page, lambda: [page.keyboard.press(key) for key in ("a", "b", "c", "Enter")])
    assert len(stored(project)) == 3


def test_leaving_the_page_gives_the_one_ahead_back_and_keeps_the_one_in_hand(
    desk: Desk, campaign: Campaign, annotator: Any
) -> None:
    page = ready_page(desk, annotator, campaign(k=2))
    in_hand = on_screen(page)
    assert len(leased(ahead=True)) == 1
    page.goto("/")
    eventually(lambda: leased(ahead=True) == [])
    assert leased(ahead=False) == [in_hand]


def test_closing_the_tab_right_after_the_last_key_stores_it(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=2)
    page = ready_page(desk, annotator, project)
    page.keyboard.press("1")
    page.close()
    eventually(lambda: len(stored(project)) == 1)


def test_the_clock_of_a_comparison_starts_when_it_is_shown(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=2, comparisons=4)
    page = ready_page(desk, annotator, project)
    page.wait_for_timeout(1500)
    next_item(page, lambda: page.keyboard.press("1"))
    next_item(page, lambda: page.keyboard.press("1"))
    first, second = stored(project)
    assert first.active_seconds >= 1.5
    assert second.active_seconds < 1.2, "the time it lay ready does not count"


def test_a_clock_stands_still_after_the_idle_time_of_the_project(
    desk: Desk, campaign: Campaign, annotator: Any
) -> None:
    project = campaign(k=2)
    page = desk.open(annotator, "/")
    page.clock.install()
    Project.objects.update(idle_seconds=5)
    page.goto(f"/p/{project.slug}/rank/")
    page.wait_for_selector("#rank[data-ready]")
    desk.expect_complaint("409")  # ten minutes at once: the lease is renewed too, and that may come after the ranking
    page.clock.fast_forward(600_000)
    page.keyboard.press("1")
    page.clock.run_for(1000)
    page.wait_for_selector("#rank:not([data-sending])")
    eventually(lambda: len(stored(project)) == 1)
    assert 5 <= stored(project)[0].active_seconds < 7


def test_two_tabs_that_hold_the_same_one_ahead_store_each_ranking_once(
    desk: Desk, campaign: Campaign, annotator: Any
) -> None:
    project = campaign(k=2, comparisons=6)
    one = ready_page(desk, annotator, project)
    two = ready_page(desk, annotator, project)
    desk.expect_complaint("409")
    for _ in range(2):
        next_item(one, lambda: one.keyboard.press("1"))
        next_item(two, lambda: two.keyboard.press("2"))
    judged = [judgment.assignment.comparison_id for judgment in stored(project)]
    assert len(judged) == len(set(judged))
    next_item(one, lambda: one.keyboard.press("1"))
    assert len(leased(ahead=False)) == 1
    assert len(leased(ahead=True)) <= 1


def test_the_back_button_stores_nothing_twice(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=2, comparisons=5)
    page = ready_page(desk, annotator, project)
    next_item(page, lambda: page.keyboard.press("1"))
    page.goto("/")
    page.go_back()
    page.wait_for_selector("#rank[data-ready]")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(350)
    next_item(page, lambda: page.keyboard.press("2"))
    assert len(stored(project)) == 2
    assert len({judgment.assignment_id for judgment in stored(project)}) == 2


def test_the_last_ranking_is_changed_even_while_it_is_on_its_way(
    desk: Desk, campaign: Campaign, annotator: Any
) -> None:
    project = campaign(k=2, comparisons=4)
    page = ready_page(desk, annotator, project)
    let_go = held_back(page)
    ahead = leased(ahead=True)[0]
    page.keyboard.press("1")
    shows(page, ahead)
    page.wait_for_timeout(350)
    page.keyboard.press("u")
    let_go()
    page.wait_for_selector("[data-amend]")
    page.wait_for_selector("#rank[data-ready]")
    next_item(page, lambda: page.keyboard.press("2"))
    assert on_screen(page) == ahead
    assert [(judgment.revision, by_place(judgment)) for judgment in stored(project)] == [(1, [1, 2]), (2, [2, 1])]
    next_item(page, lambda: page.keyboard.press("2"))
    assert len(stored(project)) == 3


def test_a_skip_shows_the_next_at_once(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    page = ready_page(desk, annotator, campaign(k=2))
    let_go = held_back(page, "**/skip")
    ahead = leased(ahead=True)[0]
    page.keyboard.press("s")
    page.keyboard.press("1")
    shows(page, ahead)
    let_go()
    page.wait_for_function("() => document.querySelector('[data-state]').textContent.includes('Skipped')")
    assert Assignment.objects.filter(state="skipped").count() == 1


@pytest.mark.parametrize("status", [502, 503])
def test_a_proxy_in_trouble_loses_nothing(desk: Desk, campaign: Campaign, annotator: Any, status: int) -> None:
    project = campaign(k=2)
    page = ready_page(desk, annotator, project)
    desk.expect_complaint(str(status))
    tries: list[int] = []

    def fail_once(route: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            route.fulfill(status=status, body="<h1>Bad gateway</h1>")
        else:
            route.continue_()

    page.route("**/submit", fail_once)
    page.keyboard.press("1")
    page.wait_for_selector(".rank-state-trouble")
    page.wait_for_selector(".rank-state-saved")
    assert len(stored(project)) == 1
