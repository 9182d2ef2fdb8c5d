"""A site of a benchmark: started as `make demo` starts it, and filled through the doors that everybody uses."""

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

REPOSITORY = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, str(REPOSITORY / "manage.py")]
TEXT = "lorem ipsum dolor " * 28  # about 500 characters, as the rival's benchmark has them
SET_UP = (
    "import os; os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'webapp.settings')\nimport django; django.setup()\n"
)


@dataclass
class Site:
    """A running site: where it answers, its data folder, and a token for each client."""

    base: str
    folder: Path
    environment: dict[str, str]
    tokens: list[str] = field(default_factory=list)

    def manage(self, *arguments: str, script: str = "") -> str:
        """Run a management command against the site's database, or a script with Django set up; what it printed."""
        command = [*MANAGE, *arguments] if arguments else [sys.executable, "-c", SET_UP + script]
        done = subprocess.run(command, cwd=REPOSITORY, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments) or script} failed:\n{done.stderr[-3000:]}")
        return done.stdout

    def web_memory(self) -> int:
        """MiB that the web server's processes hold; what they share is counted once."""
        total = 0
        for process in Path("/proc").iterdir():
            try:
                ours = str(self.folder).encode() in (process / "environ").read_bytes()
                if ours and b"webapp.wsgi" in (process / "cmdline").read_bytes():
                    total += int((process / "smaps_rollup").read_text().split("Pss:")[1].split()[0])
            except OSError:
                continue
        return total // 1024


@contextmanager
def site(port: int, database: str = "") -> Iterator[Site]:
    """`manage.py demo` without the model, in a temporary folder; on `database` (a URL), or on SQLite."""
    folder = Path(tempfile.mkdtemp(prefix="luce-bench-"))
    environment = {**os.environ, "LUCE_VAR": str(folder), "LUCE_DEMO": "1", "PYTHONPATH": str(REPOSITORY)}
    environment.pop("REDIS_URL", None)
    environment.pop("DATABASE_URL", None)
    if database:
        environment["DATABASE_URL"] = database
    here = Site(f"http://127.0.0.1:{port}", folder, environment)
    with (folder / "demo.log").open("w") as log:
        server = subprocess.Popen(
            [*MANAGE, "demo", "--no-prepare", "--port", str(port)],
            cwd=REPOSITORY,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until_ready(here, server)
            yield here
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)
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


def fill(here: Site, slug: str, comparisons: int, clients: int, completions: int = 2) -> float:
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
    here.tokens = here.manage(script=PEOPLE.format(slug=slug, clients=clients)).split()
    return seconds


PEOPLE = """
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token
from labeling.actions.projects import add_member
from labeling.models import Project
project = Project.objects.get(slug={slug!r})
for number in range({clients}):
    person, _ = get_user_model().objects.get_or_create(username=f"bench-{{number}}", defaults={{"simulated": True}})
    add_member(project=project, person=person)
    print(Token.objects.get_or_create(user=person)[0].key)
"""

EXPERIENCED = """
import json
from labeling.actions.importing import import_judgments
from labeling.actions.projects import update_project
from labeling.models import Comparison, Project
from labeling.queries.export import export_lines
project = Project.objects.get(slug={slug!r})
def lines():
    for number, line in enumerate(export_lines(project, "luce")):
        if number >= {judged}:
            return
        row = json.loads(line)
        row["judgments"] = [{{"annotator": "bench-0", "ranks": [1, 2], "simulated": True}}]
        yield json.dumps(row)
import_judgments(project=project, lines=lines())
# depth first: what has one judgment of two stands before all that has none
update_project(project=project, order="depth")
"""

CROWD = """
from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion
from labeling.actions.projects import add_member, create_project
from labeling.actions.prompts import add_prompt
from django.contrib.auth import get_user_model
people = list(get_user_model().objects.filter(username__startswith="bench-"))
for number in range({projects}):
    project = create_project(slug=f"other-{{number}}", name=f"Other {{number}}")
    for person in people:
        add_member(project=project, person=person)
    for place in range(20):
        prompt, _ = add_prompt(project=project, messages=f"prompt {{place}}")
        texts = [add_completion(prompt=prompt, text=text)[0] for text in ("one", "other")]
        add_comparison(prompt=prompt, completions=texts)
"""
