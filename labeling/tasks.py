"""Celery tasks of labeling."""

from celery import shared_task

from labeling.actions import leases


@shared_task
def free_expired_leases() -> int:
    """Free the slots of leases that have ended, so that progress is true between visits."""
    return leases.free_expired_leases()
