"""Accounts of an earlier version: those that an import made are known as such, and no others."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from labeling.actions.importing import import_judgments
from labeling.actions.projects import create_project
from webapp.demo import demo_people

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def back():
    """Bring the database to what it was before; it is brought to the newest again, also if the test fails."""
    yield lambda: call_command("migrate", "accounts", "0001_initial", verbosity=0)
    call_command("migrate", verbosity=0)


def test_accounts_that_an_import_made_are_marked_and_those_of_people_are_not(back):
    users = get_user_model().objects
    changed = {
        "opens": {"is_staff": True},
        "came": {"last_login": timezone.now()},
        "has a password": {"password": "md5$salt$hash"},
        "has a name": {"display_name": "Ann"},
    }
    names = ["a1", "a2", *changed, *(each.username for each in demo_people())]
    said = [{"annotator": name, "ranks": [1, 2]} for name in names]
    line = json.dumps({"prompt": "Hi", "completions": ["a", "b"], "judgments": said})
    assert not import_judgments(project=create_project(slug="tea", name="Tea"), lines=[line]).bad
    for name, fields in changed.items():
        users.filter(username=name).update(**fields)
    users.create(username="waits for a link", password="!none")
    back()
    with connection.cursor() as cursor:
        columns = {each.name for each in connection.introspection.get_table_description(cursor, "accounts_user")}
    assert "from_import" not in columns
    call_command("migrate", verbosity=0)
    assert set(users.filter(from_import=True).values_list("username", flat=True)) == {"a1", "a2"}
