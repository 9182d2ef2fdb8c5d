"""What every page of the site carries: the content security policy, an id, an error page that says what happened."""

import io
import json
import logging
from logging.config import DictConfigurator

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from webapp.middleware import CONTENT_SECURITY_POLICY

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def person():
    return get_user_model().objects.create_user("ada", password="correct horse battery")


@pytest.fixture
def browser(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_home_asks_a_stranger_to_sign_in() -> None:
    response = Client().get("/")
    assert response.status_code == 302
    assert response["Location"] == f"{reverse('sign-in')}?next=/"


def test_a_person_signs_in_with_a_password_and_out_again(person) -> None:
    client = Client()
    assert client.get(reverse("sign-in")).status_code == 200
    client.post(reverse("sign-in"), {"username": "ada", "password": "wrong"})
    assert "_auth_user_id" not in client.session
    response = client.post(reverse("sign-in"), {"username": "ada", "password": "correct horse battery"})
    assert response["Location"] == "/"
    assert client.get("/").status_code == 200
    assert client.get(reverse("sign-out")).status_code == 405  # a link or an image cannot sign anybody out
    client.post(reverse("sign-out"))
    assert "_auth_user_id" not in client.session


def test_sign_in_goes_nowhere_else_afterwards(person) -> None:
    response = Client().post(
        reverse("sign-in") + "?next=https://attacker.example/",
        {"username": "ada", "password": "correct horse battery"},
    )
    assert response["Location"] == "/"


@pytest.mark.parametrize("address", ["/", "/sign-in/", "/p/new/", "/healthz", "/no/such/page", "/api/schema/"])
def test_every_page_carries_the_policy_and_a_request_id(browser, address) -> None:
    response = browser.get(address)
    assert response["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert response["X-Request-Id"]
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_the_api_browser_alone_loosens_styles_and_still_runs_no_inline_script(browser) -> None:
    response = browser.get(reverse("api-docs"))
    policy = response["Content-Security-Policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "script-src" not in policy  # default-src 'self' holds for scripts
    page = response.content.decode()
    assert "https://" not in page
    assert "<script>" not in page
    assert 'src="/static/drf_spectacular_sidecar/' in page


def test_the_root_of_the_api_shows_people_the_browser_and_programs_the_schema(browser) -> None:
    assert browser.get("/api/", HTTP_ACCEPT="text/html")["Location"] == reverse("api-docs")
    assert browser.get("/api/", HTTP_ACCEPT="application/json").json()["schema"].endswith("/api/schema/")


def test_a_page_that_is_not_there_says_so_and_under_api_in_json(browser) -> None:
    assert browser.get("/no/such/page").status_code == 404
    response = browser.get("/api/no/such/thing/")
    assert response.status_code == 404
    assert response.json()["request_id"] == response["X-Request-Id"]


def test_a_form_without_its_token_is_refused_with_words(person) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post(reverse("sign-in"), {"username": "ada", "password": "correct horse battery"})
    assert response.status_code == 403
    assert b"Reload" in response.content


def test_a_failure_is_a_page_without_a_traceback(browser, monkeypatch) -> None:
    from webapp import views

    def break_down(person: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(views, "projects_of", break_down)
    browser.raise_request_exception = False
    response = browser.get("/")
    assert response.status_code == 500
    assert b"a secret detail" not in response.content
    assert b"Traceback" not in response.content


def test_a_request_is_one_line_of_json_with_its_id(browser, person, settings) -> None:
    # a console of the site's own making, in the format of production, that writes here
    console = DictConfigurator({**settings.LOGGING, "root": {}, "loggers": {}})
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(console.configure_formatter(settings.LOGGING["formatters"]["json"]))
    handler.addFilter(console.configure_filter(settings.LOGGING["filters"]["ids"]))
    logging.getLogger("luce.request").addHandler(handler)
    try:
        response = browser.get("/?secret=1", HTTP_X_REQUEST_ID="from-the-proxy")
    finally:
        logging.getLogger("luce.request").removeHandler(handler)
    assert written.getvalue().count("\n") == 1
    line = json.loads(written.getvalue())
    assert response["X-Request-Id"] == line["request_id"] == "from-the-proxy"
    assert (line["method"], line["path"], line["status"], line["person"]) == ("GET", "/", 200, person.pk)
    assert line["ms"] >= 0
    assert {"time", "level", "logger", "message"} <= line.keys()
    assert "secret" not in written.getvalue()


def test_an_id_that_could_forge_a_log_line_is_replaced(browser) -> None:
    response = browser.get("/healthz", HTTP_X_REQUEST_ID='x", "level": "CRITICAL')
    assert '"' not in response["X-Request-Id"]


@pytest.mark.parametrize("preferred", ["ar", "de"])
def test_a_browser_of_another_language_gets_no_page_half_in_it(preferred: str) -> None:
    page = Client(headers={"accept-language": preferred}).post(reverse("sign-in"), {"username": "ada"})
    assert '<html lang="en"' in page.content.decode()
    assert 'dir="ltr"' in page.content.decode()
    assert "This field is required." in page.content.decode()
