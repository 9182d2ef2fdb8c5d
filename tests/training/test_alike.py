"""Trainings that end in the same weights, and rounds in which the models write the same answers."""

import io
from pathlib import Path

import pytest
from django.core.management.base import OutputWrapper

from labeling.actions.projects import update_project
from labeling.models import Project
from tests.training.conftest import TINY_SAMPLING, TINY_TRAINING
from tests.training.tiny_model import make_tiny_model
from training.actions.executing import execute_run
from training.actions.model_versions import store_model
from training.actions.rounds import promote, start_next_round
from training.actions.runs import queue_retrain
from training.engine.folders import folder_hash
from training.management.following import queued_or_followed
from training.models import ModelVersion, TrainingRun
from training.queries.rounds import round_state
from training.queries.runs import models_of

pytestmark = pytest.mark.usefixtures("committed", "broker")


def done(run: TrainingRun) -> TrainingRun:
    assert execute_run(run.pk, "me") == "succeeded", TrainingRun.objects.get(pk=run.pk).error
    return TrainingRun.objects.get(pk=run.pk)


def stored(project: Project, name: str, folder: Path) -> ModelVersion:
    return store_model(project=project, kind="policy", name=name, folder=folder, sha256=folder_hash(folder))


def test_a_second_training_on_the_same_judgments_says_that_its_weights_were_there(var: Path, ranked: Project) -> None:
    first = done(queue_retrain(project=ranked, settings=TINY_TRAINING))
    second = done(queue_retrain(project=ranked, settings=TINY_TRAINING))
    assert "Stored reward-v1 and policy-v1." in first.lines.last().text
    assert second.lines.last().text == "The same weights as reward-v1 and policy-v1, so these stay."
    assert list(models_of(second)) == list(models_of(first))
    assert ModelVersion.objects.filter(run__isnull=False).count() == 2
    terminal = io.StringIO()
    queued_or_followed(second, True, OutputWrapper(terminal))
    assert terminal.getvalue().count("(was there already)") == 2


def test_a_round_of_like_answers_can_be_sampled_again_when_the_temperature_was_raised(
    var: Path, project: Project, tmp_path: Path
) -> None:
    old = stored(project, "policy-v1", make_tiny_model(tmp_path / "old", seed=1))
    promote(model_version=old)
    (make_tiny_model(tmp_path / "twin", seed=1) / "NOTE").write_text("The same weights under another hash.")
    twin = stored(project, "policy-v2", tmp_path / "twin")
    update_project(project=project, sampling={**TINY_SAMPLING, "temperature": 0.0001, "max_tries": 1})
    run = done(start_next_round(model_version=twin))
    found = run.report["evaluation"]
    assert (found["pairs"], found["identical"] + found["missing"]) == (0, 3), "one line break after the other is none"
    assert (run.report["comparisons"], run.report["without_comparison"]) == (0, 9)
    assert round_state(twin).word == "empty"

    update_project(project=project, sampling=TINY_SAMPLING)
    twin.refresh_from_db()
    again = done(start_next_round(model_version=twin))
    assert again.settings["round"] == run.settings["round"]
    assert again.settings["evaluation"] == run.settings["evaluation"]
    assert (again.report["evaluation"]["pairs"], again.report["comparisons"]) == (3, 9)
    assert round_state(twin).word == "done"
