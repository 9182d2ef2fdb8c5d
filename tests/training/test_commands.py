"""`manage.py retrain` and `manage.py sample` on a terminal."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from labeling.models import Comparison, Project
from training.models import TrainingRun


def call(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_they_queue_and_say_so(ranked: Project, var: Any) -> None:
    assert "is queued: Reward model, then DPO" in call("retrain", "tea", "--policy", '{"beta": 0.2}')
    assert "is queued: Sample completions" in call("sample", "tea", "--k", "2", "--split", "train")
    run = TrainingRun.objects.get(kind="sampling")
    assert (run.settings["sampling"]["k"], run.settings["split"]) == (2, "train")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["retrain", "coffee"], 'no project "coffee"'),
        (["retrain", "tea"], "not enough to train on"),
        (["retrain", "tea", "--reward", "[1]"], "must be a JSON object"),
        (["retrain", "tea", "--policy", "beta=1"], "not JSON"),
        (["retrain", "tea", "--policy", '{"beta": -1}'], "beta"),
        (["sample", "tea", "--model", "policy-v9"], 'no policy "policy-v9". It has: none yet'),
    ],
)
def test_they_say_what_is_wrong(project: Project, var: Any, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call(*arguments)


def test_sample_waits_for_a_real_worker(start_worker: Any, project: Project) -> None:
    start_worker()
    assert "succeeded" in call("sample", "tea", "--split", "heldout", "--wait")
    assert Comparison.objects.filter(project=project).count() == 3


@pytest.mark.parametrize("k", [1, 10, 99])
def test_a_k_that_nobody_could_compare_is_refused_before_it_is_queued(answered: Project, k: int) -> None:
    with pytest.raises(CommandError, match="k must be from 2 to 9"):
        call_command("sample", "tea", "--k", str(k))
    assert not answered.runs.exists()
