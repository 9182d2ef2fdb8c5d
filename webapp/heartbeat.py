"""Signs of life of the workers, one a queue, kept in the broker and read by /readyz.

A task every ten seconds (`webapp.tasks.beat`) proves that the light queue moves. A worker in the middle of a training
takes no task for hours, so one that serves the gpu queue has a thread that says it is alive.
"""

import logging
import threading
import time
from typing import Any

from celery.signals import worker_ready

from webapp.celery import app

log = logging.getLogger("luce.worker")
KEY = "luce:worker-heartbeat"
QUEUES = ("light", "gpu")
SECONDS_BETWEEN = 10.0
SILENT_AFTER = 45.0  # seconds: four beats missed
FORGET_AFTER = 3600  # seconds


def write_heartbeat(queue: str = "light") -> None:
    """Say that a worker serves the queue. Raises the broker's errors."""
    with app.connection_for_write() as connection:
        connection.default_channel.client.set(f"{KEY}:{queue}", repr(time.time()), ex=FORGET_AFTER)


def seconds_since_heartbeat(queue: str = "light") -> float | None:
    """Seconds since a worker of the queue was heard of, None when none was. Raises the broker's errors."""
    at_once = {**app.conf.broker_transport_options, "max_retries": 0}  # who asks for readiness does not wait
    with app.connection_for_read(transport_options=at_once) as connection:
        value = connection.default_channel.client.get(f"{KEY}:{queue}")
    return None if value is None else max(0.0, time.time() - float(value))


def why_silent() -> str:
    """Empty if every queue has a worker that was heard of lately; the queue and the silence in words otherwise."""
    for queue in QUEUES:
        seconds = seconds_since_heartbeat(queue)
        if seconds is None:
            return f"no worker of the {queue} queue has reported; start one with celery -A webapp worker -Q {queue}"
        if seconds > SILENT_AFTER:
            return f"no worker of the {queue} queue has reported for {seconds:.0f} s"
    return ""


@worker_ready.connect
def keep_beating(sender: Any, **kwargs: Any) -> None:
    """Start the thread of a worker that serves the gpu queue; it ends with the process. The others say once that they
    are there: the clock's first beat comes ten seconds later."""
    served = sender.app.amqp.queues.consume_from
    if "light" in served:
        write_heartbeat("light")
    if "gpu" in served:
        threading.Thread(target=_beat_forever, args=("gpu",), name="heartbeat", daemon=True).start()


def _beat_forever(queue: str) -> None:
    while True:
        try:
            write_heartbeat(queue)
        except Exception:  # the broker may be away for a while
            log.warning("heartbeat not written", exc_info=True)
        time.sleep(SECONDS_BETWEEN)
