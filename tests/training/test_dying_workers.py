"""Workers that die, stop, or are told twice: the work is done once, from where it stopped."""

import copy
from typing import Any

import pytest
from celery import current_app

from labeling.models import Comparison, Project
from tests.training.conftest import TINY_TRAINING, wait_for, wait_for_state
from training.actions.artifacts import work_folder
from training.actions.runs import cancel_run, queue_retrain, queue_sampling, resume_abandoned_runs
from training.models import ModelVersion, RunMetric, TrainingRun

LONG_TRAINING = copy.deepcopy(TINY_TRAINING)
LONG_TRAINING["reward"] |= {"epochs": 100, "batch_size": 1, "checkpoint_seconds": 0.3}


def reward_steps(run: TrainingRun) -> list[int]:
    metrics = RunMetric.objects.filter(run=run, stage="reward").order_by("pk")
    return list(metrics.values_list("step", flat=True))


def training_for_a_while(run: TrainingRun) -> bool:
    """Past the first checkpoint, far from the end."""
    return len(reward_steps(run)) >= 40 and any(work_folder(run).glob("reward/checkpoints/step-*.pt"))


def test_a_run_whose_worker_is_killed_goes_on_from_its_checkpoint_once(
    start_worker: Any, ranked: Project, people: Any
) -> None:
    first = start_worker()
    run = queue_retrain(project=ranked, by=people["lena"], settings=LONG_TRAINING)
    wait_for(lambda: training_for_a_while(run), what="forty steps")
    first.kill()
    assert TrainingRun.objects.get(pk=run.pk).state == "running"
    assert resume_abandoned_runs() == 0, "its lease has not expired yet"
    before = reward_steps(run)

    second = start_worker()
    wait_for(resume_abandoned_runs, seconds=20, what="the lease to expire")
    assert resume_abandoned_runs() == 0, "sent once, not every time somebody looks"
    wait_for_state(run, "succeeded", "failed", worker=second)

    assert run.state == "succeeded", run.error
    assert run.attempts == 2
    steps = reward_steps(run)
    assert steps == list(range(1, 601)), "every step once, none missing"
    assert steps[: len(before)] == before
    log = "\n".join(run.lines.values_list("text", flat=True))
    resumed_after = int(log.partition("Resumed after step ")[2].split()[0])
    assert 0 < resumed_after <= len(before) + 1
    assert ModelVersion.objects.filter(run=run, kind="policy").count() == 1
    assert ModelVersion.objects.filter(run=run, kind="reward").count() == 1
    wait_for(lambda: not work_folder(run).exists(), seconds=3)


def test_a_second_message_for_a_run_at_work_or_done_changes_nothing(
    start_worker: Any, ranked: Project, people: Any
) -> None:
    first, second = start_worker(), start_worker()
    run = queue_retrain(project=ranked, by=people["lena"], settings=LONG_TRAINING)
    wait_for(lambda: training_for_a_while(run), what="forty steps")
    owner = TrainingRun.objects.get(pk=run.pk).owner
    current_app.send_task("training.tasks.execute_run", [run.pk])
    wait_for(lambda: "not claimed" in first.text + second.text, what="the idle worker to refuse")
    run.refresh_from_db()
    assert (run.owner, run.attempts) == (owner, 1)
    wait_for_state(run, "succeeded", worker=first)
    assert reward_steps(run) == list(range(1, 601))


def test_cancel_stops_a_training_within_seconds_and_the_worker_lives_on(
    start_worker: Any, ranked: Project, people: Any
) -> None:
    worker = start_worker()
    run = queue_retrain(project=ranked, by=people["lena"], settings=LONG_TRAINING)
    wait_for(lambda: training_for_a_while(run), what="forty steps")
    cancel_run(run=run, by=people["lena"])
    wait_for_state(run, "cancelled", worker=worker, seconds=3)
    assert not ModelVersion.objects.filter(run=run).exists()
    wait_for(lambda: not work_folder(run).exists(), seconds=3)
    sampling = queue_sampling(project=ranked, by=people["lena"])
    wait_for_state(sampling, "succeeded", worker=worker)


def test_a_worker_that_is_shut_down_hands_its_run_to_the_next_one_at_once(
    start_worker: Any, ranked: Project, people: Any
) -> None:
    first = start_worker()
    run = queue_retrain(project=ranked, by=people["lena"], settings=LONG_TRAINING)
    wait_for(lambda: training_for_a_while(run), what="forty steps")
    assert first.stop(timeout=10) == 0
    run.refresh_from_db()
    assert (run.state, run.owner, run.attempts) == ("queued", "", 0)
    second = start_worker()
    wait_for_state(run, "succeeded", "failed", worker=second)
    assert reward_steps(run) == list(range(1, 601))
    assert "Resumed after step" in "\n".join(run.lines.values_list("text", flat=True))


def test_a_sampling_that_was_killed_makes_every_comparison_once(
    start_worker: Any, project: Project, people: Any
) -> None:
    first = start_worker()
    slow = {"group_size": 1, "max_new_tokens": 150}
    run = queue_sampling(project=project, by=people["lena"], settings=slow)
    made = Comparison.objects.filter(project=project)
    wait_for(lambda: made.count() >= 2, what="two comparisons")
    first.kill()
    done = set(made.values_list("pk", flat=True))
    assert len(done) < 9
    second = start_worker()
    wait_for(resume_abandoned_runs, seconds=20, what="the lease to expire")
    wait_for_state(run, "succeeded", "failed", worker=second)
    assert made.count() == 9
    assert done <= set(made.values_list("pk", flat=True))
    assert run.report["sampled"] == 9 - len(done)


@pytest.mark.parametrize("kind", ["reward", "sampling"])
def test_a_failing_run_shows_its_traceback_and_leaves_the_worker_alive(
    start_worker: Any, ranked: Project, people: Any, var: Any, kind: str
) -> None:
    worker = start_worker()
    weights = var / "models" / "SmolLM2-135M-Instruct" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    if kind == "reward":
        run = queue_retrain(project=ranked, by=people["lena"], settings=TINY_TRAINING)
    else:
        run = queue_sampling(project=ranked, by=people["lena"])
    wait_for_state(run, "failed", worker=worker)
    assert run.error.startswith("Traceback")
    assert "safetensors" in run.error.lower()
    assert worker.process.poll() is None
