"""`manage.py worker_health QUEUE`: exit code 0 if a worker of the queue was heard of lately, 1 otherwise."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp import heartbeat


class Command(BaseCommand):
    help = "Whether a worker of the queue (light or gpu) was heard of lately; for a container's health check."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", choices=heartbeat.QUEUES)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            seconds = heartbeat.seconds_since_heartbeat(options["queue"])
        except Exception as error:
            raise CommandError(f"The broker does not answer ({type(error).__name__}); see REDIS_URL.") from error
        if seconds is None or seconds > heartbeat.SILENT_AFTER:
            heard = "never" if seconds is None else f"{seconds:.0f} s ago"
            raise CommandError(f"A worker of the {options['queue']} queue was last heard of: {heard}.")
        self.stdout.write(f"heard of {seconds:.0f} s ago")
