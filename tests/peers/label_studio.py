"""Label Studio, measured as Luce is: its own server as installed, SQLite, pairwise tasks, two judgments a task."""

import os
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.clients import call, together
from tests.benchmarks.site import TEXT

TOKEN = "0123456789abcdef0123456789abcdef01234567"
PAGE = (
    '<View><Text name="question" value="$question"/><Text name="left" value="$left"/>'
    '<Text name="right" value="$right"/><Pairwise name="better" toName="left,right"/></View>'
)
AT_ONCE = 1000
QUIET = ("COLLECT_ANALYTICS", "collect_analytics", "LATEST_VERSION_CHECK")


def measure(executable: str, tasks: int, clients: int, rankings: int, port: int = 8092) -> dict[str, Any]:
    """Latencies and rankings a second. A ranking is what its page does: ask for the next task, then submit."""
    with server(executable, port) as base:
        project = _create(base)
        start = time.perf_counter()
        for numbers in _parts(tasks):
            rows = [{"data": _task(number)} for number in numbers]
            call(base, "POST", f"/api/projects/{project}/import?commit_to_project=true", TOKEN, rows)
        imported = time.perf_counter() - start

        def once(client: int) -> float:
            task, asking = call(base, "GET", f"/api/projects/{project}/next", TOKEN)
            said = {"from_name": "better", "to_name": "left", "type": "pairwise", "value": {"selected": "left"}}
            body = {"result": [said], "lead_time": 1}
            _, sending = call(base, "POST", f"/api/tasks/{task['id']}/annotations/?project={project}", TOKEN, body)
            return asking + sending

        result = together(once, clients, max(1, rankings // clients), warm_up=1)
    return {"tasks": tasks, "import_s": round(imported, 1), **result}


def _parts(tasks: int) -> Iterator[range]:
    return (range(first, min(tasks, first + AT_ONCE)) for first in range(0, tasks, AT_ONCE))


def _task(number: int) -> dict[str, str]:
    return {"question": f"prompt {number} {TEXT[:200]}", "left": f"A {number} {TEXT}", "right": f"B {number} {TEXT}"}


def _create(base: str) -> int:
    settings = {"title": "pairs", "label_config": PAGE, "maximum_annotations": 2}
    return int(call(base, "POST", "/api/projects/", TOKEN, settings)[0]["id"])


@contextmanager
def server(executable: str, port: int) -> Iterator[str]:
    """Label Studio in a temporary folder; its address."""
    with tempfile.TemporaryDirectory(prefix="luce-bench-") as folder:
        environment = {**os.environ, "LABEL_STUDIO_BASE_DATA_DIR": folder, "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": ""}
        environment |= dict.fromkeys(QUIET, "False")
        account = ["--username", "bench@example.org", "--password", "Bench12345x", "--user-token", TOKEN]
        process = subprocess.Popen(
            [executable, "start", "--no-browser", "--port", str(port), *account],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        base = f"http://127.0.0.1:{port}"
        try:
            _wait(base, process)
            _allow_tokens(Path(folder) / "label_studio.sqlite3")
            yield base
        finally:
            process.terminate()
            process.wait(30)


def _wait(base: str, process: subprocess.Popen[bytes], patience: float = 240) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(base + "/health", timeout=2)
            return
        except (OSError, urllib.error.URLError):
            time.sleep(1)
    raise RuntimeError("Label Studio did not start; try its executable by hand.")


def _allow_tokens(database: Path) -> None:
    """It comes with its plain API tokens switched off."""
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE jwt_auth_jwtsettings SET legacy_api_tokens_enabled = 1")
