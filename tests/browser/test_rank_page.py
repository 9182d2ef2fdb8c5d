"""Ranking as people do it: by keys, buttons, mouse and finger, and with a network that fails."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from labeling.actions.projects import add_member, set_project_state
from labeling.models import Assignment, Project
from tests.browser.conftest import Desk, by_place, next_item, ranking_page, sign_in, stored

Campaign = Callable[..., Project]


def test_a_pair_takes_one_key(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=2)
    page = ranking_page(desk, annotator, project)
    next_item(page, lambda: page.keyboard.press("2"))
    next_item(page, lambda: page.keyboard.press("a"))
    next_item(page, lambda: page.keyboard.press("0"))
    assert [by_place(judgment) for judgment in stored(project)] == [[2, 1], [1, 2], [1, 1]]
    assert "All done" in page.inner_text("#rank-title")


def test_four_answers_take_four_keys_and_enter(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign()
    page = ranking_page(desk, annotator, project)
    for key in "C=AxBD":  # x is no command; the tie joins A to C
        page.keyboard.press(key)
    assert page.inner_text("[data-answer='0'] [data-standing]") == "tied 1st"
    next_item(page, lambda: page.keyboard.press("Enter"))
    assert by_place(stored(project)[0]) == [1, 2, 1, 3]
    assert "Saved" in page.inner_text("[data-state]")


def test_backspace_undoes_and_enter_waits_for_every_answer(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign()
    page = ranking_page(desk, annotator, project)
    for key in ("1", "2", "Backspace", "3", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function("() => document.querySelector('#rank-live').textContent.includes('Still to place: B, D')")
    assert stored(project) == []
    page.keyboard.press("b")
    page.keyboard.press("d")
    next_item(page, lambda: page.keyboard.press("Enter"))
    assert by_place(stored(project)[0]) == [1, 3, 2, 4]


def test_the_buttons_rank_and_equal_numbers_tie(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign()
    page = ranking_page(desk, annotator, project)
    for place, rank in enumerate((2, 1, 4, 2)):
        page.locator(f"[data-answer='{place}'] .ranks label").nth(rank - 1).click()
    next_item(page, lambda: page.click("[data-submit]"))
    assert by_place(stored(project)[0]) == [2, 1, 3, 2]


def test_letters_in_the_ranking_move_by_arrow_keys(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    page = ranking_page(desk, annotator, campaign(k=3))
    for key in "abc":
        page.keyboard.press(key)
    page.focus(".slots .chip[data-drag='2']")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("[data-answer='2'] [data-standing]") == "tied 2nd"
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("[data-answer='2'] [data-standing]") == "tied 1st"
    page.keyboard.press("Delete")
    assert page.inner_text("[data-answer='2'] [data-standing]") == ""


def test_a_double_click_and_a_double_key_store_once(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=2)
    page = ranking_page(desk, annotator, project)
    next_item(page, lambda: page.dblclick("[data-choose='0']"))
    assert len(stored(project)) == 1
    next_item(page, lambda: (page.keyboard.press("1"), page.keyboard.press("1")))
    assert len(stored(project)) == 2


def test_a_connection_cut_after_the_server_stored_it_stores_once(
    desk: Desk, campaign: Campaign, annotator: Any
) -> None:
    """The worst cut: the request arrived, the answer did not. The retry carries the same key."""
    project = campaign(k=2)
    page = ranking_page(desk, annotator, project)
    desk.expect_complaint("net::ERR")
    sent: list[str] = []

    def cut(route: Any) -> None:
        sent.append(json.loads(route.request.post_data)["key"])
        if len(sent) == 1:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/submit", cut)
    page.keyboard.press("1")
    page.wait_for_selector(".rank-state-offline")
    assert len(stored(project)) == 1
    page.wait_for_function("() => document.querySelector('.rank-state')?.textContent === 'Saved'")
    assert len(stored(project)) == 1
    assert sent[0] == sent[1]


def test_an_unsent_ranking_survives_a_reload_and_is_sent(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign()
    page = ranking_page(desk, annotator, project)
    desk.expect_complaint("net::ERR")
    page.route("**/submit", lambda route: route.abort("internetdisconnected"))
    first = page.get_attribute(".rank-item", "data-item")
    for key in ("d", "c", "b", "a", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector(".rank-state-offline")
    page.unroute("**/submit")
    page.reload()
    page.wait_for_selector("#rank[data-ready]")
    page.wait_for_function("before => document.querySelector('.rank-item')?.dataset.item !== before", arg=first)
    assert [by_place(judgment) for judgment in stored(project)] == [[4, 3, 2, 1]]


def test_a_reload_keeps_the_draft_and_its_reason(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign()
    page = ranking_page(desk, annotator, project)
    for key in ("b", "=", "a", "r"):
        page.keyboard.press(key)
    page.keyboard.type("b and a say the same")
    page.reload()
    page.wait_for_selector("#rank[data-ready]")
    assert page.inner_text("[data-answer='0'] [data-standing]") == "tied 1st"
    assert page.input_value("textarea[name='comment']") == "b and a say the same"
    page.keyboard.press("c")
    page.keyboard.press("d")
    next_item(page, lambda: page.keyboard.press("Enter"))
    judgment = stored(project)[0]
    assert by_place(judgment) == [1, 1, 2, 3]
    assert judgment.comment == "b and a say the same"
    assert 0 < judgment.active_seconds < 30


def test_after_a_reload_backspace_takes_back_step_by_step(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    page = ranking_page(desk, annotator, campaign())
    page.keyboard.press("b")
    page.keyboard.press("c")
    page.reload()
    page.wait_for_selector("#rank[data-ready]")
    standing = [f"[data-answer='{place}'] [data-standing]" for place in (1, 2)]
    assert [page.inner_text(each) for each in standing] == ["1st", "2nd"]
    page.keyboard.press("Backspace")
    assert [page.inner_text(each) for each in standing] == ["1st", ""]
    page.keyboard.press("Backspace")
    assert [page.inner_text(each) for each in standing] == ["", ""]


def test_what_another_tab_has_left_behind_cannot_be_changed_and_is_no_dead_end(
    desk: Desk, campaign: Campaign, annotator: Any
) -> None:
    project = campaign(k=2)
    one = ranking_page(desk, annotator, project)
    next_item(one, lambda: one.keyboard.press("1"))
    two = ranking_page(desk, annotator, project)
    next_item(two, lambda: two.keyboard.press("1"))
    one.keyboard.press("Backspace")
    one.wait_for_url("**/rank/")
    one.wait_for_selector("text=Only your last ranking can be changed")
    one.wait_for_selector("#rank[data-ready] [data-choose]")


def test_two_tabs_store_one_judgment_and_both_go_on(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=2)
    one = ranking_page(desk, annotator, project)
    two = ranking_page(desk, annotator, project)
    desk.expect_complaint("409")
    next_item(one, lambda: one.keyboard.press("1"))
    next_item(two, lambda: two.keyboard.press("2"))
    assert "stored already" in two.inner_text("[data-problem]")
    assert [by_place(judgment) for judgment in stored(project)] == [[1, 2]]


def test_the_last_ranking_can_be_changed(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=2)
    page = ranking_page(desk, annotator, project)
    next_item(page, lambda: page.keyboard.press("1"))
    page.keyboard.press("Backspace")
    page.wait_for_selector("[data-amend]")
    assert "chosen" in page.get_attribute("[data-choose='0']", "class")
    page.wait_for_selector("#rank[data-ready]")
    next_item(page, lambda: page.keyboard.press("2"))
    assert [(judgment.revision, by_place(judgment)) for judgment in stored(project)] == [(1, [1, 2]), (2, [2, 1])]
    assert "change=" not in page.url


def test_skipping_asks_why_and_goes_on(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    page = ranking_page(desk, annotator, campaign(k=2))
    page.keyboard.press("s")
    next_item(page, lambda: page.keyboard.press("2"))
    assert Assignment.objects.get(state="skipped").skip_reason == "The answers cannot be compared"


def test_a_signed_out_person_signs_in_and_it_is_sent(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=2)
    page = ranking_page(desk, annotator, project)
    desk.expect_complaint("401")
    cookies = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("1")
    page.wait_for_selector(".rank-state-signed-out a")
    page.context.add_cookies(cookies)
    page.wait_for_function("() => document.querySelector('.rank-state')?.textContent === 'Saved'")
    assert len(stored(project)) == 1


def test_what_one_person_left_behind_waits_for_them_while_another_is_signed_in(
    desk: Desk, campaign: Campaign, annotator: Any
) -> None:
    project = campaign(k=2)
    ben = get_user_model().objects.create_user("ben", password="correct horse battery")
    add_member(project=project, person=ben)
    page = ranking_page(desk, annotator, project)
    desk.expect_complaint("401")
    own = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("1")
    page.wait_for_selector(".rank-state-signed-out a")
    sign_in(page.context, ben, desk.address)
    page.wait_for_timeout(2500)  # it tries again meanwhile
    assert not stored(project), "ben's session stores nothing that the other said"
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"/p/{project.slug}/rank/")  # ben, in the same tab
    page.wait_for_selector("#rank[data-ready]")
    page.wait_for_load_state("networkidle")
    page.context.clear_cookies(name="sessionid")
    page.context.add_cookies(own)
    page.goto(f"/p/{project.slug}/rank/")
    page.wait_for_selector("#rank[data-ready]")
    page.wait_for_load_state("networkidle")
    assert [judgment.assignment.annotator for judgment in stored(project)] == [annotator]


def test_the_page_goes_on_by_itself_when_work_appears(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=2, comparisons=0)
    page = ranking_page(desk, annotator, project)
    assert page.inner_text("#rank-title") == "Nothing to rank yet"
    from labeling.actions.comparisons import add_comparison
    from labeling.actions.completions import add_completion
    from labeling.actions.prompts import add_prompt

    prompt, _ = add_prompt(project=project, messages="Is it Monday?")
    add_comparison(prompt=prompt, completions=[add_completion(prompt=prompt, text=text)[0] for text in ("Yes", "No")])
    page.wait_for_selector("[data-item]")


def test_a_paused_project_says_so(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign()
    set_project_state(project=project, state="paused")
    page = ranking_page(desk, annotator, project)
    assert page.inner_text("#rank-title") == "Ranking is paused"


def test_one_request_stores_a_ranking_and_brings_the_next_comparison(
    desk: Desk, campaign: Campaign, annotator: Any
) -> None:
    project = campaign(k=2, comparisons=5)
    page = ranking_page(desk, annotator, project)
    page.wait_for_load_state("networkidle")
    page.evaluate("window.same = true")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.resource_type}"))
    for _ in range(4):
        next_item(page, lambda: page.keyboard.press("1"))
    assert asked == ["POST fetch"] * 4
    assert page.evaluate("window.same"), "the page itself is never loaded again"
    assert len(stored(project)) == 4


def test_without_script_a_form_ranks(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=3)
    page = desk.open(annotator, "/p/bakery/rank/", java_script_enabled=False)
    for place, rank in enumerate((3, 1, 2)):
        page.locator(f"[data-answer='{place}'] .ranks label").nth(rank - 1).click()
    page.click("[data-submit]")
    page.wait_for_load_state()
    assert by_place(stored(project)[0]) == [3, 1, 2]


def test_nothing_on_the_page_tells_answers_apart(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    """Completions carry letters only: no id of the database, no generator, no canonical position."""
    from labeling.models import Completion

    project = campaign(k=3, comparisons=1)
    Completion.objects.update(tokens=987654)
    page = ranking_page(desk, annotator, project)
    html = page.content()
    assert "987654" not in html
    assert "completion" not in page.inner_html("#rank").lower()
    order = page.evaluate("[...document.querySelectorAll('[data-answer]')].map(a => a.dataset.answer)")
    assert order == ["0", "1", "2"]


@pytest.mark.parametrize("k", [2, 3, 6, 9])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_the_page_never_scrolls_sideways(desk: Desk, campaign: Campaign, annotator: Any, k: int, width: int) -> None:
    page = ranking_page(desk, annotator, campaign(k=k, comparisons=1), width=width)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_lease_is_renewed_while_somebody_works(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    page = ranking_page(desk, annotator, campaign(k=4, comparisons=1, lease_seconds=30))
    before = Assignment.objects.get().expires
    time.sleep(10.5)
    with page.expect_response("**/renew") as renewed:
        page.keyboard.press("a")
    assert renewed.value.ok
    assert Assignment.objects.get().expires > before


def test_single_keys_can_be_switched_off(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=2)
    page = ranking_page(desk, annotator, project)
    page.keyboard.press("?")
    page.uncheck("[data-single-keys]")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.reload()
    page.wait_for_selector("#rank[data-ready]")
    page.keyboard.press("1")
    page.wait_for_timeout(300)
    assert stored(project) == []
    next_item(page, lambda: page.click("[data-choose='0']"))
    assert len(stored(project)) == 1


def test_a_pause_counts_for_no_longer_than_the_project_says(desk: Desk) -> None:
    page = desk.open(None, "/sign-in/")
    seconds = page.evaluate("""() => import('/static/labeling/active_time.js').then(({ ActiveTime }) => {
      let now = 0; const active = new ActiveTime(5, 60, () => now);
      now = 10000; active.touch(); now = 4000000; active.touch(); now += 1000;
      return active.seconds();
    })""")
    assert seconds == 5 + 10 + 60 + 1
