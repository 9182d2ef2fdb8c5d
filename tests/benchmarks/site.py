"""A site of a benchmark: started as `make demo` starts it, filled, and asked over HTTP by the standard library."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, str(REPOSITORY / "manage.py")]
TEXT = "lorem ipsum dolor " * 28  # about 500 characters, as the rival's benchmark has them


@dataclass
class Site:
    """A running site: where it answers, its data folder, and a token a person."""

    base: str
    folder: Path
    environment: dict[str, str]
    tokens: list[str] = field(default_factory=list)

    def manage(self, *arguments: str, script: str = "") -> str:
        """Run a management command against the site's database, or a script in its shell; what it printed."""
        command = [*MANAGE, *arguments] if arguments else [sys.executable, "-c", SET_UP + script]
        done = subprocess.run(command, cwd=REPOSITORY, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command[-1][:200]} failed:\n{done.stderr[-3000:]}")
        return done.stdout

    def call(self, method: str, path: str, token: str, data: Any = None) -> tuple[Any, float]:
        """One request on a connection of its own; (decoded JSON, seconds)."""
        request = urllib.request.Request(
            self.base + path,
            method=method,
            data=None if data is None else json.dumps(data).encode(),
            headers={"Authorization": "Token " + token, "Content-Type": "application/json"},
        )
        start = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as response:
            body = response.read()
        return json.loads(body) if body else None, time.perf_counter() - start


SET_UP = (
    "import os; os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'webapp.settings')\nimport django; django.setup()\n"
)


@contextmanager
def site(port: int, database: str = "") -> Iterator[Site]:
    """`manage.py demo` without the model, in a temporary folder; on `database` (a URL), or on SQLite."""
    folder = Path(tempfile.mkdtemp(prefix="luce-bench-"))
    environment = {**os.environ, "LUCE_VAR": str(folder), "LUCE_DEMO": "1", "LUCE_LOG_FORMAT": "plain"}
    environment.pop("REDIS_URL", None)
    environment.pop("DATABASE_URL", None)
    if database:
        environment["DATABASE_URL"] = database
    log = (folder / "demo.log").open("w")
    server = subprocess.Popen(
        [*MANAGE, "demo", "--no-prepare", "--port", str(port)],
        cwd=REPOSITORY, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    here = Site(f"http://127.0.0.1:{port}", folder, environment)
    try:
        wait_until_ready(here, server)
        yield here
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(
    here: Site, server: subprocess.Popen[bytes], patience: float = 120.0, probe: str = "/readyz"
) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(here.base + probe, timeout=2)
            return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise RuntimeError("The site did not start:\n" + (here.folder / "demo.log").read_text()[-3000:])


def fill(here: Site, slug: str, comparisons: int, clients: int, overlap: int = 2, completions: int = 2) -> float:
    """A project of `comparisons` prompts, each with completions of about 500 characters, and one annotator a client.

    Seconds that the import took.
    """
    path = here.folder / "fill.jsonl"
    with path.open("w") as file:
        for number in range(comparisons):
            answers = [f"{'ABCDEFGHI'[place]} {number} {TEXT}" for place in range(completions)]
            file.write(json.dumps({"prompt": f"prompt {number} {TEXT[:200]}", "completions": answers}) + "\n")
    start = time.perf_counter()
    here.manage("import_prompts", slug, str(path), "--create")
    seconds = time.perf_counter() - start
    path.unlink()
    here.tokens = here.manage(script=PEOPLE.format(slug=slug, clients=clients, overlap=overlap)).split()
    return seconds


PEOPLE = """
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from labeling.actions.projects import add_member
from labeling.models import Comparison, Project
project = Project.objects.get(slug={slug!r})
if project.overlap != {overlap}:
    Project.objects.filter(pk=project.pk).update(overlap={overlap})
    Comparison.objects.filter(project=project).update(overlap={overlap})
for number in range({clients}):
    person, _ = get_user_model().objects.get_or_create(username=f"bench-{{number}}", defaults={{"simulated": True}})
    add_member(project=project, person=person)
    print(Token.objects.get_or_create(user=person)[0].key)
"""


def quantile(seconds: list[float], q: float) -> float:
    """Milliseconds."""
    return round(1000 * sorted(seconds)[int(q * (len(seconds) - 1))], 1)
