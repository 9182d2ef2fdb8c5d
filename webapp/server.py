"""gunicorn's settings: `gunicorn --config python:webapp.server webapp.wsgi:application`.

One process more than there are cores (four at most unless it is said), with three threads each: threads of one process
share one interpreter, so processes are what makes rankings quick, and threads keep a long page from holding up others.
A worker that is killed is replaced.
"""

import gc
import os
from typing import Any

from webapp import environment as env

bind = env.text("LUCE_BIND", "127.0.0.1:8000")
workers = env.number("LUCE_WEB_PROCESSES", min(4, (os.cpu_count() or 1) + 1), least=1)
threads = env.number("LUCE_WEB_THREADS", 3, least=1)
worker_class = "webapp.web_worker.Worker"
timeout = 60
graceful_timeout = env.number("LUCE_SHUTDOWN_SECONDS", 20)
keepalive = 5
# A slow leak in any library ends with its worker; jitter keeps both from going at once.
max_requests = 20000
max_requests_jitter = 2000
# The heartbeat file must not lie on a disk that can stall.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK) else None  # noqa: S108
# Each request is logged by webapp.middleware, with its id; gunicorn's own access log would say it twice.
accesslog = None
control_socket_disable = True
proc_name = "luce-web"


def post_worker_init(worker: Any) -> None:
    """What is loaded by now stays until the process ends: the collector need not walk through all of it every few
    rankings, nor look at each request several times."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
