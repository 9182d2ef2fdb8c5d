"""What only somebody who tries to break it sends: answered in words, never with a crash or a hint."""

import json

import pytest

from labeling.actions.importing import import_judgments
from labeling.actions.submitting import submit_judgment
from labeling.models import Assignment

pytestmark = pytest.mark.django_db
ENDLESS = 10**400


def test_a_number_beyond_all_floats_is_cut_like_a_large_one(compare, annotator, project):
    from labeling.actions.serving import serve_next

    compare("How do I brew tea?")
    ann = annotator("ann")
    held = serve_next(person=ann, project=project)
    stored = submit_judgment(person=ann, assignment_id=held.pk, key="k", ranks=[1, 2], active_seconds=ENDLESS)
    assert stored.judgment.active_seconds == project.lease_seconds


def test_an_import_refuses_a_number_beyond_all_floats_in_words(project):
    line = {
        "prompt": "How do I brew tea?",
        "completions": ["Boil it.", "Steep it."],
        "judgments": [{"annotator": "ann", "ranks": [1, 2], "active_seconds": ENDLESS}],
    }
    report = import_judgments(project=project, lines=[json.dumps(line)])
    assert [(bad.line, bad.field) for bad in report.bad] == [(1, "judgments[0].active_seconds")]


def test_an_id_that_no_row_can_have_is_refused_in_words(client, lead, project):
    client.force_login(lead)
    answer = client.get("/api/completions/?prompt=" + "9" * 30, secure=True)
    assert answer.status_code == 400
    assert "number that large" in answer.content.decode()


def test_those_who_rank_do_not_see_the_seed_that_orders_the_answers(client, lead, annotator, project):
    client.force_login(annotator("ann"))
    assert not {"seed", "sampling"} & client.get(f"/api/projects/{project.slug}/", secure=True).json().keys()
    client.force_login(lead)
    assert client.get(f"/api/projects/{project.slug}/", secure=True).json()["seed"] == project.seed != 0


def test_an_imported_ranking_whose_order_is_unknown_can_be_changed(client, annotator, project):
    ann = annotator("ann")
    line = {
        "prompt": "How do I brew tea?",
        "completions": ["Boil it.", "Steep it."],
        "judgments": [{"annotator": "ann", "ranks": [1, 2]}],
    }
    import_judgments(project=project, lines=[json.dumps(line)])
    done = Assignment.objects.get(annotator=ann)
    assert (done.shown, done.order) == ([], [0, 1])
    client.force_login(ann)
    page = client.get(f"/p/{project.slug}/rank/?change={done.pk}", secure=True).content.decode()
    assert "Boil it." in page
    assert "Steep it." in page


def test_an_imported_ranking_whose_order_is_unknown_is_changed_in_the_order_it_was_shown(client, annotator, project):
    ann = annotator("ann")
    line = {
        "prompt": "How do I brew tea?",
        "completions": ["Boil it.", "Steep it."],
        "judgments": [{"annotator": "ann", "ranks": [1, 2]}],
    }
    import_judgments(project=project, lines=[json.dumps(line)])
    done = Assignment.objects.get(annotator=ann)
    client.force_login(ann)
    said = {"key": "k2", "ranks": [2, 1], "amend": True}
    answer = client.post(f"/p/{project.slug}/rank/{done.pk}/submit", said, content_type="application/json", secure=True)
    assert answer.status_code in (200, 302), answer.content
    assert list(done.judgments.order_by("revision").values_list("ranks", flat=True)) == [[1, 2], [2, 1]]


@pytest.mark.parametrize("body", ["[" * 100_000, '{"ranks": ' + "9" * 5000 + "}", "no JSON", "7"], ids=len)
def test_a_body_that_no_reader_can_take_is_refused_in_words(client, compare, annotator, project, body):
    from labeling.actions.serving import serve_next

    compare("How do I brew tea?")
    ann = annotator("ann")
    held = serve_next(person=ann, project=project)
    client.force_login(ann)
    for url in (f"/p/{project.slug}/rank/{held.pk}/submit", f"/api/assignments/{held.pk}/judgment/"):
        answer = client.post(url, body, content_type="application/json", secure=True)
        assert answer.status_code == 400, url
        assert "set_int_max_str_digits" not in answer.content.decode()


def test_a_form_with_a_rank_of_thousands_of_digits_is_refused_in_words(client, compare, annotator, project):
    from labeling.actions.serving import serve_next

    compare("How do I brew tea?")
    ann = annotator("ann")
    held = serve_next(person=ann, project=project)
    client.force_login(ann)
    said = {"key": "k", "rank-0": "9" * 5000, "rank-1": "1"}
    assert client.post(f"/p/{project.slug}/rank/{held.pk}/submit", said, secure=True).status_code == 400
