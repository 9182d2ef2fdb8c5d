"""manage.py sample PROJECT"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from labeling.actions.errors import ActionError
from labeling.management.naming import project_named
from labeling.models import Project
from training.actions.runs import queue_sampling
from training.management.following import queued_or_followed
from training.models import ModelVersion


class Command(BaseCommand):
    help = "Sample K completions of the prompts of the project that have none to rank, in the GPU worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Short name of the project.")
        parser.add_argument("--model", help="Name of a policy; the one the project samples from if left out.")
        parser.add_argument("--k", type=int, help="Completions a prompt; the project's K if left out.")
        parser.add_argument("--split", choices=["train", "heldout"], help="Only prompts of this split.")
        parser.add_argument("--round", type=int, help="Answer all prompts, in this round; without it, unanswered ones.")
        parser.add_argument("--wait", action="store_true", help="Follow the run until it ends.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_named(options["project"])
        try:
            run = queue_sampling(
                project=project,
                by=None,
                model_version=_policy_named(project, options["model"]),
                k=options["k"],
                split=options["split"],
                round=options["round"],
            )
        except ActionError as error:
            raise CommandError(error.message) from None
        queued_or_followed(run, options["wait"], self.stdout)


def _policy_named(project: Project, name: str | None) -> ModelVersion | None:
    if name is None:
        return None
    policies = ModelVersion.objects.filter(project=project, kind="policy")
    version = policies.filter(name=name).first()
    if version is None:
        names = ", ".join(policies.values_list("name", flat=True)) or "none yet"
        raise CommandError(f'The project has no policy "{name}". It has: {names}.')
    return version
