"""Who works on a run: claims, heartbeats and endings, each one conditional UPDATE that looks at its row count.

A run is claimed when it is queued, or when it is running and its lease has expired. While the owner works, a thread
renews the lease (`LeaseKeeper`); every write that ends the run demands that the lease is still the owner's. So of two
workers that believe to own a run, at most one can finish it.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from training.models import TrainingRun

log = logging.getLogger("luce.training")

# After so many workers died on it, a run itself is the likely cause (out of memory, a driver that crashes).
MAX_ATTEMPTS = 5
POLL_SECONDS = 1.0


class LostLease(Exception):
    """Somebody else owns the run now, or may own it: stop and write nothing more."""


def lease_until(now: datetime | None = None) -> datetime:
    return (now or timezone.now()) + timedelta(seconds=settings.RUN_LEASE_SECONDS)


def claim_run(run_id: int, owner: str) -> TrainingRun | None:
    """Make `owner` the run's only worker; None when it is finished, cancelled, or somebody else works on it."""
    now = timezone.now()
    free = Q(state=TrainingRun.State.QUEUED) | Q(state=TrainingRun.State.RUNNING, lease_expires__lt=now)
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


def _mine(run_id: int, owner: str) -> Any:
    return TrainingRun.objects.filter(pk=run_id, state=TrainingRun.State.RUNNING, owner=owner)


def heartbeat(run: TrainingRun, owner: str, **fields: Any) -> datetime:
    """Renew the owner's lease, writing `fields` (stage, step, …) along; return the new end. Raises LostLease."""
    now = timezone.now()
    until = lease_until(now)
    if not _mine(run.pk, owner).update(heartbeat=now, lease_expires=until, **fields):
        raise LostLease(f"Run {run.pk} is no longer {owner}'s.")
    return until


def finish_run(run: TrainingRun, owner: str, report: dict[str, Any]) -> None:
    """The run succeeded. Call it in the transaction that stores the result. Raises LostLease."""
    _end(run, owner, state=TrainingRun.State.SUCCEEDED, report=report, seconds_left=None)


def fail_run(run: TrainingRun, owner: str, error: str) -> None:
    """The run failed; `error` is the traceback, for the lead. Raises LostLease."""
    _end(run, owner, state=TrainingRun.State.FAILED, error=error, seconds_left=None)


def end_cancelled(run: TrainingRun, owner: str) -> None:
    """The owner stopped, as asked. Raises LostLease."""
    _end(run, owner, state=TrainingRun.State.CANCELLED, seconds_left=None)


def give_back(run: TrainingRun, owner: str) -> None:
    """The worker is going down in good order: let the next one go on at once. The claim counts for nothing."""
    returned = _mine(run.pk, owner).update(
        state=TrainingRun.State.QUEUED,
        owner="",
        lease_expires=None,
        heartbeat=timezone.now(),
        attempts=F("attempts") - 1,
    )
    if not returned:
        raise LostLease(f"Run {run.pk} is no longer {owner}'s.")


def _end(run: TrainingRun, owner: str, **fields: Any) -> None:
    if not _mine(run.pk, owner).update(owner="", lease_expires=None, finished=timezone.now(), **fields):
        raise LostLease(f"Run {run.pk} is no longer {owner}'s.")


class LeaseKeeper:
    """A thread that renews the lease every quarter of its length and watches for a cancel, about once a second.

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
        quarter = settings.RUN_LEASE_SECONDS / 4
        renewal = timezone.now() + timedelta(seconds=quarter)
        while not self._done.wait(min(POLL_SECONDS, quarter)):
            try:
                if timezone.now() >= renewal:
                    self._until = heartbeat(self.run, self.owner)
                    renewal = timezone.now() + timedelta(seconds=quarter)
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
