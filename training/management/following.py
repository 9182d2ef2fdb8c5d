"""Following a run on a terminal until it ends."""

import time

from django.core.management.base import CommandError, OutputWrapper

from labeling.progress_bar import ProgressBar
from training.models import TrainingRun
from training.queries.runs import models_of

SECONDS_BETWEEN_LOOKS = 0.5


def queued_or_followed(run: TrainingRun, wait: bool, stdout: OutputWrapper) -> None:
    """Say that the run is queued, or follow it to its end. Raises CommandError when it does not succeed."""
    if not wait:
        stdout.write(f"Run {run.pk} is queued: {run.get_kind_display()}.")
        return
    bar = ProgressBar(unit="steps")
    try:
        while run.live:
            if run.of_steps:
                bar(run.stage, run.step, run.of_steps)
            time.sleep(SECONDS_BETWEEN_LOOKS)
            run.refresh_from_db()
    except KeyboardInterrupt:
        raise CommandError(f"No longer following run {run.pk}; it goes on. Its page shows how far it is.") from None
    finally:
        bar.close()
    if run.state != TrainingRun.State.SUCCEEDED:
        reason = run.error.strip().splitlines()[-1] if run.error.strip() else "see its page"
        raise CommandError(f"Run {run.pk} {run.get_state_display().lower()}: {reason}")
    stdout.write(f"Run {run.pk} succeeded.")
    for version in models_of(run).order_by("id"):
        stdout.write(
            f"{version.name}  {version.hash[:12]}{'' if version.run_id == run.pk else '  (was there already)'}"
        )
    for warning in run.report.get("warnings", []):
        stdout.write(f"Warning: {warning}")
