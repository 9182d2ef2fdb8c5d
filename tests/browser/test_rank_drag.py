"""Dragging answers with mouse and finger, in a real Chromium."""

from collections.abc import Callable
from typing import Any

from labeling.models import Project
from tests.browser.conftest import Desk, by_place, next_item, ranking_page, stored

Campaign = Callable[..., Project]


def _middle(page: Any, selector: str, across: float = 0.5) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] * across, box["y"] + box["height"] / 2


def _drag(page: Any, source: str, target: str, across: float = 0.5) -> None:
    page.mouse.move(*_middle(page, source))
    page.mouse.down()
    page.mouse.move(*_middle(page, target, across), steps=6)
    page.mouse.up()


def test_dragging_with_the_mouse_ranks_ties_and_inserts(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign()
    page = ranking_page(desk, annotator, project)
    _drag(page, "[data-answer='0'] .handle", "[data-slot='1']")
    _drag(page, ".pool .chip[data-drag='1']", "[data-slot='1']")  # the middle: a tie
    _drag(page, ".pool .chip[data-drag='2']", "[data-slot='1']", across=0.04)  # the edge: before it
    assert page.inner_text("[data-answer='2'] [data-standing]") == "1st"
    assert page.inner_text("[data-answer='0'] [data-standing]") == "tied 2nd"
    _drag(page, ".pool .chip[data-drag='3']", "[data-answer='2']")  # onto an answer: a tie
    assert page.inner_text("[data-answer='3'] [data-standing]") == "tied 1st"
    _drag(page, ".slots .chip[data-drag='3']", "[data-pool]")
    assert page.inner_text("[data-answer='3'] [data-standing]") == ""
    page.keyboard.press("d")
    next_item(page, lambda: page.keyboard.press("Enter"))
    assert by_place(stored(project)[0]) == [2, 2, 1, 3]


def test_dragging_an_answer_of_a_pair_onto_its_button_or_the_other_answer_says_it_all(
    desk: Desk, campaign: Campaign, annotator: Any
) -> None:
    project = campaign(k=2)
    page = ranking_page(desk, annotator, project)
    _drag(page, "[data-answer='1'] .handle", "[data-choose='0']")  # “A is better” is no place for B
    page.wait_for_timeout(200)
    assert stored(project) == []
    next_item(page, lambda: _drag(page, "[data-answer='1'] .handle", "[data-choose='1']"))
    next_item(page, lambda: _drag(page, "[data-answer='0'] .handle", "[data-answer='1']"))
    next_item(page, lambda: _drag(page, "[data-answer='0'] .handle", "[data-choose='tie']"))
    assert [by_place(each) for each in stored(project)] == [[2, 1], [1, 1], [1, 1]]


def test_a_drag_ends_with_the_comparison_it_began_on(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    page = ranking_page(desk, annotator, campaign(k=3))
    page.keyboard.type("abc")
    page.mouse.move(*_middle(page, ".slots .chip[data-drag='0']"))
    page.mouse.down()
    page.mouse.move(*_middle(page, "[data-slot='3']"), steps=6)
    next_item(page, lambda: page.keyboard.press("Enter"))
    page.mouse.move(*_middle(page, "[data-slot='1']"), steps=3)
    page.mouse.up()
    assert page.locator(".slots .chip").count() == 0
    assert page.locator(".ghost").count() == 0


def test_dragging_with_a_finger_ranks_and_elsewhere_scrolls(desk: Desk, campaign: Campaign, annotator: Any) -> None:
    project = campaign(k=3)
    page = ranking_page(desk, annotator, project, width=360, height=740, has_touch=True, is_mobile=True)
    touch = page.context.new_cdp_session(page)

    def swipe(start: tuple[float, float], end: tuple[float, float]) -> None:
        def send(kind: str, points: list[tuple[float, float]]) -> None:
            touch_points = [{"x": x, "y": y} for x, y in points]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touch_points})

        send("touchStart", [start])
        for step in range(1, 7):
            x, y = (start[i] + (end[i] - start[i]) * step / 6 for i in (0, 1))
            send("touchMove", [(x, y)])
        send("touchEnd", [])

    for place, slot in ((1, 1), (0, 2), (2, 3)):
        swipe(_middle(page, f".pool .chip[data-drag='{place}']"), _middle(page, f"[data-slot='{slot}']"))
    assert page.inner_text("[data-answer='1'] [data-standing]") == "1st"
    assert page.evaluate("scrollY") == 0
    swipe((180, 500), (180, 200))
    page.wait_for_function("() => scrollY > 50")
    page.wait_for_timeout(600)  # a tap while the page still glides only stops it
    next_item(page, lambda: page.tap("[data-submit]"))
    assert by_place(stored(project)[0]) == [2, 1, 3]
