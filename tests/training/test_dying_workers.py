"""Workers that die, stop, or are told twice: the work is done once, from where it stopped."""

import copy
from typing import Any

from celery import current_app

from labeling.models import Comparison, Project
from tests.training.conftest import TINY_TRAINING, wait_for, wait_for_state
from training.actions.artifacts import work_folder
from training.actions.executing import execute_run
from training.actions.model_versions import model_folder
from training.actions.runs import cancel_run, queue_retrain, queue_sampling, resume_abandoned_runs
from training.models import ModelVersion, RunMetric, TrainingRun
from training.queries.models import current_model
from webapp.heartbeat import seconds_since_heartbeat, why_silent

LONG_TRAINING = copy.deepcopy(TINY_TRAINING)
LONG_TRAINING["reward"] |= {"epochs": 40, "batch_size": 1, "checkpoint_seconds": 0.3}
STEPS = 240  # 40 passes over 6 comparisons


def reward_steps(run: TrainingRun) -> list[int]:
    metrics = RunMetric.objects.filter(run=run, stage="reward").order_by("pk")
    return list(metrics.values_list("step", flat=True))


def training_for_a_while(run: TrainingRun) -> bool:
    """Past the first checkpoint, far from the end."""
    return len(reward_steps(run)) >= 20 and any(work_folder(run).glob("reward/checkpoints/step-*.pt"))


def test_a_run_whose_worker_is_killed_goes_on_from_its_checkpoint_once(
    start_worker: Any, ranked: Project, people: Any
) -> None:
    first = start_worker()
    run = queue_retrain(project=ranked, by=people["lena"], settings=LONG_TRAINING)
    wait_for(lambda: training_for_a_while(run), what="twenty steps and a checkpoint")
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
    assert steps == list(range(1, STEPS + 1)), "every step once, none missing"
    assert steps[: len(before)] == before
    log = "\n".join(run.lines.values_list("text", flat=True))
    resumed_after = int(log.partition("Resumed after step ")[2].split()[0])
    assert 0 < resumed_after <= len(before) + 1
    assert ModelVersion.objects.filter(run=run, kind="policy").count() == 1
    assert ModelVersion.objects.filter(run=run, kind="reward").count() == 1
    wait_for(lambda: not work_folder(run).exists(), seconds=3)


def test_a_run_at_work_is_nobody_elses_until_its_worker_is_shut_down(
    start_worker: Any, ranked: Project, people: Any
) -> None:
    first = start_worker()
    run = queue_retrain(project=ranked, by=people["lena"], settings=LONG_TRAINING)
    wait_for(lambda: training_for_a_while(run), what="twenty steps and a checkpoint")
    owner = TrainingRun.objects.get(pk=run.pk).owner
    assert execute_run(run.pk, "somebody else") == "not claimed", "as when the broker delivers a message twice"
    run.refresh_from_db()
    assert (run.owner, run.attempts) == (owner, 1)

    assert first.stop(timeout=10) == 0
    run.refresh_from_db()
    assert (run.state, run.owner, run.attempts) == ("queued", "", 0)
    second = start_worker()  # nobody but the first worker has sent a message meanwhile
    wait_for_state(run, "succeeded", "failed", worker=second)
    assert reward_steps(run) == list(range(1, STEPS + 1))
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
    assert (run.report["sampled"], run.report["prompts"]) == (9, 9), "of both workers"


def test_after_a_cancel_and_a_failure_the_worker_lives_on(
    start_worker: Any, ranked: Project, people: Any, var: Any
) -> None:
    worker, lena = start_worker(), people["lena"]
    run = queue_retrain(project=ranked, by=lena, settings=LONG_TRAINING)
    wait_for(lambda: training_for_a_while(run), what="twenty steps and a checkpoint")
    cancel_run(run=run, by=lena)
    wait_for_state(run, "cancelled", worker=worker, seconds=3)
    assert not ModelVersion.objects.filter(run=run).exists()
    wait_for(lambda: not work_folder(run).exists(), seconds=3)

    weights = model_folder(run.base or current_model(ranked)) / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    failing = queue_retrain(project=ranked, by=lena, settings=TINY_TRAINING)
    wait_for_state(failing, "failed", worker=worker)
    assert failing.error.startswith("Traceback")
    assert "safetensors" in failing.error.lower()

    weights.write_bytes(whole)
    assert worker.process.poll() is None
    assert seconds_since_heartbeat("gpu") < 30, "its thread reports, whatever the worker does"
    current_app.send_task("webapp.tasks.beat")
    wait_for(lambda: why_silent() == "", seconds=10, what="the light queue to move")
    wait_for_state(queue_sampling(project=ranked, by=lena), "succeeded", worker=worker)
