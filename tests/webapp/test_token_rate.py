"""Guessing at a password through /api/token/: counted for the address that the proxy saw, whatever a client claims."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client

from tests.webapp.test_settings import settings_with

pytestmark = pytest.mark.django_db
RIGHT, WRONG = {"username": "ann", "password": "a long pass phrase"}, {"username": "ann", "password": "a guess"}
GUESSER, SOMEBODY_ELSE = "203.0.113.7", "203.0.113.8"


@pytest.fixture(autouse=True)
def ann() -> Iterator[Any]:
    cache.clear()
    yield get_user_model().objects.create_user(**RIGHT)
    cache.clear()


@pytest.fixture
def allowed(settings: Any) -> int:
    """Calls a minute that a stranger has."""
    number, _ = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["anon"].split("/")
    return int(number)


def ask(sent: dict[str, str], forwarded: str | None = None) -> int:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    return Client().post("/api/token/", sent, headers=headers).status_code


def test_without_a_proxy_a_forged_address_counts_for_nothing(allowed: int) -> None:
    assert {ask(WRONG, f"10.0.0.{number}") for number in range(allowed)} == {400}
    assert ask(RIGHT, "10.0.1.1") == 429
    assert ask(RIGHT) == 429
    cache.clear()
    assert ask(RIGHT) == 200


def test_behind_a_proxy_the_address_that_it_added_counts(allowed: int, settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    assert {ask(WRONG, f"10.0.0.{number}, {GUESSER}") for number in range(allowed)} == {400}
    assert ask(RIGHT, f"10.0.1.1, {GUESSER}") == 429
    assert ask(RIGHT, f"10.0.1.1, 10.0.1.2, {GUESSER}") == 429
    assert ask(RIGHT, SOMEBODY_ELSE) == 200
    assert ask(RIGHT, f"{GUESSER}, {SOMEBODY_ELSE}") == 200, "nobody is locked out by another's forgery"


def test_luce_believes_a_proxy_only_when_it_is_told_of_one(tmp_path: Path) -> None:
    assert settings_with(tmp_path)["REST_FRAMEWORK"]["NUM_PROXIES"] == 0
    assert settings_with(tmp_path, LUCE_BEHIND_PROXY="1")["REST_FRAMEWORK"]["NUM_PROXIES"] == 1


def test_a_token_of_ones_own_does_not_buy_guesses_at_anothers_password(allowed: int) -> None:
    from rest_framework.authtoken.models import Token

    ben = Token.objects.create(user=get_user_model().objects.create_user(username="ben"))
    own = {"Authorization": f"Token {ben.key}"}
    answers = [Client().post("/api/token/", WRONG, headers=own).status_code for _ in range(allowed + 1)]
    assert answers == [400] * allowed + [429]
