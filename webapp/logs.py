"""One id follows a request through every line it causes, into the Celery tasks it sends too."""

import contextvars
import logging
import re
import uuid
from typing import Any

from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
task_name: contextvars.ContextVar[str] = contextvars.ContextVar("task_name", default="")
HEADER = "luce_request_id"
ACCEPTED = re.compile(r"[A-Za-z0-9_.-]{6,64}")


def new_request_id(given: str = "") -> str:
    """The proxy's id if it is a plain one (it ends up in logs), otherwise a new one."""
    return given if ACCEPTED.fullmatch(given) else uuid.uuid4().hex[:12]


class AddIds(logging.Filter):
    """Gives every record the ids of what is going on while it is written."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, variable in (("request_id", request_id), ("task", task_name)):
            value = variable.get()
            if value and not hasattr(record, name):
                setattr(record, name, value)
        return True


@setup_logging.connect
def keep_our_logging(**kwargs: Any) -> None:
    """Celery sets up no logging of its own when this signal has a receiver: its lines are JSON like all others."""


@before_task_publish.connect
def send_id_along(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    if headers is not None and request_id.get():
        headers.setdefault(HEADER, request_id.get())


@task_prerun.connect
def take_id_up(task: Any = None, **kwargs: Any) -> None:
    request_id.set(task.request.get(HEADER) or task.request.id or "")
    task_name.set(task.name)


@task_postrun.connect
def put_id_down(**kwargs: Any) -> None:
    request_id.set("")
    task_name.set("")
