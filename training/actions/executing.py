"""What a worker does with a run: claim it, work, and say how it ended."""

import logging
import traceback

from celery.worker import state as celery_worker
from django.conf import settings as site

from training.actions.artifacts import clear_work_folder, sweep_work_folders
from training.actions.leases import LeaseKeeper, LostLease, claim_run, end_or_give_back, fail_run
from training.actions.reporting import Reporter
from training.actions.reward_dpo import train_reward_and_policy
from training.actions.runs import send
from training.actions.sampling import sample_prompts
from training.models import TrainingRun

log = logging.getLogger("luce.training")


def execute_run(run_id: int, owner: str) -> str:
    """Claim the run and do its work; how it ended, in a word. Never raises for a run that fails.

    A failure keeps its traceback in the run. A worker that is shut down gives the run back and sends it to the next
    one. A run that somebody else works on, or that is finished, is left alone.
    """
    run = claim_run(run_id, owner)
    if run is None:
        log.info("run is not to be had", extra={"run": run_id})
        return "not claimed"
    log.info("run claimed", extra={"run": run.pk, "owner": owner, "attempt": run.attempts})
    with LeaseKeeper(run, owner, _worker_is_stopping) as keeper:
        try:
            return _work(run, owner, keeper)
        except LostLease:
            log.warning("run was taken by another worker", extra={"run": run.pk, "owner": owner})
            return "lost"


def _work(run: TrainingRun, owner: str, keeper: LeaseKeeper) -> str:
    from training.engine.errors import Cancelled

    reporter = Reporter(run, owner, keeper)
    sweep_work_folders()
    _set_torch_threads()
    work = train_reward_and_policy if run.kind == TrainingRun.Kind.REWARD_DPO else sample_prompts
    try:
        if run.attempts > 1:
            reporter.log(f"A worker goes on with this run (claim {run.attempts}).")
        work(run, reporter)
    except Cancelled:
        keeper.require()
        return _stopped(run, owner)
    except LostLease:
        raise
    except Exception:
        keeper.require()
        log.exception("run failed", extra={"run": run.pk})
        ended = fail_run(run, owner, traceback.format_exc())
        clear_work_folder(run)
        return ended.value
    clear_work_folder(run)
    return "succeeded"


def _stopped(run: TrainingRun, owner: str) -> str:
    if end_or_give_back(run, owner) == TrainingRun.State.CANCELLED:
        clear_work_folder(run)
        return "cancelled"
    send(run.pk)
    return "given back"


def _worker_is_stopping() -> bool:
    """Whether this Celery worker was asked to shut down (SIGTERM, Ctrl-C), warm or cold."""
    flags = (celery_worker.should_stop, celery_worker.should_terminate)
    return any(flag is not None and flag is not False for flag in flags)


def _set_torch_threads() -> None:
    if site.TORCH_THREADS > 0:
        import torch

        torch.set_num_threads(site.TORCH_THREADS)
