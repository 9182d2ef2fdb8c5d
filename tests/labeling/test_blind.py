"""Gold and repeats among the rest: what a person receives is the same to the byte, but for texts, ids and times."""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from difflib import unified_diff
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from rest_framework.test import APIClient

from labeling.actions.gold import mark_gold
from labeling.models import Assignment, Project
from tests.labeling.pages.test_rank_view import PLAIN, SCRIPT

pytestmark = pytest.mark.django_db
ITEMS = 30
KINDS = {"collect", "gold", "repeat"}
# What differs between any two items, whatever they are: random or signed tokens, and numbers.
TOKEN = re.compile(r'(name="(?:csrfmiddlewaretoken|key)" value=")\w+')
NUMBER = re.compile(r"\d+")


@pytest.fixture(autouse=True)
def plain_site() -> Any:
    with override_settings(STORAGES=PLAIN, SECURE_SSL_REDIRECT=False):
        yield


@pytest.fixture
def ann(annotator: Callable[..., Any], compare: Callable[..., Any]) -> Any:
    """Sixty pairs of equal length, a third of them gold."""
    Project.objects.update(gold_percent=35, repeat_percent=30, repeat_gap=2, spacing=0)
    for number in range(60):
        comparison = compare(f"What is {number:02} and {number:02}?", f"It is {number:02}.", f"Not {number:03}.")
        if number % 3 == 0:
            mark_gold(comparison=comparison, ranks=[1, 2])
    return annotator("ann")


def shape(text: str) -> str:
    """The text with everything that varies put the same; the two answers come in either order."""
    told = NUMBER.sub("0", TOKEN.sub(r"\1", text))
    return re.sub(r"(It is|Not) 0\.", "It is 0.", told)


def seen_as(kinds: dict[str, set[str]], item: int, shown: str) -> None:
    kinds[Assignment.objects.get(pk=item).kind].add(shape(shown))


def all_the_same(kinds: dict[str, set[str]]) -> None:
    assert set(kinds) == KINDS, "the draw brought every kind"
    shapes = set().union(*kinds.values())
    assert len(shapes) == 1, "\n\n".join(unified_diff(*[each.splitlines() for each in sorted(shapes)[:2]]))


def headers(answer: HttpResponse) -> str:
    return json.dumps({name: value for name, value in answer.items() if name != "X-Request-Id"})


@pytest.mark.parametrize("ahead", [False, True])
def test_the_page_is_the_same_for_every_kind(ann: Any, project: Project, ahead: bool) -> None:
    browser = Client(headers=SCRIPT)
    browser.force_login(ann)
    served, stored = defaultdict(set), defaultdict(set)
    html = browser.get("/p/tea/rank/").content.decode()
    item, holds = int(re.search(r'data-item="(\d+)"', html)[1]), 0
    for _ in range(ITEMS):
        body = {"key": f"k{item}", "ranks": [1, 2]} | ({"ahead": holds} if ahead else {})
        answer = browser.post(f"/p/tea/rank/{item}/submit", json.dumps(body), content_type="application/json")
        told = answer.content.decode()
        items = [int(found) for found in re.findall(r'data-item="(\d+)"', told)]
        seen_as(stored, item, headers(answer))
        article = re.search(rf'<article(?:(?!<article).)*?data-item="{items[-1]}".*', told, re.S)[0]
        seen_as(served, items[-1], article)
        item, holds = (holds or items[0], items[-1]) if ahead else (items[0], 0)
    all_the_same(served)
    all_the_same(stored)


def test_the_api_is_the_same_for_every_kind(ann: Any, project: Project) -> None:
    api = APIClient()
    api.force_authenticate(ann)
    served, stored, after = defaultdict(set), defaultdict(set), defaultdict(set)
    item = api.post("/api/projects/tea/next/").data["assignment"]
    for _ in range(ITEMS):
        path = f"/api/assignments/{item['id']}/"
        seen_as(served, item["id"], json.dumps(item, default=str))
        renewed = api.post(f"{path}renew/")
        seen_as(served, item["id"], json.dumps(renewed.data, default=str))
        answer = api.post(f"{path}judgment/", {"key": f"k{item['id']}", "ranks": [1, 2]}, format="json")
        following = answer.data["next"]["assignment"]
        said = {name: value for name, value in answer.data.items() if name != "next"}
        seen_as(stored, item["id"], json.dumps(said) + headers(answer))
        seen_as(after, item["id"], json.dumps(api.get(path).data, default=str))
        item = following
    for kinds in (served, stored, after):
        all_the_same(kinds)
