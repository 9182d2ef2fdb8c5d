"""What a project accepts as its settings, wherever they come from."""

from dataclasses import asdict

import pytest

from labeling.actions.errors import ActionError
from labeling.actions.projects import create_project, update_project
from labeling.api.serializers import ProjectSerializer
from labeling.models import Project
from training.engine.settings import SamplingSettings

pytestmark = pytest.mark.django_db

NONSENSE = [
    7,
    "warm",
    {"heat": 1},
    {"temperature": 0},
    {"temperature": "warm"},
    {"temperature": float("nan")},
    {"temperature": True},
    {"top_p": 1.5},
    {"max_new_tokens": 0},
    {"max_new_tokens": 2.5},
    {"seed": -1},
    {"seed": 2**60},
]


@pytest.mark.parametrize("sampling", NONSENSE, ids=str)
def test_nonsense_about_sampling_is_refused_before_it_is_stored(project, sampling):
    with pytest.raises(ActionError) as refused:
        update_project(project=project, sampling=sampling)
    assert refused.value.field == "sampling"
    with pytest.raises(ActionError):
        create_project(slug="other", name="Other", sampling=sampling)
    assert Project.objects.get().sampling == {}


def test_the_api_says_what_is_wrong_with_sampling(client, lead, project):
    client.force_login(lead)
    sent = {"sampling": {"temperature": 9}}
    answer = client.patch(f"/api/projects/{project.slug}/", sent, content_type="application/json", secure=True)
    assert answer.status_code == 400
    assert "temperature must be above 0, at most 5, not 9" in answer.content.decode()


def test_a_project_accepts_every_setting_of_the_engine_but_k(project):
    engine = asdict(SamplingSettings())
    engine.pop("k")
    assert update_project(project=project, sampling=engine).sampling == engine


@pytest.mark.parametrize("name", [name for name in asdict(SamplingSettings()) if name not in ("k", "seed")])
def test_what_the_engine_refuses_the_project_refuses(project, name):
    from training.engine.errors import BadSettings

    with pytest.raises(BadSettings):
        SamplingSettings.from_dict({name: 0})
    with pytest.raises(ActionError):
        update_project(project=project, sampling={name: 0})


def test_without_knowing_who_reads_the_seed_is_not_told(project):
    assert not {"seed", "sampling"} & ProjectSerializer(project).data.keys()


def test_who_opens_or_changes_a_project_is_told_its_seed(client, lead, project):
    client.force_login(lead)
    made = client.post(
        "/api/projects/", {"slug": "new-tea", "name": "New"}, content_type="application/json", secure=True
    )
    assert made.status_code == 201
    assert made.json()["seed"] == Project.objects.get(slug="new-tea").seed
    changed = client.patch("/api/projects/tea/", {"name": "Teas"}, content_type="application/json", secure=True)
    assert changed.json()["seed"] == project.seed < 2**53


@pytest.mark.parametrize("sent", [{"prompt": 0}, {"completions": [0, 1]}, {"overlap": 0}, {"overlap": 1001}], ids=str)
def test_an_id_or_an_overlap_that_cannot_be_is_refused_by_name(client, lead, compare, sent):
    there = compare("How do I brew tea?")
    body = {"prompt": there.prompt_id, "completions": list(there.completions.values_list("pk", flat=True)), **sent}
    client.force_login(lead)
    answer = client.post("/api/comparisons/", body, content_type="application/json", secure=True)
    assert answer.status_code == 400
    (field,) = sent
    assert field in answer.json()
