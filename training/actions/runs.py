"""Queueing, cancelling and resuming runs. The broker carries ids; the rows decide."""

import logging
from datetime import timedelta
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from labeling.actions.errors import ActionError
from labeling.models import Project
from labeling.policies import may_lead, require
from training.actions.batches import freeze_batch
from training.actions.leases import MAX_ATTEMPTS, SILENT_AFTER, cancelled_without_worker, without_worker
from training.actions.run_settings import check_retrain_settings, check_sampling_settings, fixed_now
from training.models import ModelVersion, TrainingRun
from training.queries.models import current_model
from training.queries.rounds import current_round

log = logging.getLogger("luce.training")
LIVE = [TrainingRun.State.QUEUED, TrainingRun.State.RUNNING]
# A message the broker lost is sent again after this long. One too many does no harm: it claims nothing.
RESEND_AFTER = timedelta(seconds=60)
# How long after a worker counts as silent the sweep that ends its cancelled run comes, lest it come a moment too early.
MARGIN = timedelta(seconds=1)
# Somebody waits for the page while a message is sent: a broker that is away or hangs gets seconds, and one try.
AT_ONCE = {"max_retries": 0, "socket_timeout": 2, "socket_connect_timeout": 2}


@transaction.atomic
def queue_retrain(
    *, project: Project, by: Any = None, settings: dict[str, Any] | None = None, base: ModelVersion | None = None
) -> TrainingRun:
    """Freeze a batch and queue a reward model and a policy trained on it, from `base` or the current model.

    settings: {"reward": {…}, "policy": {…}}, keys of the engine's RewardSettings and PolicySettings.
    Raises ActionError "conflict" while another training of the project is at work.
    """
    if by is not None:
        require(may_lead(by, project), "retrain this project's model")
    _require_idle(project, TrainingRun.Kind.REWARD_DPO)
    checked = fixed_now(check_retrain_settings(settings or {}), project.sampling)
    batch = freeze_batch(project=project, by=by)
    return _queue(
        project=project,
        kind=TrainingRun.Kind.REWARD_DPO,
        batch=batch,
        base=base or current_model(project),
        settings=checked,
        created_by=by,
    )


@transaction.atomic
def queue_sampling(
    *,
    project: Project,
    by: Any = None,
    model_version: ModelVersion | None = None,
    settings: dict[str, Any] | None = None,
    k: int | None = None,
    round: int | None = None,
    split: str | None = None,
    evaluation: int | None = None,
    next_round: bool = False,
) -> TrainingRun:
    """Queue K completions of the prompts (of one split, if given), each prompt a comparison.

    round: None answers the prompts that have no comparison, in the project's current round. A number answers every
    prompt that this model has not answered in that round, whatever others have.
    model_version: the current model, or the bundled one, if None. settings: keys of the engine's SamplingSettings
    over the project's own. evaluation: an Evaluation whose pairs are sampled first. next_round: the run belongs to
    a next round, as `start_next_round` says.
    Raises ActionError "conflict" while another sampling of the project is at work.
    """
    if by is not None:
        require(may_lead(by, project), "sample completions in this project")
    _require_idle(project, TrainingRun.Kind.SAMPLING)
    sampling = check_sampling_settings({**project.sampling, **(settings or {}), "k": k or project.k})
    prompts = "unanswered" if round is None else "all"
    round = current_round(project) if round is None else round
    # with one seed for all rounds, a model that learned little would write the same answers again
    sampling["seed"] = sampling.get("seed", 0) + 1009 * (round - 1)
    if split not in (None, "train", "heldout"):
        raise ActionError(f'split must be "train" or "heldout", not {split!r}.', field="split")
    return _queue(
        project=project,
        kind=TrainingRun.Kind.SAMPLING,
        base=model_version or current_model(project),
        settings={
            "sampling": sampling,
            "prompts": prompts,
            "round": round,
            "split": split,
            "evaluation": evaluation,
            "next_round": next_round,
        },
        created_by=by,
    )


def cancel_run(*, run: TrainingRun, by: Any = None) -> TrainingRun:
    """Cancel at once what nobody works on; ask the worker to stop otherwise, which it does within seconds.

    A worker that died is not waited for: the run is ended as soon as it was silent for SILENT_AFTER.
    Raises ActionError "conflict" when the run had ended before; from here on it can no longer succeed.
    """
    if by is not None:
        require(may_lead(by, run.project), "cancel this run")
    TrainingRun.objects.filter(pk=run.pk, state__in=LIVE).update(cancel_requested=True)
    TrainingRun.objects.filter(cancelled_without_worker(timezone.now()), pk=run.pk).update(**_ended_cancelled())
    run.refresh_from_db()
    if run.state in (TrainingRun.State.SUCCEEDED, TrainingRun.State.FAILED):
        raise ActionError(
            f"Run {run.pk} had already {run.get_state_display().lower()} when the cancel came: it is as it was.",
            "conflict",
        )
    if run.live:
        transaction.on_commit(lambda: _tell("training.tasks.resume_abandoned_runs", after=SILENT_AFTER + MARGIN))
    return run


def resume_abandoned_runs(resend_after: timedelta = RESEND_AFTER) -> int:
    """Put runs whose worker died back into the queue, and send again what the broker lost; how many were sent.

    1. A run that is to be cancelled, and whose worker has died or is silent, is cancelled.
    2. One that MAX_ATTEMPTS workers have died on is failed, in words.
    3. Another one whose lease expired is queued again.
    4. Every queued run that no message was sent for within `resend_after` gets one. Zero suits a start with an empty
       broker. A broker that does not take one is not asked for the rest: the next sweep sends them.
    """
    now = timezone.now()
    TrainingRun.objects.filter(cancelled_without_worker(now)).update(**_ended_cancelled())
    expired = TrainingRun.objects.filter(without_worker(now), cancel_requested=False)
    expired.filter(attempts__gte=MAX_ATTEMPTS).update(
        state=TrainingRun.State.FAILED,
        owner="",
        lease_expires=None,
        finished=now,
        error=f"{MAX_ATTEMPTS} workers stopped without a word while they worked on this run. Most often the machine "
        "ran out of memory: look at the worker's log, and try a smaller batch_size or max_length of a training, or a "
        "smaller group_size of a sampling.",
    )
    expired.update(state=TrainingRun.State.QUEUED, owner="", lease_expires=None, heartbeat=None)
    sent = 0
    silent = Q(heartbeat__isnull=True) | Q(heartbeat__lte=now - resend_after)
    queued = TrainingRun.objects.filter(silent, state=TrainingRun.State.QUEUED).order_by("id")
    for run_id in list(queued.values_list("pk", flat=True)):
        # conditional, so that of two sweeps at once one sends
        if TrainingRun.objects.filter(silent, pk=run_id, state=TrainingRun.State.QUEUED).update(heartbeat=now):
            if not send(run_id):
                break
            sent += 1
    return sent


def send(run_id: int) -> bool:
    """Tell a worker; whether the broker took it. If not, the run stays queued, and `resume_abandoned_runs` sends it
    later. Waits for a broker that does not answer as AT_ONCE says."""
    if _tell("training.tasks.execute_run", run_id):
        return True
    TrainingRun.objects.filter(pk=run_id, state=TrainingRun.State.QUEUED).update(heartbeat=None)
    return False


def _tell(task: str, *ids: int, after: timedelta = timedelta(0)) -> bool:
    """Whether the broker took the message; a worker gets it when `after` has passed."""
    options = {**current_app.conf.broker_transport_options, **AT_ONCE}
    wait = after.total_seconds() or None
    try:
        with current_app.connection_for_write(transport_options=options) as connection:
            current_app.send_task(task, ids, retry=False, connection=connection, countdown=wait)
    except Exception:  # any transport's error: the row is what counts
        log.exception("the broker took no message", extra={"task": task, "ids": ids})
        return False
    return True


def _queue(**fields: Any) -> TrainingRun:
    run = TrainingRun.objects.create(heartbeat=timezone.now(), **fields)
    transaction.on_commit(lambda: send(run.pk))
    return run


def _require_idle(project: Project, kind: str) -> None:
    # the lock makes a double click wait for the first one's run instead of missing it
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    at_work = TrainingRun.objects.filter(project=project, kind=kind, state__in=LIVE).first()
    if at_work:
        raise ActionError(
            f"Run {at_work.pk} ({at_work.get_kind_display()}) is still {at_work.get_state_display().lower()}; "
            "wait for it or cancel it first.",
            "conflict",
        )


def _ended_cancelled() -> dict[str, Any]:
    return {
        "state": TrainingRun.State.CANCELLED,
        "cancel_requested": True,
        "owner": "",
        "lease_expires": None,
        "seconds_left": None,
        "finished": timezone.now(),
    }
