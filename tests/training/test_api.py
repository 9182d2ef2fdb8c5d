"""The training API: what leads do with it, and that it does not exist for anybody else."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from labeling.models import Project
from training.actions.batches import freeze_batch
from training.actions.model_versions import register_bundled_model
from training.models import Evaluation, ModelVersion, RunLine, TrainingRun


@pytest.fixture
def as_person(people: Any) -> Any:
    def sign_in(name: str) -> APIClient:
        client = APIClient()
        client.force_authenticate(people[name])
        return client

    return sign_in


@pytest.fixture
def everything(ranked: Project, var: Any) -> dict[str, Any]:
    """One row of each noun."""
    bundled = register_bundled_model(ranked)
    batch = freeze_batch(project=ranked)
    run = TrainingRun.objects.create(project=ranked, kind="reward_dpo", batch=batch, state="failed", error="Traceback")
    RunLine.objects.create(run=run, text="Training 4,000 weights.")
    policy = ModelVersion.objects.create(
        project=ranked, kind="policy", name="policy-v1", hash="1" * 64, path="models/1", parent=bundled, run=run
    )
    evaluation = Evaluation.objects.create(model_version=policy, baseline=bundled, name="blind")
    return {"batches": batch, "runs": run, "model-versions": policy, "evaluations": evaluation}


def test_a_lead_reads_every_noun(everything: dict[str, Any], as_person: Any) -> None:
    client = as_person("lena")
    for noun, row in everything.items():
        listed = client.get(f"/api/{noun}/", {"project": "tea"}).json()
        assert row.pk in {item["id"] for item in listed["results"]}
        assert client.get(f"/api/{noun}/{row.pk}/").json()["id"] == row.pk
    assert client.get(f"/api/evaluations/{everything['evaluations'].pk}/").json()["win_rate"]["undefined_because"]
    assert client.get(f"/api/runs/{everything['runs'].pk}/log/").json()["results"][0]["text"].startswith("Training")


def test_to_an_annotator_and_to_a_stranger_nothing_exists(everything: dict[str, Any], as_person: Any) -> None:
    for client in (as_person("ann"), as_person("abe")):
        for noun, row in everything.items():
            assert client.get(f"/api/{noun}/").json()["results"] == []
            assert client.get(f"/api/{noun}/{row.pk}/").status_code == 404
        assert client.post(f"/api/runs/{everything['runs'].pk}/cancel/").status_code == 404
        assert client.post("/api/runs/retrain/", {"project": "tea"}).status_code == 403
    assert APIClient().get("/api/runs/").status_code == 401


def test_the_lines_of_a_batch_are_the_bytes_that_were_hashed(everything: dict[str, Any], as_person: Any) -> None:
    import hashlib

    batch = everything["batches"]
    answer = as_person("lena").get(f"/api/batches/{batch.pk}/lines/")
    assert hashlib.sha256(answer.content).hexdigest() == batch.hash
    assert len([json.loads(line) for line in answer.content.splitlines()]) == 18


def test_retrain_sample_and_cancel(everything: dict[str, Any], as_person: Any) -> None:
    client = as_person("lena")
    sent = {"project": "tea", "settings": {"policy": {"beta": 0.2}}}
    run = client.post("/api/runs/retrain/", sent, format="json")
    assert run.status_code == 201
    assert run.json()["settings"]["policy"] == {"beta": 0.2, "evaluation_tokens": 12}
    assert client.post("/api/runs/retrain/", sent, format="json").status_code == 409
    assert client.post(f"/api/runs/{run.json()['id']}/cancel/").json()["state"] == "cancelled"
    bad = client.post("/api/runs/sample/", {"project": "tea", "settings": {"top_p": 7}}, format="json")
    assert bad.status_code == 400
    assert "top_p" in bad.json()["detail"]
    assert client.post("/api/runs/sample/", {"project": "tea", "k": 2}, format="json").status_code == 201


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"policy": {"learning_rate": "nan"}}, "Policy: Setting learning_rate must be a number, not 'nan'."),
        (
            {"reward": {"seed": 2**70}},
            "Reward model: Setting seed must be from 0 to 4294967295, not 118059162071741130",
        ),
        ({"reward": [1]}, 'Reward model: the settings must be an object, such as {"seed": 1}, not [1].'),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_words(
    everything: dict[str, Any], as_person: Any, chosen: dict[str, Any], said: str
) -> None:
    answer = as_person("lena").post("/api/runs/retrain/", {"project": "tea", "settings": chosen}, format="json")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(said)
    assert answer.json()["field"] == "settings"


def test_promote_and_next_round(everything: dict[str, Any], as_person: Any) -> None:
    client, policy = as_person("lena"), everything["model-versions"]
    run = client.post(f"/api/model-versions/{policy.pk}/next-round/")
    assert run.status_code == 201, run.json()
    assert run.json()["kind"] == "sampling"
    promoted = client.post(f"/api/model-versions/{policy.pk}/promote/", {"reason": "It won"}, format="json")
    assert promoted.json()["model_version"] == policy.pk
    assert client.get(f"/api/model-versions/{policy.pk}/").json()["card"]["current"] is True
