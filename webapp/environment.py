"""Reading environment variables: a value that cannot be meant is refused by name, and never taken for a default."""

import os
import re
import zoneinfo
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

YES = {"1", "true", "yes", "on"}
NO = {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    """The variable without surrounding space; `default` if it is not set or empty."""
    return os.environ.get(name, "").strip() or default


def switch(name: str, default: bool) -> bool:
    value = text(name).lower()
    if value in YES | NO:
        return value in YES
    if value:
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes 1 or 0.")
    return default


def number(name: str, default: int, least: int = 0) -> int:
    value = text(name)
    try:
        found = int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a whole number.") from None
    if found < least:
        raise ImproperlyConfigured(f"{name} is {found}; it must be {least} or more.")
    return found


def words(name: str, default: list[str]) -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or default


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = text(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes {' or '.join(choices)}.")
    return value


def cookie(name: str, default: str) -> str:
    """The name of a cookie."""
    value = text(name, default)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes letters, digits, - and _.")
    return value


def database(name: str, default: Path) -> dict[str, Any]:
    """Django's settings of a database, from a URL: `postgres://user:password@host:5432/name` or `sqlite:////path`.
    default: a SQLite file, whose path may hold what means something else in a URL."""
    url = text(name)
    if not url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(default)}
    takes = f"{name} takes postgres://user:password@host:5432/name or sqlite:////path."
    if not url.startswith(("postgres://", "postgresql://", "sqlite:///")):
        raise ImproperlyConfigured(takes)
    try:
        return environ.Env.db_url_config(url)
    except ValueError:  # its words may hold the password
        raise ImproperlyConfigured(
            f"{takes} Its port must be a number, and signs such as @ in it be written %40."
        ) from None


def broker(name: str) -> str:
    """The URL of a Redis, or nothing."""
    url = text(name)
    if url and not url.startswith(("redis://", "rediss://")):
        raise ImproperlyConfigured(f"{name} takes redis://:password@host:6379/0, or rediss:// with TLS.")
    return url


def rate(name: str, default: str) -> str:
    """So many requests in a second, minute, hour or day: 60/min."""
    value = text(name, default)
    if not re.fullmatch(r"[0-9]+/(s|sec|second|m|min|minute|h|hour|d|day)", value):
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a number and second, minute, hour or day: 60/min.")
    return value


def time_zone(name: str, default: str) -> str:
    value = text(name, default)
    if value not in zoneinfo.available_timezones():
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a name such as UTC or Europe/Berlin.")
    return value
