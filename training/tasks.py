"""Celery tasks: each is three lines around an action."""

import os
import socket
import uuid

from celery import shared_task

from training.actions import executing, runs


@shared_task(acks_late=True, ignore_result=True)
def execute_run(run_id: int) -> str:
    """Do a run's work, if it is to be had."""
    owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    return executing.execute_run(run_id, owner)


@shared_task(ignore_result=True)
def resume_abandoned_runs() -> int:
    """Queue again what a dead worker or a lost broker left behind."""
    return runs.resume_abandoned_runs()
