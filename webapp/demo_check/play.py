"""The story, stage by stage. Each stage has its seconds in the report; the first that fails ends the play."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from labeling.actions.projects import add_member
from labeling.models import Project
from webapp.demo import SLUG
from webapp.demo_check.annotators import PERSONAS, Annotator
from webapp.demo_check.client import Client
from webapp.demo_check.figures import describe_answers, implied_percent_agreement, known_win_rate
from webapp.demo_check.preference import STEP

PROMPTS = 60  # 40 to train on and 20 held out: enough for the story, which is to take less than a quarter of an hour
LIMIT_SECONDS = 20 * 60  # so that it ends by itself even where two cores are slow
POLL = 1.0


class StageFailed(Exception):
    """A stage did not do what it must; the message says which and why."""


@dataclass
class Play:
    """The site under test, the people on it, and what was measured so far."""

    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    report: dict[str, Any] = field(default_factory=lambda: {"seconds": {}})
    annotators: list[Annotator] = field(default_factory=list)
    site: subprocess.Popen[bytes] | None = None
    base: str = ""
    lead: Client = field(default_factory=lambda: Client(""))

    def run(self) -> dict[str, Any]:
        """Play everything; returns the report. Raises StageFailed. The site is stopped whatever happens."""
        try:
            self._start()
            self._sign_in()
            self._rank_round_one()
            run = self._retrain()
            self._next_round(run)
            self._conclude(run)
        finally:
            self._stop()
            self.report["seconds"]["all"] = round(time.monotonic() - self.began, 1)
        return self.report

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.say(f"{name} …")
        began = time.monotonic()
        try:
            yield
        except StageFailed:
            raise
        except Exception as error:
            raise StageFailed(f"{name}: {type(error).__name__}: {error}") from error
        finally:
            self.report["seconds"][name] = round(time.monotonic() - began, 1)

    def wait(self, what: str, done: Callable[[], bool]) -> None:
        """Poll until done. Raises StageFailed when the site or an annotator dies, or time is up."""
        while not done():
            if self.site is None or self.site.poll() is not None:
                raise StageFailed(f"the site stopped while waiting for {what}")
            for annotator in self.annotators:
                if annotator.failure:
                    raise StageFailed(f"{annotator.name} could not go on: {annotator.failure}")
            if time.monotonic() - self.began > LIMIT_SECONDS:
                raise StageFailed(f"{LIMIT_SECONDS // 60} minutes were over while waiting for {what}")
            time.sleep(POLL)

    def _start(self) -> None:
        with self.stage("start the site"), socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            probe.close()
            self.base = f"http://127.0.0.1:{port}"
            command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo", "--port", str(port)]
            command += ["--prompts", str(PROMPTS)]
            output = (settings.VAR_DIR / "demo.log").open("wb")
            self.site = subprocess.Popen([*command, "--stop-with-parent"], stdout=output, stderr=subprocess.STDOUT)
            self.wait("the demo project", self._demo_is_loaded)

    def _demo_is_loaded(self) -> bool:
        log = Path(settings.VAR_DIR / "demo.log").read_text(errors="replace")
        return "ready after" in log and "/local/" in log

    def _sign_in(self) -> None:
        with self.stage("sign in"):
            project = Project.objects.get(slug=SLUG)
            self.lead = self._client("lead")
            for persona in PERSONAS:
                person, _ = get_user_model().objects.get_or_create(
                    username=persona.username, defaults={"display_name": persona.display_name, "simulated": True}
                )
                add_member(project=project, person=person, role="annotator")
                self.annotators.append(Annotator(persona, self._client(persona.username), SLUG))
            for annotator in self.annotators:
                annotator.start()

    def _client(self, username: str) -> Client:
        """Signed in through the form, with a password made for this play."""
        person = get_user_model().objects.get(username=username)
        password = secrets.token_urlsafe(16)
        person.set_password(password)
        person.save()
        client = Client(self.base)
        client.sign_in(username, password)
        return client

    def _rank_round_one(self) -> None:
        with self.stage("sample and rank"):
            first = time.monotonic()
            self.wait("the first ranking", lambda: any(annotator.ranked for annotator in self.annotators))
            self.report["seconds"]["until the first ranking"] = round(time.monotonic() - first, 1)
            sampling = self._latest_run("sampling")
            self._follow(sampling["id"])
            self._wait_until_ranked()
        with self.stage("agreement"):
            measured = self.lead.get(f"/api/projects/{SLUG}/agreement/")
            temperatures = {persona.username: persona.temperature for persona in PERSONAS}
            self.report["annotators"] = [
                {"name": one.name, "simulated": True, "temperature": one.persona.temperature, "ranked": one.ranked}
                for one in self.annotators
            ]
            self.report["agreement"] = {
                "measured": measured["percent_agreement"],
                "implied_by_the_noise": implied_percent_agreement(self._exported(), temperatures),
                "krippendorff_alpha": measured["krippendorff_alpha"]["nominal"],
            }

    def _wait_until_ranked(self) -> None:
        """Until every judgment that is wanted is there."""

        def complete() -> bool:
            progress = self.lead.get(f"/api/projects/{SLUG}/progress/")
            return progress["wanted"] > 0 and progress["judgments"] >= progress["wanted"]

        self.wait("the last ranking", complete)

    def _retrain(self) -> dict[str, Any]:
        with self.stage("freeze and train"):
            run = self.lead.post("/api/runs/retrain/", {"project": SLUG}, attempts=1)
            run = self._follow(run["id"])
            card = self._version(run["report"]["policy"])["card"]
            figures = {figure.pop("name"): figure for figure in card["figures"]}
            self.report["training"] = {"seconds": run["report"]["seconds"], **card["data"]}
            self.report["reward_model"] = {
                name: figures.pop(name) for name in ("reward_accuracy", "length_baseline", "reward_margin")
            }
            self.report["policy"] = {**figures, "warnings": card["warnings"]}
        return run

    def _next_round(self, run: dict[str, Any]) -> None:
        with self.stage("next round"):
            policy = run["report"]["policy"]
            sampling = self.lead.post(f"/api/model-versions/{policy}/next-round/", {"split": "heldout"}, attempts=1)
            self._follow(sampling["id"])
            self._wait_until_ranked()

    def _conclude(self, run: dict[str, Any]) -> None:
        with self.stage("win rate"):
            version = self._version(run["report"]["policy"])
            baseline = self._version(version["parent"])
            lines = self._exported()
            evaluation = self.lead.get(f"/api/evaluations/?project={SLUG}")["results"][0]
            self.report["win_rate"] = {
                "known_preference": known_win_rate(lines, version["name"], baseline["name"]),
                "blind_simulated_judgments": evaluation["win_rate"],
            }
            self.report["answers"] = {
                "before": describe_answers(lines, baseline["name"]),
                "after": describe_answers(lines, version["name"]),
            }
            self.report["preference"] = {"described_in": "webapp/demo_check/preference.py", "step": STEP}

    def _follow(self, run_id: int) -> dict[str, Any]:
        """Wait for a run to end well; returns it. Raises StageFailed with the run's own error."""
        found: dict[str, Any] = {}

        def ended() -> bool:
            found.update(self.lead.get(f"/api/runs/{run_id}/"))
            return found["state"] not in ("queued", "running")

        self.wait(f"run {run_id}", ended)
        if found["state"] != "succeeded":
            raise StageFailed(f"run {run_id} {found['state']}: {found.get('error') or 'no reason given'}")
        return found

    def _latest_run(self, kind: str) -> dict[str, Any]:
        runs = self.lead.get(f"/api/runs/?project={SLUG}&kind={kind}")["results"]
        return dict(runs[0])

    def _version(self, number: int) -> dict[str, Any]:
        return self.lead.get(f"/api/model-versions/{number}/")

    def _exported(self) -> list[dict[str, Any]]:
        text = self.lead.text(f"/api/projects/{SLUG}/export/luce/")
        return [json.loads(line) for line in text.splitlines() if line]

    def _stop(self) -> None:
        for annotator in self.annotators:
            annotator.stopping.set()
        for annotator in self.annotators:
            annotator.join(timeout=5)
        if self.site is not None and self.site.poll() is None:
            os.kill(self.site.pid, signal.SIGTERM)
            try:
                self.site.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.site.kill()
