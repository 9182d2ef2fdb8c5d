"""`manage.py demo_check`: the demo's story, played headless by simulated annotators, with a JSON report at the end."""

import json
import os
import shutil
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from webapp.demo_check.play import Play, StageFailed
from webapp.supervisor.claims import claim_folder
from webapp.supervisor.refusal import Refusal

MARK = "LUCE_DEMO_CHECK"


class Command(BaseCommand):
    help = (
        "Start a fresh demo in var/demo-check, let simulated annotators rank over HTTP, train, sample again, and print "
        "one JSON report. Exits 1 when a stage fails or the interval of the win rate does not lie above 50 %."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if os.environ.get(MARK) != "1":
            begin_afresh()
        call_command("migrate", interactive=False, verbosity=0)
        play = Play(say)
        problem = None
        try:
            play.run()
        except StageFailed as error:
            problem = str(error)
        problem = problem or verdict(play.report)
        report = {"passed": problem is None, "problem": problem, "simulated": True, **play.report}
        text = json.dumps(report, indent=2, ensure_ascii=False)
        (settings.VAR_DIR / "report.json").write_text(text + "\n", encoding="utf-8")
        self.stdout.write(text)
        if problem:
            sys.exit(1)


def begin_afresh() -> None:
    """Start this command again with a folder of its own: settings are read once a process."""
    folder = settings.VAR_DIR / "demo-check"
    if folder.exists():
        try:
            claim_folder(folder).close()  # another check may be at work there
        except Refusal as error:
            raise CommandError(str(error)) from None
        shutil.rmtree(folder)
    environment = os.environ | {
        MARK: "1",
        "LUCE_DEMO": "1",
        "LUCE_LOG_LEVEL": "WARNING",
        "LUCE_VAR": str(folder),
        "LUCE_BUNDLED_MODEL_DIR": str(settings.BUNDLED_MODEL_DIR),
    }
    for name in ("DATABASE_URL", "REDIS_URL", "LUCE_SESSION_COOKIE", "LUCE_ARTIFACTS"):
        environment.pop(name, None)  # a check never plays on data that somebody works with
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # noqa: S606 - this very command


def verdict(report: dict[str, Any]) -> str | None:
    """What is wrong with the result, or None."""
    figure = report["win_rate"]["known_preference"]
    if figure["value"] is None:
        return f"the win rate is undefined: {figure['undefined_because']}"
    if figure["low"] is None or figure["low"] <= 0.5:
        return f"the interval of the win rate, {figure['low']} to {figure['high']}, does not lie above 50 %"
    return None


def say(text: str) -> None:
    print(f"luce: {text}", file=sys.stderr, flush=True)
