"""`manage.py demo`: all of Luce on this machine, until Ctrl-C."""

import signal
import sys
from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import BaseCommand

from webapp.supervisor.demo import Options, run
from webapp.supervisor.refusal import as_refusal


class Command(BaseCommand):
    help = "Start web server, workers, broker and the demo project, print sign-in links, stop all on Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", default="8000", help="Port of the web server (8000).")
        parser.add_argument("--no-prepare", action="store_true", help="Do not unpack the bundled model.")
        parser.add_argument("--no-sampling", action="store_true", help="Load the prompts without sampling answers.")
        parser.add_argument("--prompts", type=int, help="Load about so many of the demo's prompts instead of all.")
        parser.add_argument(
            "--stop-with-parent", action="store_true", help="Stop when the process that started this one ends."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a shell's "&" leaves SIGINT ignored
            signal.signal(number, stop)
        port = str(options["port"]).strip() or "8000"  # as every variable that is set to nothing
        if not port.isdecimal():
            say(f"PORT must be a number such as 8000, not {port}.")
            sys.exit(1)
        chosen = Options(
            port=int(port),
            prepare=not options["no_prepare"],
            sample=not (options["no_sampling"] or options["no_prepare"]),
            prompts=options["prompts"],
            stop_with_parent=options["stop_with_parent"],
        )
        try:
            run(chosen, say)
        except (KeyboardInterrupt, SystemExit):
            return
        except Exception as error:
            refusal = as_refusal(error)
            if refusal is None:
                raise
            say(str(refusal))
            sys.exit(1)


def stop(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)


def say(text: str) -> None:
    print(f"luce: {text}", flush=True)
