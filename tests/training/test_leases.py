"""One owner a run: claims, heartbeats, lost leases, sweeps."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from labeling.models import Project
from tests.training.conftest import wait_for
from training.actions import leases, runs
from training.actions.leases import MAX_ATTEMPTS, LeaseKeeper, LostLease, claim_run, finish_run, give_back, heartbeat
from training.actions.reporting import Reporter
from training.models import RunMetric, TrainingRun


@pytest.fixture
def run(project: Project) -> TrainingRun:
    settings = {"sampling": {"k": 3}, "round": 1, "split": None, "evaluation": None}
    return TrainingRun.objects.create(project=project, kind="sampling", settings=settings)


def expire(run: TrainingRun, **fields: Any) -> None:
    """As if its worker had been silent for longer than a lease."""
    past = timezone.now() - timedelta(seconds=1)
    TrainingRun.objects.filter(pk=run.pk).update(lease_expires=past, **fields)


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    results: list[Any] = [None] * count
    together = threading.Barrier(count)

    def one(number: int) -> None:
        try:
            together.wait()
            results[number] = work(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_looking_first_and_writing_then_lets_two_workers_in(committed: None, run: TrainingRun) -> None:
    """The race is real: this is what the conditional update prevents."""
    both_have_looked = threading.Barrier(2)

    def careless_claim(number: int) -> bool:
        free = TrainingRun.objects.get(pk=run.pk).state == "queued"
        both_have_looked.wait()
        if free:
            TrainingRun.objects.filter(pk=run.pk).update(
                state="running", owner=f"worker {number}", lease_expires=timezone.now()
            )
        return free

    assert in_threads(2, careless_claim) == [True, True]


def test_of_eight_workers_that_claim_at_once_one_gets_the_run(committed: None, run: TrainingRun) -> None:
    claims = in_threads(8, lambda number: claim_run(run.pk, f"worker {number}"))
    winners = [number for number, claim in enumerate(claims) if claim]
    assert len(winners) == 1
    run.refresh_from_db()
    assert (run.owner, run.attempts, run.state) == (f"worker {winners[0]}", 1, "running")


def test_a_run_is_claimed_again_only_after_its_lease(run: TrainingRun) -> None:
    assert claim_run(run.pk, "first")
    assert claim_run(run.pk, "second") is None
    expire(run)
    assert claim_run(run.pk, "second").attempts == 2


def test_who_lost_the_lease_can_neither_renew_nor_finish_nor_give_back(run: TrainingRun) -> None:
    mine = claim_run(run.pk, "first")
    expire(run)
    assert claim_run(run.pk, "second")
    for attempt in (
        lambda: heartbeat(mine, "first"),
        lambda: finish_run(mine, "first", {}),
        lambda: give_back(mine, "first"),
        lambda: leases.fail_run(mine, "first", "error"),
    ):
        with pytest.raises(LostLease):
            attempt()
    run.refresh_from_db()
    assert (run.state, run.owner) == ("running", "second")


def test_a_keeper_notices_that_another_worker_took_the_run(committed: None, run: TrainingRun) -> None:
    mine = claim_run(run.pk, "first")
    with LeaseKeeper(mine, "first") as keeper:
        assert not keeper.should_stop()
        TrainingRun.objects.filter(pk=run.pk).update(owner="second")
        wait_for(keeper.should_stop, seconds=5)
        with pytest.raises(LostLease):
            Reporter(mine, "first", keeper).progress(1, 2, {"phase": "training", "loss": 1.0})
    assert not RunMetric.objects.exists(), "a worker without the lease writes nothing"


def test_a_keeper_whose_own_lease_ran_out_stops_without_asking_anybody(run: TrainingRun) -> None:
    """A machine that slept wakes up: another worker may be at it already."""
    mine = claim_run(run.pk, "first")
    mine.lease_expires = timezone.now() - timedelta(seconds=1)
    assert LeaseKeeper(mine, "first").lost


def test_a_keeper_renews_the_lease(committed: None, run: TrainingRun, settings: Any) -> None:
    settings.RUN_LEASE_SECONDS = 2
    mine = claim_run(run.pk, "first")
    with LeaseKeeper(mine, "first") as keeper:
        first = mine.lease_expires
        wait_for(lambda: TrainingRun.objects.get(pk=run.pk).lease_expires > first + timedelta(seconds=1), seconds=5)
        assert not keeper.lost


def test_a_queued_run_is_cancelled_at_once_and_cannot_be_claimed(run: TrainingRun) -> None:
    assert runs.cancel_run(run=run).state == "cancelled"
    assert claim_run(run.pk, "worker") is None
    assert runs.cancel_run(run=run).state == "cancelled", "cancelling twice is no error"


def test_a_finished_run_cannot_be_cancelled(run: TrainingRun) -> None:
    finish_run(claim_run(run.pk, "worker"), "worker", {})
    with pytest.raises(runs.ActionError, match="already succeeded"):
        runs.cancel_run(run=run)


def test_a_cancel_of_a_run_whose_worker_died_does_not_wait_for_one(run: TrainingRun) -> None:
    claim_run(run.pk, "dead")
    expire(run, cancel_requested=True)
    runs.resume_abandoned_runs()
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_a_run_that_keeps_killing_its_workers_fails_in_words(run: TrainingRun) -> None:
    claim_run(run.pk, "dead")
    expire(run, attempts=MAX_ATTEMPTS)
    runs.resume_abandoned_runs()
    run.refresh_from_db()
    assert run.state == "failed"
    assert "ran out of memory" in run.error
    assert run.owner == ""


def test_a_message_that_the_broker_lost_is_sent_again_but_not_all_the_time(run: TrainingRun, broker: str) -> None:
    assert runs.resume_abandoned_runs() == 1
    assert runs.resume_abandoned_runs() == 0
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat=timezone.now() - timedelta(minutes=2))
    assert runs.resume_abandoned_runs() == 1


def test_without_a_broker_a_run_stays_queued_until_there_is_one(
    committed: None, project: Project, settings: Any, broker: str
) -> None:
    from tests.training.conftest import point_celery_at

    point_celery_at("redis://127.0.0.1:1/0")
    run = runs.queue_sampling(project=project)
    run.refresh_from_db()
    assert run.state == "queued"
    assert runs.resume_abandoned_runs() == 0
    point_celery_at(broker)
    assert runs.resume_abandoned_runs() == 1, "the failed attempt is not taken for a message"
    assert runs.resume_abandoned_runs() == 0


def test_a_step_that_is_repeated_after_a_crash_is_stored_once(run: TrainingRun) -> None:
    mine = claim_run(run.pk, "worker")
    reporter = Reporter(mine, "worker", LeaseKeeper(mine, "worker"))
    reporter.stage("reward", of=2)
    for loss in (0.7, 0.6):
        reporter.progress(1, 2, {"phase": "training", "loss": loss, "grad_norm": float("nan")})
    metric = RunMetric.objects.get()
    assert metric.values == {"loss": 0.6, "grad_norm": None}


def test_a_phase_without_steps_empties_the_bar_and_is_said_once(run: TrainingRun) -> None:
    mine = claim_run(run.pk, "worker")
    reporter = Reporter(mine, "worker", LeaseKeeper(mine, "worker"))
    reporter.stage("policy")
    for done in (0, 1, 2):
        reporter.progress(0, 50, {"phase": "reference", "done": done, "of": 3})
    reporter.progress(50, 50, {"phase": "evaluating"})
    run.refresh_from_db()
    assert (run.stage, run.step, run.of_steps) == ("policy", 0, 0)
    said = list(run.lines.values_list("text", flat=True))
    assert said == ["Computing the reference's log-probabilities.", "Measuring on held-out rankings."]


def test_measuring_the_policy_is_a_stage_with_a_bar_and_the_time_left(run: TrainingRun) -> None:
    from training.actions.reward_dpo import _policy_progress

    mine = claim_run(run.pk, "worker")
    reporter = Reporter(mine, "worker", LeaseKeeper(mine, "worker"))
    reporter.stage("policy")
    moved = _policy_progress(reporter)
    moved(50, 50, {"phase": "training", "seconds_left": 0})
    run.refresh_from_db()
    assert run.stage == "policy"
    moved(50, 50, {"phase": "evaluating"})
    moved(8, 8, {"phase": "evaluating", "done": 8, "of": 8, "seconds_left": 0.0})
    reporter._written = 0
    moved(3, 8, {"phase": "evaluating", "done": 3, "of": 8, "seconds_left": 12.5})
    run.refresh_from_db()
    assert (run.stage, run.step, run.of_steps, run.seconds_left) == ("evaluate", 3, 8, 12.5)


def test_a_second_retrain_or_sampling_waits_for_the_first(run: TrainingRun, project: Project, people: Any) -> None:
    with pytest.raises(runs.ActionError, match=f"Run {run.pk} .* is still queued"):
        runs.queue_sampling(project=project, by=people["lena"])


def test_settings_are_refused_by_name_before_anything_is_queued(project: Project) -> None:
    with pytest.raises(runs.ActionError, match="temprature"):
        runs.queue_sampling(project=project, settings={"temprature": 1})
    with pytest.raises(runs.ActionError, match="beta"):
        runs.queue_retrain(project=project, settings={"policy": {"beta": -1}})
    assert not TrainingRun.objects.exists()
