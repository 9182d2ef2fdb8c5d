"""The Celery application. Tasks are found in each package's `tasks.py`; each is three lines around an action."""

import os

from celery import Celery

import webapp.logs  # noqa: F401  connects the signals that carry request ids into tasks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
# OpenMP reads this once, when PyTorch is imported. By default its threads spin while they wait for each other: beside
# other load they then spin for threads that have no core (docs/operator.md, "A busy machine").
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Celery takes these over the settings, and a machine may have them for another program; Luce's is REDIS_URL.
for name in ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND"):
    os.environ.pop(name, None)
app = Celery("luce")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["webapp", "labeling", "training"])
