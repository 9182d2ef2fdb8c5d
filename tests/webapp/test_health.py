"""/healthz says that the process lives; /readyz says whether it can do its work, and why not."""

import pytest
from django.db import DatabaseError, connection
from django.test import Client


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


def test_live_asks_no_database() -> None:
    # without the django_db mark any query would raise
    response = Client().get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_health_is_asked_over_plain_http_too(settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/healthz").status_code == 200


@pytest.mark.django_db
def test_not_ready_without_a_broker_and_the_reason_holds_no_password(settings) -> None:
    settings.CELERY_BROKER_URL = "redis://:hunter2@127.0.0.1:1/0"
    response = Client().get("/readyz")
    assert response.status_code == 503
    body = response.json()
    assert body["ready"] is False
    assert "see REDIS_URL" in body["failing"]["broker"]
    assert body["checks"]["database"]["ok"] is True
    assert "hunter2" not in response.content.decode()


@pytest.mark.django_db
def test_not_ready_when_the_database_fails(settings) -> None:
    def broken(execute, sql, params, many, context):
        raise DatabaseError("connection refused")

    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    with connection.execute_wrapper(broken):
        response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["failing"]["database"] == "does not answer (DatabaseError); see DATABASE_URL"
