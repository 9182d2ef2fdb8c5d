"""A real Chromium against the real site. Every page that a test opens must log nothing and violate no policy."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.contrib.auth import get_user_model
from django.test import Client, override_settings

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion
from labeling.actions.projects import add_member, create_project, publish_guideline
from labeling.actions.prompts import add_prompt
from labeling.models import Judgment, Project
from tests.absent import absent

# Playwright's synchronous interface runs an event loop in this thread, in which Django otherwise refuses its database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


def chromium_path() -> str | None:
    named = [os.environ.get("CHROMIUM"), "/usr/bin/chromium", shutil.which("chromium"), shutil.which("google-chrome")]
    return next((path for path in named if path and Path(path).exists()), None)


def plain_http() -> override_settings:
    """Settings of a server that speaks HTTP and has collected no static files."""
    storages = site_settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    return override_settings(
        STORAGES=storages, SECURE_SSL_REDIRECT=False, SESSION_COOKIE_SECURE=False, CSRF_COOKIE_SECURE=False
    )


@pytest.fixture(scope="session", autouse=True)
def plain_http_site() -> Iterator[None]:
    with plain_http():
        yield


@pytest.fixture(scope="session")
def chromium(plain_http_site: None) -> Iterator[Any]:
    path = chromium_path()
    if path is None:
        absent("Chromium is missing: apt-get install chromium, or name one in CHROMIUM.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Desk:
    """One person's browser: opens pages signed in, and remembers everything that went wrong on them."""

    address: str
    browser: Any
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def open(self, person: Any, path: str = "/", width: int = 1440, height: int = 900, **options: Any) -> Any:
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, base_url=self.address, locale="en-GB", **options
        )
        context.set_default_timeout(8000)
        self.contexts.append(context)
        if person is not None:
            sign_in(context, person, self.address)
        page = context.new_page()
        self.watch(page)
        page.goto(path)
        return page

    def watch(self, page: Any) -> None:
        page.on("console", lambda message: self.note(message.type, message.text))
        page.on("pageerror", lambda error: self.note("exception", str(error)))

    def note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning", "exception", "trace"):
            self.complaints.append(f"{kind}: {text}")

    def expect_complaint(self, text: str) -> None:
        """This one is part of the story: the browser itself logs a lost connection and every 4xx."""
        self.expected.append(text)

    def close(self) -> None:
        for context in self.contexts:
            context.close()

    def unexpected(self) -> list[str]:
        return [line for line in self.complaints if not any(words in line for words in self.expected)]


def sign_in(context: Any, person: Any, address: str) -> None:
    client = Client()
    client.force_login(person)
    cookie = client.cookies[site_settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])


@pytest.fixture
def desk(live_server: Any, chromium: Any) -> Iterator[Desk]:
    desk = Desk(live_server.url, chromium)
    yield desk
    desk.close()
    assert desk.unexpected() == []


def make_annotator() -> Any:
    return get_user_model().objects.create_user("ada", password="correct horse battery", display_name="Ada")


@pytest.fixture
def annotator(transactional_db: None) -> Any:
    return make_annotator()


TEXTS = (
    "**Freeze them** for soup days.",
    "1. Bread pudding\n2. Croutons\n3. Breadcrumbs\n4. A discount shelf after six",
    "Give them to a shelter nearby, and ask what they need first.\nThen plan for it.",
    "There are many things one can do with rolls, and rolls are rolls, and rolls",
    "Sell them half price from five o'clock.",
    "Feed ducks? Better not: bread is bad for them.",
    "Toast, then blend with garlic into a dip.",
    "Ask your customers; they will have ideas.",
    "Bake fewer rolls: twenty left every evening is a forecast that is off by twenty.",
)


def make_campaign(annotator: Any, k: int = 4, comparisons: int = 3, **settings: Any) -> Project:
    """A project of `comparisons` comparisons of K completions, with the annotator in it."""
    project = create_project(slug="bakery", name="Bakery", k=k, **({"overlap": 2} | settings))
    add_member(project=project, person=annotator)
    publish_guideline(project=project, text="# How to rank\n\nRead **all** of them first.")
    for number in range(comparisons):
        prompt, _ = add_prompt(
            project=project, messages=f"I have {20 + number} unsold rolls. What could I do with them?"
        )
        texts = [f"{text}\n\n({number + 1})" for text in TEXTS[:k]]
        completions = [add_completion(prompt=prompt, text=text)[0] for text in texts]
        add_comparison(prompt=prompt, completions=completions)
    return project


@pytest.fixture
def campaign(annotator: Any) -> Callable[..., Project]:
    """Make a project with the annotator in it: campaign(k=2, comparisons=8)."""
    return partial(make_campaign, annotator)


def stored(project: Project) -> list[Judgment]:
    return list(Judgment.objects.filter(assignment__comparison__project=project).order_by("id"))


def by_place(judgment: Judgment) -> list[int | None]:
    """The ranks as the person saw the answers: A, B, C …"""
    return [judgment.ranks[position] for position in judgment.assignment.shown]


def ranking_page(desk: Desk, person: Any, project: Project, **options: Any) -> Any:
    """The rank page, its script running."""
    page = desk.open(person, f"/p/{project.slug}/rank/", **options)
    page.wait_for_selector("#rank[data-ready]")
    return page


def next_item(page: Any, act: Callable[[], Any]) -> None:
    """Do something that brings the next comparison, wait for it until the server has acknowledged what was sent, and
    let the quiet moment after it pass."""
    before = page.get_attribute(".rank-item", "data-item")
    act()
    page.wait_for_function("before => document.querySelector('.rank-item')?.dataset.item !== before", arg=before)
    page.wait_for_selector("#rank:not([data-sending])")
    page.wait_for_timeout(350)
