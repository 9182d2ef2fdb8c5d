"""Celery tasks of labeling."""

from celery import shared_task

from labeling.actions import serving


@shared_task
def free_expired_leases() -> int:
    """Free the slots of leases that have ended, so that progress is true between visits."""
    return serving.free_expired_leases()
