"""Signing in with a password, and guessing at one."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.core.cache import cache

from webapp.sign_in import WRONG_A_MINUTE

pytestmark = pytest.mark.django_db
RIGHT, WRONG = {"username": "ann", "password": "a long pass phrase"}, {"username": "ann", "password": "a guess"}


@pytest.fixture(autouse=True)
def ann():
    cache.clear()
    yield get_user_model().objects.create_user(**RIGHT)
    cache.clear()


def test_after_ten_wrong_passwords_even_the_right_one_has_to_wait(client):
    for _ in range(WRONG_A_MINUTE):
        assert client.post("/sign-in/", WRONG).status_code == 200
    answer = client.post("/sign-in/", RIGHT)
    assert answer.status_code == 429
    assert "Wait a minute" in answer.content.decode()
    cache.clear()
    assert client.post("/sign-in/", RIGHT).status_code == 302


def test_a_client_cannot_pass_for_many_by_saying_so(client):
    for number in range(WRONG_A_MINUTE):
        client.post("/sign-in/", WRONG, headers={"X-Forwarded-For": f"10.0.0.{number}"})
    assert client.post("/sign-in/", RIGHT, headers={"X-Forwarded-For": "10.0.0.99"}).status_code == 429


def test_signing_in_rightly_is_never_counted(client):
    for _ in range(WRONG_A_MINUTE + 2):
        assert client.post("/sign-in/", RIGHT).status_code == 302
        client.logout()


def test_guesses_that_arrive_while_one_is_checked_are_counted_too(client):
    checked = []

    def guess_again(**kwargs):
        checked.append(kwargs)
        if len(checked) < 3 * WRONG_A_MINUTE:
            client.post("/sign-in/", WRONG)  # before the guess that is being checked is answered

    user_login_failed.connect(guess_again)
    try:
        client.post("/sign-in/", WRONG)
    finally:
        user_login_failed.disconnect(guess_again)
    assert len(checked) == WRONG_A_MINUTE


def test_a_minute_that_ends_while_a_guess_is_counted_loses_nothing(client):
    """The count may expire between looking for it and moving it."""
    real = cache.incr

    def expired(key, by):
        cache.delete(key)
        return real(key, by)

    cache.incr = expired
    try:
        assert client.post("/sign-in/", WRONG).status_code == 200
    finally:
        del cache.incr
    assert client.post("/sign-in/", RIGHT).status_code == 302
