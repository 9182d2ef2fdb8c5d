"""A site to break: started as `make demo` starts it, or its web server alone, and the processes that can be killed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.site import REPOSITORY, Site, wait_until_ready
from tests.webapp.processes import alive, eventually
from webapp.supervisor.broker import free_port

# What stands in the command line of each, and whether it is a child of such a process.
PARTS = {
    "web worker": ("gunicorn", True),
    "web master": ("gunicorn", False),
    "worker": ("light@", False),
    "gpu worker": ("gpu@", False),
    "clock": ("celery.* beat", False),
    "broker": ("valkey", False),
}


@dataclass
class Breakable(Site):
    """A running site of which processes can be killed. `family` are all processes that were ever seen of it."""

    server: Any = None
    family: set[psutil.Process] = field(default_factory=set)

    def part(self, name: str) -> list[psutil.Process]:
        """The processes of a part, one of PARTS, that live now."""
        words, is_child = PARTS[name]
        found = psutil.Process(self.server.pid).children(recursive=True)
        self.family |= set(found)
        named = {each.pid: each for each in found if _runs(each, words)}
        return [each for each in named.values() if (_parent(each) in named) == is_child]

    def kill(self, process: psutil.Process) -> None:
        """kill -9."""
        process.kill()

    def left(self) -> list[psutil.Process]:
        """Processes of the site that live on after it was stopped."""
        return [] if eventually(lambda: not alive(list(self.family))) else alive(list(self.family))


def _runs(process: psutil.Process, words: str) -> bool:
    import re

    try:
        return re.search(words, " ".join(process.cmdline())) is not None
    except psutil.Error:
        return False


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.Error:
        return 0


def environment(folder: Path, database: str = "") -> dict[str, str]:
    """That of a site with its data in `folder`, on `database` (a URL) or on SQLite, and nothing of this process's."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("LUCE_")}
    for name in ("REDIS_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE"):
        mine.pop(name, None)
    mine |= {"LUCE_VAR": str(folder), "LUCE_DEMO": "1", "LUCE_LOG_FORMAT": "plain", "OMP_NUM_THREADS": "1"}
    return mine | ({"DATABASE_URL": database} if database else {})


@contextmanager
def whole_site(database: str = "") -> Iterator[Breakable]:
    """Everything that `make demo` starts without the model. In the end all of it is gone."""
    folder = Path(tempfile.mkdtemp(prefix="luce-faults-"))
    port = free_port()
    here = Breakable(f"http://127.0.0.1:{port}", folder, environment(folder, database))
    with _running([sys.executable, "-m", "tests.faults.impatient", "--port", str(port)], here):
        yield here


@contextmanager
def web_alone(folder: Path, database: str, comparisons: int, people: int, overlap: int) -> Iterator[Breakable]:
    """gunicorn with the site's own settings and a project to rank; no broker, no workers."""
    port = free_port()
    here = Breakable(f"http://127.0.0.1:{port}", folder, environment(folder, database))
    here.environment |= {"LUCE_BIND": f"127.0.0.1:{port}", "LUCE_SHUTDOWN_SECONDS": "3"}
    fill(here, comparisons, people, overlap)
    command = [sys.executable, "-m", "gunicorn", "--config", "python:webapp.server", "webapp.wsgi:application"]
    with _running(command, here, probe="/healthz"):
        yield here


FILL = """
from django.contrib.auth import get_user_model
from django.core.management import call_command
from rest_framework.authtoken.models import Token
call_command("migrate", verbosity=0)
from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion
from labeling.actions.projects import add_member, create_project
from labeling.actions.prompts import add_prompt
from labeling.actions.serving import serve_next
from django.db import transaction
# leases end soon, so that those who vanish give back what they held before a test is over
project = create_project(slug="faults", name="Faults", k=2, overlap={overlap}, lease_seconds=30)
type(project).objects.filter(pk=project.pk).update(lease_seconds=10)
project.refresh_from_db()
with transaction.atomic():
    for number in range({comparisons}):
        prompt, _ = add_prompt(project=project, messages=f"What is {{number}}?")
        answers = [add_completion(prompt=prompt, text=text)[0] for text in (f"{{number}}", f"{{number + 1}}")]
        add_comparison(prompt=prompt, completions=answers)
def join(name):
    person = get_user_model().objects.create_user(username=name, simulated=True)
    add_member(project=project, person=person)
    return person
for number in range({vanished}):
    serve_next(person=join(f"vanished-{{number}}"), project=project)
for number in range({people}):
    print(Token.objects.create(user=join(f"person-{{number}}")).key)
"""


def fill(here: Site, comparisons: int, people: int, overlap: int, vanished: int = 5) -> None:
    """The project "faults" with so many comparisons and people, and some who hold one and never come back."""
    numbers = {"comparisons": comparisons, "people": people, "overlap": overlap, "vanished": vanished}
    here.tokens = here.manage(script=FILL.format(**numbers)).split()


@contextmanager
def _running(command: list[str], here: Breakable, probe: str = "/readyz") -> Iterator[None]:
    log = (here.folder / "demo.log").open("w")
    here.server = subprocess.Popen(
        command, cwd=REPOSITORY, env=here.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        wait_until_ready(here, here.server, probe=probe)
        yield
        here.family |= set(psutil.Process(here.server.pid).children(recursive=True))
    finally:
        here.server.send_signal(signal.SIGINT)
        try:
            here.server.wait(30)
        except subprocess.TimeoutExpired:
            here.server.kill()  # its reaper ends the rest
            here.server.wait()
        log.close()
        left = here.left()
        shutil.rmtree(here.folder, ignore_errors=True)
        assert not left, f"left running: {left}"
