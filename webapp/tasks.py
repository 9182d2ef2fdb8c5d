"""Celery tasks of the site itself."""

from celery import shared_task

from webapp.heartbeat import write_heartbeat


@shared_task(ignore_result=True)
def beat() -> None:
    """Say that a worker takes tasks."""
    write_heartbeat()
