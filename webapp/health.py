"""Whether the site can do its work: database, broker, workers. Answers carry no address and no password."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BROKER_SECONDS = 2.0


@dataclass(frozen=True)
class Check:
    """One thing that was asked; `reason` says in words why it is not well."""

    name: str
    well: bool
    reason: str = ""
    milliseconds: float = 0.0

    def as_json(self) -> dict[str, object]:
        answer: dict[str, object] = {"ok": self.well, "ms": self.milliseconds}
        return answer if self.well else {**answer, "reason": self.reason}


def checks() -> list[Check]:
    broker = ask("broker", why_no_broker)
    # a broker that hangs would hang this question too
    workers = ask("workers", why_no_workers if broker.well else lambda: "cannot be asked without the broker")
    return [ask("database", why_no_database), broker, workers]


def ask(name: str, why_not: Callable[[], str]) -> Check:
    start = time.perf_counter()
    reason = why_not()
    return Check(name, not reason, reason, round(1000 * (time.perf_counter() - start), 1))


def why_no_database() -> str:
    """Empty if it answers and has every migration."""
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Exception as error:
        return f"does not answer ({type(error).__name__}); see DATABASE_URL"
    return f"{len(waiting)} migrations to run; run manage.py migrate" if waiting else ""


def why_no_broker() -> str:
    try:
        client = redis.Redis.from_url(
            settings.CELERY_BROKER_URL, socket_timeout=BROKER_SECONDS, socket_connect_timeout=BROKER_SECONDS
        )
        client.ping()
    except Exception as error:
        return f"does not answer ({type(error).__name__}); see REDIS_URL"
    return ""


def why_no_workers() -> str:
    """Empty if every queue has a worker that was heard of lately."""
    from webapp import heartbeat

    try:
        return heartbeat.why_silent()
    except Exception as error:
        return f"cannot be asked ({type(error).__name__})"
