"""A broker that takes connections and never answers costs a person seconds, and no run."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from labeling.models import Project
from tests.training.conftest import point_celery_at
from training.actions import runs
from training.models import TrainingRun

# Two seconds for the broker; the rest for the request itself on a machine that has other things to do.
SOON = 4.0
ABANDONED = 20


class HangingBroker:
    """Listens on a port of its own, takes every connection and says nothing."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.callers: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.listener.getsockname()[1]}/0"

    def _take(self) -> None:
        while True:
            try:
                self.callers.append(self.listener.accept()[0])
            except OSError:  # the test is over
                return

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        for one in (self.listener, *self.callers):
            one.close()


@pytest.fixture
def hanging() -> Iterator[HangingBroker]:
    broker = HangingBroker()
    before = point_celery_at(broker.url)
    yield broker
    point_celery_at(before)
    broker.close()


def seconds_of(act: Callable[[], Any]) -> tuple[float, Any]:
    start = time.monotonic()
    answer = act()
    return time.monotonic() - start, answer


def test_a_page_that_queues_a_run_soon_leads_to_it(
    committed: None, ranked: Project, people: dict[str, Any], hanging: HangingBroker
) -> None:
    client = Client()
    client.force_login(people["lena"])
    address = reverse("retrain", args=[ranked.slug])
    seconds, answer = seconds_of(lambda: client.post(address, {"reward-tie": "half"}))
    run = ranked.runs.get()
    assert (run.state, run.heartbeat) == ("queued", None), "nobody was told, and the next sweep knows it"
    assert answer.url == reverse("run", args=[ranked.slug, run.pk])
    assert len(hanging.callers) == 1, "the broker was asked, once"
    assert seconds < SOON


def test_a_call_of_the_api_that_queues_a_run_is_soon_answered(
    committed: None, project: Project, people: dict[str, Any], hanging: HangingBroker
) -> None:
    client = APIClient()
    client.force_authenticate(people["lena"])
    seconds, answer = seconds_of(lambda: client.post("/api/runs/sample/", {"project": "tea"}, format="json"))
    assert (answer.status_code, answer.json()["state"]) == (201, "queued")
    assert TrainingRun.objects.get(pk=answer.json()["id"]).state == "queued"
    assert len(hanging.callers) == 1
    assert seconds < SOON


def test_where_nothing_listens_a_page_does_not_wait_at_all(
    committed: None, project: Project, people: dict[str, Any]
) -> None:
    before = point_celery_at("redis://127.0.0.1:1/0")
    client = Client()
    client.force_login(people["lena"])
    seconds, _ = seconds_of(lambda: client.post(reverse("sample", args=[project.slug])))
    point_celery_at(before)
    assert project.runs.get().state == "queued"
    assert seconds < 2


def test_a_sweep_of_many_runs_waits_for_the_broker_once_and_the_next_one_sends_them_all(
    committed: None, project: Project, hanging: HangingBroker, valkey: str
) -> None:
    expired = {"state": "running", "owner": "dead", "lease_expires": timezone.now() - timedelta(minutes=1)}
    for _ in range(ABANDONED):
        TrainingRun.objects.create(project=project, kind="sampling", attempts=1, **expired)
    seconds, sent = seconds_of(runs.resume_abandoned_runs)
    assert sent == 0
    assert len(hanging.callers) == 1
    assert seconds < SOON
    assert project.runs.filter(state="queued", owner="", heartbeat=None).count() == ABANDONED
    point_celery_at(valkey)
    assert runs.resume_abandoned_runs() == ABANDONED
    assert runs.resume_abandoned_runs() == 0
