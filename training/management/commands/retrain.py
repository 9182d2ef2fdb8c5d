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
        parser.add_argument(
            "--settings", default="{}", help='JSON: {"reward": {"epochs": 2}, "policy": {"beta": 0.2}}.'
        )
        parser.add_argument("--wait", action="store_true", help="Follow the run until it ends.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            settings = json.loads(options["settings"])
        except ValueError as error:
            raise CommandError(f"--settings is not JSON: {error}") from None
        if not isinstance(settings, dict):
            raise CommandError('--settings must be an object with "reward" and "policy".')
        try:
            run = queue_retrain(project=project_named(options["project"]), by=None, settings=settings)
        except ActionError as error:
            raise CommandError(error.message) from None
        queued_or_followed(run, options["wait"], self.stdout)
