"""A cancel that was accepted is kept: the run stores nothing, whenever it came, and whatever became of its worker."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from labeling.actions.errors import ActionError
from labeling.models import Comparison, Completion, Project
from tests.training.conftest import TINY_TRAINING, wait_for, wait_for_state
from tests.training.test_dying_workers import LONG_TRAINING, training_for_a_while
from training.actions import reward_dpo, sampling
from training.actions.executing import execute_run
from training.actions.leases import (
    SILENT_AFTER,
    LeaseKeeper,
    LostLease,
    claim_run,
    end_or_give_back,
    fail_run,
    finish_run,
)
from training.actions.reporting import Reporter
from training.actions.runs import cancel_run, queue_retrain, queue_sampling, resume_abandoned_runs
from training.actions.sampling import sample_prompts
from training.engine.errors import Cancelled
from training.models import ModelVersion, TrainingRun


@pytest.fixture
def run(project: Project) -> TrainingRun:
    settings = {"sampling": {"k": 3}, "round": 1, "split": None, "evaluation": None}
    return TrainingRun.objects.create(project=project, kind="sampling", settings=settings)


def silent_for(run: TrainingRun, **time: float) -> None:
    """As if its worker had died then; its lease goes on."""
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat=timezone.now() - timedelta(**time))


@pytest.mark.usefixtures("committed", "broker")
class TestACancelAtTheVeryEnd:
    """Runs are executed in the test's own process; a lead presses at the moment the test wants."""

    @pytest.mark.parametrize("last", ["_rewards_of_samples", "_store_and_finish", "folders_kept"])
    def test_a_training_keeps_nothing(self, ranked: Project, var: Any, monkeypatch: Any, last: str) -> None:
        run = queue_retrain(project=ranked, settings=TINY_TRAINING)
        step = getattr(reward_dpo, last)

        def pressed_before(*arguments: Any, **options: Any) -> Any:
            assert cancel_run(run=TrainingRun.objects.get(pk=run.pk)).state == "running"
            return step(*arguments, **options)

        monkeypatch.setattr(reward_dpo, last, pressed_before)
        assert execute_run(run.pk, "me") == "cancelled"
        run.refresh_from_db()
        assert (run.state, run.owner, run.report.get("policy")) == ("cancelled", "", None)
        assert not ModelVersion.objects.filter(run=run).exists()
        stored = [folder.name for folder in (var / "artifacts" / "models").iterdir()]
        assert stored == [run.base.hash], "only the model it started from"
        assert not any((var / "artifacts").glob("adapters/*"))
        assert not (var / "runs" / str(run.pk)).exists()

    def test_a_sampling_keeps_what_it_wrote_and_is_cancelled(
        self, project: Project, var: Any, monkeypatch: Any
    ) -> None:
        run = queue_sampling(project=project)
        last_words = sampling._in_words

        def pressed_before(*arguments: Any) -> str:
            cancel_run(run=TrainingRun.objects.get(pk=run.pk))
            return last_words(*arguments)

        monkeypatch.setattr(sampling, "_in_words", pressed_before)
        assert execute_run(run.pk, "me") == "cancelled"
        run.refresh_from_db()
        assert (run.state, run.report["sampled"]) == ("cancelled", 9)
        assert Comparison.objects.filter(project=project).count() == 9

    def test_one_that_comes_while_the_end_is_written_is_told_that_it_had_ended(self, run: TrainingRun) -> None:
        told: list[str] = []

        def press() -> None:
            try:
                cancel_run(run=TrainingRun.objects.get(pk=run.pk))
            except ActionError as error:
                told.append(error.message)
            finally:
                connection.close()

        mine = claim_run(run.pk, "me")
        presser = threading.Thread(target=press)
        with transaction.atomic():
            finish_run(mine, "me", {"sampled": 9})
            presser.start()
            presser.join(timeout=0.5)
            assert not told, "the database has not decided yet"
        presser.join()
        run.refresh_from_db()
        assert (run.state, run.cancel_requested) == ("succeeded", False)
        assert told == [f"Run {run.pk} had already succeeded when the cancel came: it is as it was."]


class TestWhatTheDatabaseDecides:
    def test_a_run_that_was_cancelled_first_cannot_succeed(self, run: TrainingRun) -> None:
        mine = claim_run(run.pk, "me")
        cancel_run(run=run)
        with pytest.raises(Cancelled):
            finish_run(mine, "me", {})
        assert end_or_give_back(mine, "me") == "cancelled"

    def test_a_run_that_was_cancelled_first_and_fails_then_is_cancelled(self, run: TrainingRun) -> None:
        mine = claim_run(run.pk, "me")
        cancel_run(run=run)
        assert fail_run(mine, "me", "Traceback …") == "cancelled"
        assert cancel_run(run=run).state == "cancelled"

    def test_a_worker_that_is_shut_down_does_not_queue_a_cancelled_run_again(self, run: TrainingRun) -> None:
        mine = claim_run(run.pk, "me")
        cancel_run(run=run)
        assert end_or_give_back(mine, "me") == "cancelled", "whether or not its keeper has seen the cancel"
        run.refresh_from_db()
        assert run.state == "cancelled"


class TestAWorkerThatDied:
    def test_after_some_silence_a_cancel_ends_the_run_at_once(self, run: TrainingRun) -> None:
        claim_run(run.pk, "dead")
        silent_for(run, seconds=SILENT_AFTER.total_seconds() + 1)
        assert cancel_run(run=run).state == "cancelled"

    def test_a_cancel_that_came_at_once_is_carried_out_by_the_next_sweep_after_it(self, run: TrainingRun) -> None:
        claim_run(run.pk, "dead")
        assert cancel_run(run=run).state == "running", "it may still be alive"
        resume_abandoned_runs()
        run.refresh_from_db()
        assert run.state == "running"
        silent_for(run, seconds=SILENT_AFTER.total_seconds() + 1)
        resume_abandoned_runs()
        run.refresh_from_db()
        assert (run.state, run.owner) == ("cancelled", "")

    def test_silence_alone_ends_nothing_and_lets_nobody_else_in(self, run: TrainingRun) -> None:
        claim_run(run.pk, "slow")
        silent_for(run, seconds=30)
        resume_abandoned_runs()
        run.refresh_from_db()
        assert (run.state, run.owner) == ("running", "slow")
        assert claim_run(run.pk, "second") is None

    def test_a_worker_that_lives_is_heard_of_more_often_than_that(
        self, committed: None, run: TrainingRun, settings: Any
    ) -> None:
        settings.RUN_LEASE_SECONDS = 600
        mine = claim_run(run.pk, "me")
        with LeaseKeeper(mine, "me"):
            wait_for(
                lambda: TrainingRun.objects.get(pk=run.pk).heartbeat > mine.heartbeat,
                seconds=SILENT_AFTER.total_seconds() / 2,
            )

    def test_a_worker_that_wakes_up_after_its_run_was_ended_stores_no_answer(
        self, committed: None, broker: str, project: Project, var: Any
    ) -> None:
        run = queue_sampling(project=project)
        mine = claim_run(run.pk, "slow")
        reporter = Reporter(mine, "slow", LeaseKeeper(mine, "slow"))  # its thread sleeps as the worker did

        def woken() -> bool:
            if not Completion.objects.exists():
                return False
            silent_for(run, minutes=1)
            if TrainingRun.objects.get(pk=run.pk).live:
                assert cancel_run(run=run).state == "cancelled"
            return False

        reporter.keeper.should_stop = woken
        with pytest.raises(LostLease):
            sample_prompts(mine, reporter)
        assert Comparison.objects.count() == 1, "the one that was there before the cancel"
        assert Completion.objects.values("prompt").distinct().count() == 1

    def test_a_cancel_is_done_in_under_twenty_seconds(self, start_worker: Any, ranked: Project, people: Any) -> None:
        gpu, _light = start_worker(lease=60, queues="gpu"), start_worker(queues="light")
        run = queue_retrain(project=ranked, by=people["lena"], settings=LONG_TRAINING)
        wait_for(lambda: training_for_a_while(run), what="twenty steps and a checkpoint")
        gpu.kill()
        cancel_run(run=run, by=people["lena"])
        wait_for_state(run, "cancelled", seconds=20)
