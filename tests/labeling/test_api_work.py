"""The quick way of telling an assignment says what the schema's serializer says."""

import json

import pytest
from rest_framework.renderers import JSONRenderer

from labeling.actions.importing import import_judgments
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.api.assignments import with_texts
from labeling.api.serializers import AssignmentSerializer
from labeling.api.work import told
from labeling.models import Assignment

pytestmark = pytest.mark.django_db


def both_ways(assignment):
    plain = json.loads(JSONRenderer().render(told(assignment, assignment.project)))
    row = with_texts(Assignment.objects.all()).get(pk=assignment.pk)
    return plain, json.loads(JSONRenderer().render(AssignmentSerializer(row).data))


def test_an_assignment_that_is_open_and_the_same_judged(annotator, project, compare, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    compare("How do I brew tea?", "Boil it.", "Steep it.", "Buy it.")
    ann = annotator("ann")
    held = serve_next(person=ann, project=project)
    plain, serialized = both_ways(held)
    assert plain == serialized
    assert plain["ranks"] is None
    submit_judgment(person=ann, assignment_id=held.pk, key="k", ranks=[2, 1, None])
    plain, serialized = both_ways(Assignment.objects.get())
    assert plain == serialized
    assert sorted(plain["ranks"], key=str) == [1, 2, None]


def test_an_imported_one_whose_order_nobody_knows(annotator, project):
    line = {
        "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tea?"}],
        "completions": ["Boil it.", "Steep it."],
        "judgments": [{"annotator": "ann", "ranks": [1, 2]}],
    }
    annotator("ann")
    import_judgments(project=project, lines=[json.dumps(line)])
    plain, serialized = both_ways(Assignment.objects.get())
    assert plain == serialized
    assert [each["text"] for each in plain["completions"]] == ["Boil it.", "Steep it."]


@pytest.mark.parametrize("pk", ["0", "7" * 30, "me", "-1", "²"])
def test_an_id_that_is_nobodys_is_not_found(client, annotator, project, pk):
    client.force_login(annotator("ann"))
    body = {"key": "k", "ranks": [1, 2]}
    answer = client.post(f"/api/assignments/{pk}/judgment/", body, content_type="application/json", secure=True)
    assert answer.status_code == 404
