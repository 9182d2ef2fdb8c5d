"""The steps of `make demo`, in order. Each does nothing if it was done before."""

import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from webapp import environment as env
from webapp.supervisor.broker import (
    BROKER_URL_FILE,
    embedded_broker,
    require_broker,
    wait_for_broker,
    write_private,
)
from webapp.supervisor.child import Child
from webapp.supervisor.claims import PORT_FILE, claim_folder, claim_port, require_room, sign
from webapp.supervisor.refusal import Refusal
from webapp.supervisor.tree import TICK, Tree, short

ROOM_FOR_MODEL = 1_500_000_000
ROOM_TO_RUN = 200_000_000
MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]
CELERY = [sys.executable, "-m", "celery", "--app", "webapp", "--workdir", str(settings.BASE_DIR)]


@dataclass
class Options:
    port: int = 8000
    prepare: bool = True
    sample: bool = True
    prompts: int | None = None
    stop_with_parent: bool = False


def run(options: Options, say: Callable[[str], None]) -> None:
    """Start all, print the links, watch until told to stop (KeyboardInterrupt or SystemExit), stop all.

    Raises Refusal, in one line, when the machine is not fit for it; then too nothing is left running.
    """
    folder = settings.VAR_DIR
    began = time.monotonic()
    lock = claim_folder(folder)
    sign(lock, os.getpid())
    server = claim_port(options.port)
    require_room(folder, ROOM_TO_RUN if is_prepared() or not options.prepare else ROOM_FOR_MODEL)
    try:
        (folder / PORT_FILE).write_text(f"{options.port}\n")  # for manage.py sign_in_link
        with Tree(say, lock) as tree:
            bring_up(tree, options, server.fileno(), say)
            say(f"ready after {time.monotonic() - began:.0f} s")
            print_links(options.port, say)
            watch_until_told(tree, options, say)
    except (KeyboardInterrupt, SystemExit):
        say("stopped; nothing is left running")
    finally:
        server.close()
        for left in (BROKER_URL_FILE, PORT_FILE):
            (folder / left).unlink(missing_ok=True)


def bring_up(tree: Tree, options: Options, listening: int, say: Callable[[str], None]) -> None:
    if options.prepare and not is_prepared():
        say("preparing the bundled model SmolLM2-135M-Instruct (once, about 20 s)")
        step(tree, "prepare-model", "prepare_model")
    prepare_database(say)
    call_command("collectstatic", interactive=False, verbosity=0)
    environment = {"LUCE_DEMO": "1", "REDIS_URL": start_broker(tree, say), "PYTHONUNBUFFERED": "1"}
    # before the workers, so that the model starts to answer the moment its worker is up
    arguments = ["load_demo_project"] if options.sample else ["load_demo_project", "--no-sampling"]
    arguments += [] if options.prompts is None else ["--prompts", str(options.prompts)]
    step(tree, "load-demo", *arguments, environment=environment)
    say(f"starting the web server on port {options.port} and the Celery workers; logs in {short(log_folder())}")
    tree.start(*workers(environment))
    tree.start(web(environment, listening))
    wait_until_ready(tree, options.port)


def is_prepared() -> bool:
    from training.engine.bundled import is_prepared as holds_a_model

    return holds_a_model(settings.BUNDLED_MODEL_DIR)


def log_folder() -> Path:
    return settings.VAR_DIR / "logs"


def log(name: str) -> Path:
    return log_folder() / f"{name}.log"


def step(tree: Tree, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
    """Run a management command to its end in a process of its own. Raises Refusal with its last words."""
    child = Child(name, [*MANAGE, *arguments], log(name), environment or {})
    if tree.run_to_end(child):
        raise Refusal(f"{arguments[0]} failed: {child.last_words()} (all of it: {short(child.log)})")


def prepare_database(say: Callable[[str], None]) -> None:
    database = settings.DATABASES["default"]
    name = database["NAME"] if "sqlite" in database["ENGINE"] else f"{database['NAME']} on {database['HOST'] or 'here'}"
    say(f"database {short(Path(name)) if 'sqlite' in database['ENGINE'] else name}")
    call_command("migrate", interactive=False, verbosity=0)
    connections.close_all()


def start_broker(tree: Tree, say: Callable[[str], None]) -> str:
    """URL of the broker: the one of REDIS_URL, which must answer, or an embedded Valkey that is started here."""
    given = env.text("REDIS_URL")
    if given:
        require_broker(given)
        return given
    child, url = embedded_broker(settings.VAR_DIR, log("broker"))
    tree.start(child)
    wait_for_broker(url, child)
    write_private(settings.VAR_DIR / BROKER_URL_FILE, url)
    return url


def web(environment: Mapping[str, str], listening: int) -> Child:
    """gunicorn on the socket we hold: connections wait instead of failing while it restarts."""
    command = [sys.executable, "-m", "gunicorn", "--config", "python:webapp.server", "webapp.wsgi:application"]
    extra = {
        "LUCE_BIND": f"fd://{listening}",
        "LUCE_SHUTDOWN_SECONDS": "3",
        "LUCE_SESSION_COOKIE": session_cookie(),
        "PYTHONPATH": str(settings.BASE_DIR),
    }
    return Child("web", command, log("web"), {**environment, **extra}, patience=6.0, pass_fds=[listening])


def session_cookie() -> str:
    """LUCE_SESSION_COOKIE, or a name of this data folder: a demo beside this one does not sign its visitors out."""
    given = env.text("LUCE_SESSION_COOKIE")
    return given or f"sessionid_{hashlib.sha256(bytes(settings.VAR_DIR)).hexdigest()[:8]}"


def workers(environment: Mapping[str, str]) -> list[Child]:
    """Short tasks; long tasks, one at a time, giving way to the pages; and the clock.

    Told to stop, a worker in the middle of a run gives it back after the step it is at (training.actions.runs), and
    the next start goes on from the last checkpoint.
    """
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    schedule = str(settings.VAR_DIR / "celerybeat-schedule")
    light = ["worker", "--queues", "light", "--hostname", "light@%h", "--pool", "threads", "--concurrency", "2"]
    gpu = ["worker", "--queues", "gpu", "--hostname", "gpu@%h", "--pool", "solo"]
    return [
        Child("worker", [*CELERY, *light, *quiet], log("worker"), environment, patience=6.0),
        Child("gpu-worker", [*CELERY, *gpu, *quiet], log("gpu-worker"), environment, patience=10.0, niceness=5),
        Child(
            "clock",
            [*CELERY, "beat", "--schedule", schedule, "--pidfile=", "--loglevel", "INFO"],
            log("clock"),
            environment,
        ),
    ]


def wait_until_ready(tree: Tree, port: int, patience: float = 180.0) -> None:
    """Until /readyz says yes: database, broker and both workers. Raises Refusal with its reasons."""
    end = time.monotonic() + patience
    reason = "it did not answer"
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy knows this machine's loopback
    while time.monotonic() < end:
        tree.watch()
        try:
            with directly.open(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except urllib.error.HTTPError as error:
            reason = json.dumps(json.loads(error.read() or b"{}").get("failing", str(error)))
        except (OSError, ValueError) as error:
            reason = str(error)
        time.sleep(TICK)
    raise Refusal(f"The site was not ready within {patience:.0f} s: {reason}. Logs: {short(log_folder())}")


def print_links(port: int, say: Callable[[str], None]) -> None:
    """One line a person: who, and the address that signs them in."""
    from webapp.demo import demo_people
    from webapp.local_sign_in import sign_in_url

    people = [(str(person), sign_in_url(person, port)) for person in demo_people()]
    connections.close_all()
    width = max(len(name) for name, _ in people)
    say("open one of these in a browser on this machine; each signs you in as that person:")
    for name, url in people:
        say(f"  {name:<{width}}  {url}")
    say("to be two people at once, open the second in a private window. Ctrl-C stops everything.")


def watch_until_told(tree: Tree, options: Options, say: Callable[[str], None]) -> NoReturn:
    """For as long as nobody says stop; with `stop_with_parent` the end of whoever started us says it too."""
    parent = os.getppid()
    while True:
        tree.watch()
        if options.stop_with_parent and os.getppid() != parent:
            say("the process that started this one is gone")
            raise SystemExit(0)
        time.sleep(TICK)
