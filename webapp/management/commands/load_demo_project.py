"""`manage.py load_demo_project`: the demo's people, prompts and guidelines, and a sampling run for its answers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from webapp.demo import load_demo_project, send_queued_runs, start_sampling


class Command(BaseCommand):
    help = "Load the demo project. Running it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--prompts", type=int, help="About so many of the prompts instead of all.")
        parser.add_argument("--no-sampling", action="store_true", help="Leave the prompts without answers.")

    def handle(self, *args: Any, **options: Any) -> None:
        project = load_demo_project(options["prompts"])
        if not options["no_sampling"] and start_sampling(project):
            self.stdout.write("The bundled model is answering the prompts.")
        if waiting := send_queued_runs():
            self.stdout.write(f"Work goes on where it stopped: {waiting} run(s).")
        self.stdout.write(f"Project {project.slug}: {project.prompts.count()} prompts.")
