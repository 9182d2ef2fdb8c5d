"""A project to train on, a tiny model to train, and real workers to do it."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from labeling.actions.comparisons import add_comparison
from labeling.actions.completions import add_completion
from labeling.actions.nothing import NothingLeft
from labeling.actions.projects import add_member, create_project
from labeling.actions.prompts import add_prompt
from labeling.actions.serving import serve_next
from labeling.actions.submitting import submit_judgment
from labeling.models import Project
from labeling.models.guards import remove_guards
from training.models import TrainingRun
from training.models.guards import TRAINING_GUARDS

REPOSITORY = Path(__file__).resolve().parent.parent.parent
TINY_SAMPLING = {"max_new_tokens": 12, "temperature": 1.0}
TINY_TRAINING = {
    "reward": {"epochs": 2, "batch_size": 4, "max_length": 256},
    "policy": {"epochs": 2, "batch_size": 4, "max_length": 256, "evaluation_prompts": 2, "evaluation_tokens": 8},
}


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.training.tiny_model import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def var(tmp_path: Path, settings: Any, tiny_model: Path) -> Path:
    """A `var/` of the test's own, with the tiny model in the bundled model's place."""
    settings.VAR_DIR = tmp_path
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.BUNDLED_MODEL_DIR = tmp_path / "models" / "SmolLM2-135M-Instruct"
    shutil.copytree(tiny_model, settings.BUNDLED_MODEL_DIR)
    return tmp_path


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """A database that other processes see. The guards must go before the test's rows can be deleted."""
    yield
    remove_guards(TRAINING_GUARDS, "default")


@pytest.fixture
def people(db: None) -> dict[str, Any]:
    create = get_user_model().objects.create_user
    return {name: create(username=name, password="x" * 12) for name in ("lena", "ann", "abe")}


@pytest.fixture
def project(people: dict[str, Any]) -> Project:
    """Led by lena, ranked by ann and abe; 6 prompts to train, 3 held out, no completions yet."""
    project = create_project(slug="tea", name="Tea", by=people["lena"], k=3, sampling=TINY_SAMPLING)
    for name in ("ann", "abe"):
        add_member(project=project, person=people[name])
    for number in range(9):
        split = "heldout" if number % 3 == 2 else "train"
        add_prompt(project=project, messages=f"How do I make tea no. {number}?", split=split)
    return project


@pytest.fixture
def answered(project: Project) -> Project:
    """The project with three written answers to each prompt, one comparison each."""
    for prompt in project.prompts.order_by("id"):
        texts = ["Boil it.", "Boil water and steep the leaves.", f"Tea {prompt.pk}! " * 4]
        completions = [add_completion(prompt=prompt, text=text, finished=True)[0] for text in texts]
        add_comparison(prompt=prompt, completions=completions)
    return project


def rank_all(project: Project, people: list[Any], prefer: Callable[[str], float] = len) -> int:
    """Everybody ranks everything that is served to them, lowest `prefer` first; how many judgments that made."""
    made = 0
    for person in people:
        while not isinstance(work := serve_next(person=person, project=project), NothingLeft):
            candidates = work.comparison.candidates.order_by("position").select_related("completion")
            values = [prefer(candidate.completion.text) for candidate in candidates]
            ranks = [1 + sum(other < value for other in values) for value in values]
            submit_judgment(person=person, assignment_id=work.pk, key=uuid.uuid4().hex, ranks=ranks)
            made += 1
    return made


@pytest.fixture
def ranked(answered: Project, people: dict[str, Any]) -> Project:
    """The answered project, ranked by ann and abe: shorter is better."""
    rank_all(answered, [people["ann"], people["abe"]])
    return answered


@pytest.fixture
def broker(valkey: str, settings: Any) -> Iterator[str]:
    """An empty broker that this process and the test's workers share."""
    import redis

    settings.CELERY_BROKER_URL = valkey
    with redis.Redis.from_url(valkey) as client:
        client.flushall()
    before = point_celery_at(valkey)
    yield valkey
    point_celery_at(before)


def point_celery_at(url: str) -> str:
    """Make this process's Celery application use another broker; the one before."""
    from celery import current_app as app
    from kombu import pools

    before = app.conf.broker_url
    app.conf.broker_url = url
    app._after_fork()  # forget the connections to the one before
    pools.reset()
    return before


class Worker:
    """A real Celery worker process, solo pool, on both queues or one of them."""

    def __init__(self, var: Path, broker: str, lease: int = 5, queues: str = "gpu,light") -> None:
        self.log = var / f"worker-{uuid.uuid4().hex[:6]}.log"
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "REDIS_URL": broker,
            "LUCE_VAR": str(var),
            "LUCE_RUN_LEASE_SECONDS": str(lease),
            "LUCE_TORCH_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "LUCE_LOG_FORMAT": "plain",
        }
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "webapp",
            "worker",
            "-P",
            "solo",
            "-Q",
            queues,
            "-l",
            "INFO",
        ]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=REPOSITORY, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout: float = 30) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"The worker did not stop:\n{self.text[-3000:]}") from None

    @property
    def text(self) -> str:
        return self.log.read_text()


@pytest.fixture
def start_worker(committed: None, var: Path, broker: str) -> Iterator[Callable[..., Worker]]:
    started: list[Worker] = []

    def start(**options: Any) -> Worker:
        started.append(Worker(var, broker, **options))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.kill()


def database_url() -> str:
    """The test database's address, for another process."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    place = f"{found['HOST']}:{found['PORT']}" if found["PORT"] else found["HOST"]
    if found["HOST"].startswith("/"):
        return f"postgres://{found['USER']}@/{found['NAME']}?host={found['HOST']}"
    return f"postgres://{found['USER']}:{found['PASSWORD']}@{place}/{found['NAME']}"


def wait_for(condition: Callable[[], Any], seconds: float = 90, what: str = "") -> Any:
    """Poll until `condition` holds; its value. Fails loudly after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"Not within {seconds} s: {what or condition}")


def wait_for_state(run: TrainingRun, *states: str, worker: Worker | None = None, seconds: float = 120) -> TrainingRun:
    def reached() -> bool:
        run.refresh_from_db()
        return run.state in states

    try:
        wait_for(reached, seconds)
    except AssertionError:
        log = worker.text[-4000:] if worker else ""
        raise AssertionError(f"Run {run.pk} is {run.state} in {run.stage}: {run.error[-2000:]}\n{log}") from None
    return run
