"""Flagging a comparison for a lead."""

import pytest

from labeling.actions.notices import flag, settle
from labeling.actions.serving import serve_next
from labeling.models import Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(annotator, project, compare):
    compare("How do I brew tea?")
    return serve_next(person=annotator("ann"), project=project)


def test_what_is_said_in_a_second_flag_is_added_to_the_first(held):
    for reason in ("B is cut off.", "A is in French.", "B is cut off."):
        flag(person=held.annotator, assignment=held, reason=reason)
    assert Notice.objects.get().text == "B is cut off.\nA is in French."


def test_a_flag_after_the_first_was_settled_is_a_new_one(held, lead):
    first = flag(person=held.annotator, assignment=held, reason="B is cut off.")
    settle(notice=first, by=lead)
    second = flag(person=held.annotator, assignment=held, reason="It still is.")
    assert (second.pk != first.pk, second.text) == (True, "It still is.")
