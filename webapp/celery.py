"""The Celery application. Tasks are found in each package's `tasks.py`; each is three lines around an action."""

import os

from celery import Celery

import webapp.logs  # noqa: F401  connects the signals that carry request ids into tasks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
app = Celery("luce")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["webapp", "labeling", "training"])
