"""What was acknowledged has reached the disk; leases need not have."""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from labeling.actions.serving import serve_next
from labeling.actions.submitting import amend_judgment, submit_judgment
from webapp.databases.sqlite3 import base
from webapp.middleware import RankingsInTurnMiddleware

pytestmark = pytest.mark.django_db(transaction=True)


def test_postgresql_waits_for_the_disk_with_every_commit(db):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",)


@pytest.fixture
def synced(monkeypatch):
    """What was synced: the file's name, whether a transaction was open then, and the judgments stored by then."""
    if connection.vendor != "sqlite":
        return []  # the test above speaks for PostgreSQL
    seen = []

    def watch(file):
        seen.append((Path(os.readlink(f"/proc/self/fd/{file}")).name, connection.in_atomic_block, stored()))
        os.fdatasync(file)

    monkeypatch.setattr(base, "_sync", watch)
    return seen


def stored():
    """How many judgments others see: what is committed."""
    path = str(connection.settings_dict["NAME"])
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as other:
        return other.execute("SELECT count(*) FROM labeling_judgment").fetchone()[0]


def test_a_submit_waits_for_the_disk_when_it_is_committed_and_a_lease_does_not(annotator, project, compare, synced):
    compare("How do I brew tea?")
    ann = annotator("ann")
    held = serve_next(person=ann, project=project)
    assert synced == []
    submit_judgment(person=ann, assignment_id=held.pk, key="k", ranks=[1, 2])
    amend_judgment(person=ann, assignment_id=held.pk, key="k2", ranks=[2, 1])
    log = Path(str(connection.settings_dict["NAME"])).name + "-wal"
    assert synced == ([(log, False, 1), (log, False, 2)] if connection.vendor == "sqlite" else [])


def test_what_was_sent_again_waits_for_the_disk_too(annotator, project, compare, synced):
    """The first time may have failed at the disk: stored, but not acknowledged."""
    compare("How do I brew tea?")
    ann = annotator("ann")
    held = serve_next(person=ann, project=project)
    for _ in range(2):
        submit_judgment(person=ann, assignment_id=held.pk, key="k", ranks=[1, 2])
    assert len(synced) == (2 if connection.vendor == "sqlite" else 0)


def test_a_disk_that_does_not_keep_it_is_no_acknowledgement(annotator, project, compare, monkeypatch):
    if connection.vendor != "sqlite":
        return
    compare("How do I brew tea?")
    ann = annotator("ann")
    held = serve_next(person=ann, project=project)

    def fail(file):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(base, "_sync", fail)
        with pytest.raises(OperationalError, match="the disk does not keep"):
            submit_judgment(person=ann, assignment_id=held.pk, key="k", ranks=[1, 2])
    assert submit_judgment(person=ann, assignment_id=held.pk, key="k", ranks=[1, 2]).replayed


@pytest.fixture
def ranking(annotator, project, compare, signed_in):
    """Submit what Ann holds over the API: ranking() is the answer."""
    compare("How do I brew tea?")
    ann = annotator("ann")
    held = serve_next(person=ann, project=project)
    body = {"key": "k", "ranks": [1, 2]}
    browser = signed_in(ann)
    browser.raise_request_exception = False
    return lambda: browser.post(f"/api/assignments/{held.pk}/judgment/", body, content_type="application/json")


def test_a_ranking_lets_others_rank_while_it_waits_for_the_disk_and_is_answered_after_it(ranking, monkeypatch):
    if connection.vendor != "sqlite":
        return
    turns, seen, begin = [], [], RankingsInTurnMiddleware.__init__

    def begun(self, get_response):
        begin(self, get_response)
        turns.append(self.turn)

    monkeypatch.setattr(RankingsInTurnMiddleware, "__init__", begun)
    monkeypatch.setattr(base, "_sync", lambda file: seen.append((stored(), [turn.locked() for turn in turns])))
    assert ranking().status_code == 200
    assert seen == [(1, [False])]


def test_a_ranking_that_the_disk_does_not_keep_is_answered_as_a_failure(ranking, monkeypatch):
    if connection.vendor != "sqlite":
        return

    def fail(file):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(base, "_sync", fail)
        assert ranking().status_code == 503
    assert ranking().json()["replayed"]
