"""One-click sign-in links work on this machine only, for the demo only, and for whom they were signed."""

import pytest
from django.contrib.auth import get_user_model
from django.core import signing
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from webapp.local_sign_in import SALT, sign_in_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    return get_user_model().objects.create_user("annotator-1", display_name="First annotator")


@pytest.fixture
def demo(settings):
    settings.DEMO = True
    settings.SECURE_SSL_REDIRECT = False
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", "luce.example.org"]
    return settings


def follow(token: str, **meta: str):
    """GET the link; returns the client and the response."""
    client = Client()
    return client, client.get(reverse("local-sign-in", args=[token]), **{"HTTP_HOST": "127.0.0.1:8000", **meta})


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "localhost", "[::1]:8000"])
def test_a_link_signs_its_person_in_and_goes_home(demo, person, host) -> None:
    client, response = follow(sign_in_token(person), HTTP_HOST=host)
    assert response.status_code == 302
    assert response["Location"] == "/"
    assert int(client.session["_auth_user_id"]) == person.pk


@pytest.mark.parametrize(
    "meta",
    [
        {"REMOTE_ADDR": "192.168.1.7"},
        {"REMOTE_ADDR": "2001:db8::1"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.9"},
        {"HTTP_FORWARDED": "for=203.0.113.9"},
        {"HTTP_VIA": "1.1 proxy"},
        {"HTTP_HOST": "luce.example.org"},
    ],
)
def test_from_elsewhere_through_a_proxy_or_under_another_name_a_link_does_not_exist(demo, person, meta) -> None:
    client, response = follow(sign_in_token(person), **meta)
    assert response.status_code == 404
    assert not signed_in(client)


def test_a_name_that_an_attacker_points_at_this_machine_is_refused(demo, person) -> None:
    client, response = follow(sign_in_token(person), HTTP_HOST="rebound.attacker.example")
    assert response.status_code == 400
    assert not signed_in(client)


def test_outside_the_demo_a_link_does_not_exist(demo, person) -> None:
    demo.DEMO = False
    client, response = follow(sign_in_token(person))
    assert response.status_code == 404
    assert not signed_in(client)


def test_a_changed_token_signs_nobody_in(demo, person) -> None:
    token = sign_in_token(person)
    for changed in (
        token[:-1] + ("a" if token[-1] != "a" else "b"),
        "x" + token,
        signing.dumps([person.pk], salt=SALT),
    ):
        client, response = follow(changed)
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("sign-in"))
        assert not signed_in(client)


def test_a_token_of_another_installation_signs_nobody_in(demo, person, settings) -> None:
    token = sign_in_token(person)
    settings.SECRET_KEY = "the key of somebody else's installation, long enough"
    client, _ = follow(token)
    assert not signed_in(client)


def test_a_changed_password_and_a_closed_account_end_the_links_made_before(demo, person) -> None:
    token = sign_in_token(person)
    person.set_password("quite another password")
    person.save()
    assert not signed_in(follow(token)[0])
    fresh = sign_in_token(person)
    person.is_active = False
    person.save()
    assert not signed_in(follow(fresh)[0])


def test_the_command_prints_a_link_that_works(demo, person, capsys) -> None:
    call_command("sign_in_link", "annotator-1", port=8010)
    printed = capsys.readouterr().out.strip()
    assert printed.startswith("http://127.0.0.1:8010/local/")
    client = Client()
    client.get(printed.removeprefix("http://127.0.0.1:8010"), HTTP_HOST="127.0.0.1:8010")
    assert signed_in(client)


def test_the_command_takes_the_port_of_the_demo_that_runs_unless_it_is_told_one(settings, person, tmp_path, capsys):
    settings.VAR_DIR = tmp_path

    def printed(**options: int) -> str:
        call_command("sign_in_link", "annotator-1", **options)
        return capsys.readouterr().out.split("/local/")[0]

    assert printed() == "http://127.0.0.1:8000", "where none runs"
    (tmp_path / "web_port").write_text("8123\n")
    assert printed() == "http://127.0.0.1:8123"
    assert printed(port=8010) == "http://127.0.0.1:8010"


def test_the_command_names_who_there_is_when_nobody_has_that_name(person) -> None:
    with pytest.raises(CommandError, match=r"Nobody is called nobody\. There are: annotator-1"):
        call_command("sign_in_link", "nobody")


def test_a_link_never_reaches_the_log(demo, person, caplog) -> None:
    token = sign_in_token(person)
    with caplog.at_level("INFO", logger="luce"):
        follow(token)
    assert caplog.records
    assert not any(token in str(vars(record)) for record in caplog.records)
