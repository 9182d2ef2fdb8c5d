"""Without any variable the settings are safe; a bad variable is one line."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from webapp.supervisor.broker import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
SHOWN = [
    "SECRET_KEY",
    "DEBUG",
    "DEMO",
    "ALLOWED_HOSTS",
    "SECURE_SSL_REDIRECT",
    "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_SECURE",
    "SESSION_COOKIE_NAME",
    "SECURE_HSTS_SECONDS",
    "CELERY_BROKER_URL",
    "REST_FRAMEWORK",
]
SHOW = f"import json; from django.conf import settings; print(json.dumps({{n: getattr(settings, n) for n in {SHOWN}}}))"
VARIABLES = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS")


def environment(folder: Path, **variables: str) -> dict[str, str]:
    plain = {
        name: value for name, value in os.environ.items() if not name.startswith("LUCE_") and name not in VARIABLES
    }
    return {**plain, "DJANGO_SETTINGS_MODULE": "webapp.settings", "LUCE_VAR": str(folder), **variables}


def settings_with(folder: Path, **variables: str) -> dict:
    """The settings of a fresh process with these variables and none of ours."""
    run = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, env=environment(folder, **variables), capture_output=True, check=True
    )
    return json.loads(run.stdout)


def test_without_any_variable_the_site_is_safe(tmp_path: Path) -> None:
    found = settings_with(tmp_path)
    assert found["DEBUG"] is False
    assert found["DEMO"] is False
    assert set(found["ALLOWED_HOSTS"]) == {"127.0.0.1", "localhost", "[::1]"}
    assert found["SECURE_SSL_REDIRECT"]
    assert found["SESSION_COOKIE_SECURE"]
    assert found["CSRF_COOKIE_SECURE"]
    assert found["SECURE_HSTS_SECONDS"] >= 31536000


def test_each_installation_has_a_key_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    first = settings_with(tmp_path / "first")["SECRET_KEY"]
    assert len(first) >= 50
    assert settings_with(tmp_path / "first")["SECRET_KEY"] == first
    assert settings_with(tmp_path / "second")["SECRET_KEY"] != first
    assert stat.S_IMODE((tmp_path / "first" / "secret_key").stat().st_mode) == 0o600


def test_the_demo_speaks_plain_http_to_this_machine_only(tmp_path: Path) -> None:
    found = settings_with(tmp_path, LUCE_DEMO="1")
    assert not found["SECURE_SSL_REDIRECT"]
    assert set(found["ALLOWED_HOSTS"]) == {"127.0.0.1", "localhost", "[::1]"}


def test_the_session_cookie_has_its_usual_name_unless_it_is_given_one(tmp_path: Path) -> None:
    assert settings_with(tmp_path)["SESSION_COOKIE_NAME"] == "sessionid"
    assert settings_with(tmp_path, LUCE_SESSION_COOKIE="luce-2")["SESSION_COOKIE_NAME"] == "luce-2"


def test_the_broker_is_the_given_one_then_the_embedded_one_then_the_usual_port(tmp_path: Path) -> None:
    assert settings_with(tmp_path)["CELERY_BROKER_URL"] == "redis://127.0.0.1:6379/0"
    (tmp_path / "broker_url").write_text("redis://:secret@127.0.0.1:6391/0\n")
    assert settings_with(tmp_path)["CELERY_BROKER_URL"] == "redis://:secret@127.0.0.1:6391/0"
    assert settings_with(tmp_path, REDIS_URL="redis://redis/1")["CELERY_BROKER_URL"] == "redis://redis/1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LUCE_VAR", "/proc/luce"),
        ("LUCE_RUN_LEASE_SECONDS", "soon"),
        ("LUCE_RUN_LEASE_SECONDS", "-1"),
        ("LUCE_HTTPS", "maybe"),
        ("LUCE_LOG_FORMAT", "xml"),
        ("LUCE_SESSION_COOKIE", "my cookie;"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgres://luce:secret@127.0.0.1:port/luce"),
        ("REDIS_URL", "localhost:6379"),
        ("TIME_ZONE", "Mars/Phobos"),
        ("API_RATE_USER", "lots"),
        ("API_RATE_ANONYMOUS", "10/fortnight"),
    ],
)
def test_a_bad_variable_is_one_line_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=environment(tmp_path, **{name: value}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert name in run.stderr
    assert "Traceback" not in run.stderr
    assert "secret" not in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"postgres://luce:secret@127.0.0.1:{free_port()}/luce", "the database cannot be used: connection failed"),
        ("postgres://luce:secret@luce.invalid/luce", "the database cannot be used"),
        ("sqlite:////nowhere/luce.sqlite3", "the database cannot be used: unable to open database file"),
        ("", "the database is empty or of another version; run: python manage.py migrate"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line_of_any_command(tmp_path: Path, url: str, says: str) -> None:
    command = [sys.executable, "manage.py", "agreement", "tea", "--json"]
    there = environment(tmp_path, DATABASE_URL=url)
    run = subprocess.run(command, cwd=ROOT, env=there, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith(f"luce: {says}")
    assert "secret" not in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
