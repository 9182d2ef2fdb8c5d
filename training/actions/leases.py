"""Who works on a run: claims, heartbeats and endings, each one conditional UPDATE that looks at its row count.

A run is claimed when it is queued, or when it is running and its lease has expired. While the owner works, a thread
renews the lease (`LeaseKeeper`); every write that ends the run demands that the lease is still the owner's. So of two
workers that believe to own a run, at most one can finish it. A cancel is a write to the same row: the run succeeds only
if none was written before, and one that comes after the end finds the run ended.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from training.models import TrainingRun

log = logging.getLogger("luce.training")

# After so many workers died on it, a run itself is the likely cause (out of memory, a driver that crashes).
MAX_ATTEMPTS = 5
POLL_SECONDS = 1.0
# A worker that lives writes a heartbeat this often, however long its lease is.
HEARTBEAT_SECONDS = 3.0
# After three of them were missed, a run that is to be cancelled is ended without its worker: it would have stopped by
# now, and if it still lives it can write nothing more. Too short: ended under the hands of a machine that is swapping.
SILENT_AFTER = timedelta(seconds=10)


class LostLease(Exception):
    """Somebody else owns the run now, or may own it: stop and write nothing more."""


def lease_until(now: datetime | None = None) -> datetime:
    return (now or timezone.now()) + timedelta(seconds=settings.RUN_LEASE_SECONDS)


def claim_run(run_id: int, owner: str) -> TrainingRun | None:
    """Make `owner` the run's only worker; None when it is finished, cancelled, or somebody else works on it."""
    now = timezone.now()
    free = Q(state=TrainingRun.State.QUEUED) | without_worker(now)
    claimed = TrainingRun.objects.filter(free, pk=run_id, cancel_requested=False, attempts__lt=MAX_ATTEMPTS).update(
        state=TrainingRun.State.RUNNING,
        owner=owner,
        lease_expires=lease_until(now),
        heartbeat=now,
        attempts=F("attempts") + 1,
        started=Coalesce("started", now),
    )
    if not claimed:
        return None
    return TrainingRun.objects.select_related("project", "batch", "base", "created_by").get(pk=run_id)


def without_worker(now: datetime) -> Q:
    """Running runs that nobody works on: their lease has expired."""
    return Q(state=TrainingRun.State.RUNNING, lease_expires__lt=now)


def cancelled_without_worker(now: datetime) -> Q:
    """Runs that are to be cancelled and that nobody works on, or whose worker would have said something by now."""
    silent = Q(heartbeat__lt=now - SILENT_AFTER) & Q(state=TrainingRun.State.RUNNING)
    return (Q(state=TrainingRun.State.QUEUED) | without_worker(now) | silent) & Q(cancel_requested=True)


def _mine(run_id: int, owner: str) -> Any:
    return TrainingRun.objects.filter(pk=run_id, state=TrainingRun.State.RUNNING, owner=owner)


def heartbeat(run: TrainingRun, owner: str, **fields: Any) -> datetime:
    """Renew the owner's lease, writing `fields` (stage, step, …) along; return the new end. Raises LostLease."""
    now = timezone.now()
    until = lease_until(now)
    if not _mine(run.pk, owner).update(heartbeat=now, lease_expires=until, **fields):
        raise LostLease(f"Run {run.pk} is no longer {owner}'s.")
    return until


@transaction.atomic
def finish_run(run: TrainingRun, owner: str, report: dict[str, Any]) -> None:
    """The run succeeded. Call it in the transaction that stores the result, which holds the run's row from then on.

    Raises the engine's `Cancelled` when a cancel was accepted before, so that the result is not stored; and LostLease.
    """
    from training.engine.errors import Cancelled

    if _is_cancelled(run, owner):
        raise Cancelled("Stopped on request.")
    _end(run, owner, state=TrainingRun.State.SUCCEEDED, report=report)


@transaction.atomic
def fail_run(run: TrainingRun, owner: str, error: str) -> TrainingRun.State:
    """The run failed, or was cancelled before it did; which of them. `error`: the traceback. Raises LostLease."""
    state = TrainingRun.State.CANCELLED if _is_cancelled(run, owner) else TrainingRun.State.FAILED
    _end(run, owner, state=state, error=error)
    return state


@transaction.atomic
def end_or_give_back(run: TrainingRun, owner: str) -> TrainingRun.State:
    """The owner stopped: as cancelled if that was asked for, or because the worker is going down; the state now.

    A run that is given back is queued, for the next worker to go on with at once; the claim counts for nothing.
    Raises LostLease.
    """
    if _is_cancelled(run, owner):
        _end(run, owner, state=TrainingRun.State.CANCELLED)
        return TrainingRun.State.CANCELLED
    give_back(run, owner)
    return TrainingRun.State.QUEUED


def give_back(run: TrainingRun, owner: str) -> None:
    """Queue the run again, as if it had not been claimed. Raises LostLease."""
    returned = _mine(run.pk, owner).update(
        state=TrainingRun.State.QUEUED,
        owner="",
        lease_expires=None,
        heartbeat=timezone.now(),
        attempts=F("attempts") - 1,
    )
    if not returned:
        raise LostLease(f"Run {run.pk} is no longer {owner}'s.")


def _is_cancelled(run: TrainingRun, owner: str) -> bool:
    """Whether a cancel was asked for; the caller's transaction holds the run's row from here. Raises LostLease."""
    asked = _mine(run.pk, owner).select_for_update(no_key=True).values_list("cancel_requested", flat=True).first()
    if asked is None:
        raise LostLease(f"Run {run.pk} is no longer {owner}'s.")
    return asked


def _end(run: TrainingRun, owner: str, **fields: Any) -> None:
    ended = {"owner": "", "lease_expires": None, "seconds_left": None, "finished": timezone.now(), **fields}
    if not _mine(run.pk, owner).update(**ended):
        raise LostLease(f"Run {run.pk} is no longer {owner}'s.")


class LeaseKeeper:
    """A thread that renews the lease every few seconds and watches for a cancel, about once a second.

    The worker asks `should_stop()` between steps; that reads memory only. `lost` also turns true when the lease ran
    out unrenewed (the machine slept, the database was away): then another worker may already own the run.
    """

    def __init__(self, run: TrainingRun, owner: str, stopping: Callable[[], bool] = lambda: False) -> None:
        self.run, self.owner = run, owner
        self.stopping = stopping
        self.cancelled = False
        self._taken = False
        self._until = run.lease_expires or lease_until()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease-of-run-{run.pk}", daemon=True)

    def __enter__(self) -> "LeaseKeeper":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._thread.join(timeout=30)

    @property
    def lost(self) -> bool:
        return self._taken or timezone.now() >= self._until

    def should_stop(self) -> bool:
        return self.cancelled or self.stopping() or self.lost

    def require(self) -> None:
        """Raise LostLease when the run may be somebody else's."""
        if self.lost:
            raise LostLease(f"Run {self.run.pk} is no longer {self.owner}'s.")

    def _keep(self) -> None:
        pause = min(HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS / 4)
        renewal = timezone.now() + timedelta(seconds=pause)
        while not self._done.wait(min(POLL_SECONDS, pause)):
            try:
                if timezone.now() >= renewal:
                    self._until = heartbeat(self.run, self.owner)
                    renewal = timezone.now() + timedelta(seconds=pause)
                self._look()
            except LostLease:
                self._taken = True
            except Exception:  # the database may be away for a while; `lost` watches the clock meanwhile
                log.exception("heartbeat failed", extra={"run": self.run.pk})
                close_old_connections()
            if self._taken:
                break
        connection.close()  # this thread's own

    def _look(self) -> None:
        row = _mine(self.run.pk, self.owner).values_list("cancel_requested", flat=True).first()
        if row is None:
            raise LostLease
        self.cancelled = self.cancelled or row
