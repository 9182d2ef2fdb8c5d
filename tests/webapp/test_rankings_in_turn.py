"""On SQLite one process works off rankings in turn, and everything else beside them."""

import threading
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from webapp.middleware import RankingsInTurnMiddleware

RANKING = "/api/assignments/7/judgment/"


class Site:
    """Requests that stay inside until they are let out; who came in, in order."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.came_in, self.let_out = threading.Semaphore(0), threading.Event()
        self.middleware = RankingsInTurnMiddleware(self._answer)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        self.inside.append(request.path)
        self.came_in.release()
        self.let_out.wait(20)
        return HttpResponse()

    def ask(self, path: str, method: str = "POST") -> threading.Thread:
        request = getattr(RequestFactory(), method.lower())(path)
        thread = threading.Thread(target=self.middleware, args=[request])
        thread.start()
        return thread


@pytest.fixture
def site(monkeypatch: Any) -> Site:
    monkeypatch.setattr("webapp.middleware.connection", SimpleNamespace(vendor="sqlite", disk_put_off=nullcontext))
    return Site()


def test_a_second_ranking_waits_and_other_pages_do_not(site: Site) -> None:
    first = site.ask(RANKING)
    assert site.came_in.acquire(timeout=10)
    others = [site.ask("/p/tea/rank/9/submit"), site.ask("/p/tea/people/", "GET"), site.ask("/p/tea/import/")]
    assert site.came_in.acquire(timeout=10)
    assert site.came_in.acquire(timeout=10)
    assert sorted(site.inside[1:]) == ["/p/tea/import/", "/p/tea/people/"]
    site.let_out.set()
    for thread in (first, *others):
        thread.join(10)
    assert site.inside[-1] == "/p/tea/rank/9/submit"


def test_nobody_waits_long_for_a_turn(site: Site, monkeypatch: Any) -> None:
    """One that hangs, say behind a long import, holds up its process for a moment, not for good."""
    monkeypatch.setattr(RankingsInTurnMiddleware, "PATIENCE", 0.1)
    threads = [site.ask(RANKING)]
    assert site.came_in.acquire(timeout=10)
    threads.append(site.ask(RANKING))
    assert site.came_in.acquire(timeout=10)
    site.let_out.set()
    for thread in threads:
        thread.join(10)
    threads = [site.ask(RANKING)]
    threads[0].join(10)
    assert len(site.inside) == 3, "the turn was given back once"


def test_postgresql_orders_its_writers_itself(monkeypatch: Any) -> None:
    monkeypatch.setattr("webapp.middleware.connection", SimpleNamespace(vendor="postgresql"))
    with pytest.raises(MiddlewareNotUsed):
        RankingsInTurnMiddleware(lambda request: HttpResponse())
