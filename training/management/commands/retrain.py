"""manage.py retrain PROJECT"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling.actions.errors import ActionError
from labeling.management.naming import project_named
from training.actions.runs import queue_retrain
from training.management.following import queued_or_followed


class Command(BaseCommand):
    help = "Freeze a batch of the project's judgments and train a reward model and a policy on it, in the GPU worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Short name of the project.")
        parser.add_argument("--reward", default="{}", help='Settings of the reward model as JSON: {"epochs": 2}.')
        parser.add_argument("--policy", default="{}", help='Settings of the policy as JSON: {"beta": 0.2}.')
        parser.add_argument("--wait", action="store_true", help="Follow the run until it ends.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_named(options["project"])
        settings = {name: _read(name, options[name]) for name in ("reward", "policy")}
        try:
            run = queue_retrain(project=project, settings=settings)
        except ActionError as error:
            raise CommandError(error.message) from None
        queued_or_followed(run, options["wait"], self.stdout)


def _read(name: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CommandError(f"--{name} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise CommandError(f'--{name} must be a JSON object, such as {{"epochs": 2}}.')
    return value
