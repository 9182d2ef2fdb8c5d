"""The site: settings, urls, accounts, the base page, the API root."""

from webapp.celery import app as celery_app

__all__ = ["celery_app"]
