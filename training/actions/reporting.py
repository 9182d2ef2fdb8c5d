"""What a working run tells the database: its stage and step, the numbers of each step, and its log."""

import logging
import math
import time
from typing import Any

from training.actions.leases import LeaseKeeper, heartbeat
from training.models import RunLine, RunMetric, TrainingRun

log = logging.getLogger("luce.training")
SECONDS_BETWEEN_WRITES = 1.0
# The engine's phases that are no training step, as a lead reads them in the log.
PHASES = {
    "loading": "Loading the model.",
    "reference": "Computing the reference's log-probabilities.",
    "evaluating": "Measuring on held-out rankings.",
    "saving": "Saving the weights.",
}


class Reporter:
    """Writes for one owner of one run. Every method raises LostLease when the run may be somebody else's.

    The numbers of a step are written at once, and so before the engine's next checkpoint: a run that is killed and
    resumed has every step once and misses none. The run's own row, which pages poll, is written once a second.
    """

    def __init__(self, run: TrainingRun, owner: str, keeper: LeaseKeeper) -> None:
        self.run, self.owner, self.keeper = run, owner, keeper
        self.stage_name = run.stage
        # what earlier workers of this run did counts too
        self.report: dict[str, Any] = dict(run.report)
        self.seconds: dict[str, float] = dict(self.report.get("seconds", {}))
        self._stage_started = time.monotonic()
        self._written = 0.0
        self._phase = ""
        self._step, self._of = 0, 0
        self._seconds_left: float | None = None

    def should_stop(self) -> bool:
        return self.keeper.should_stop()

    def stop_if_asked(self) -> None:
        """Raise the engine's `Cancelled` when the work is to stop here."""
        from training.engine.errors import Cancelled

        if self.should_stop():
            raise Cancelled("Stopped on request.")

    def hold(self) -> None:
        """Begin a transaction that stores something with this: nothing is stored if the run is no longer ours."""
        heartbeat(self.run, self.owner)

    def stage(self, name: str, of: int = 0) -> None:
        """Enter a stage of `of` steps; the seconds of the one before are kept for the report."""
        self.end_stage()
        self.stage_name, self._phase = name, ""
        self._write(0, of, None)

    def end_stage(self) -> None:
        self.seconds = self._seconds_so_far()
        self._stage_started = time.monotonic()

    def keep(self, **done: Any) -> None:
        """Write what the run has done in all. In the transaction that does it, so that the two never differ."""
        self.report |= done
        self._write(self._step, self._of, self._seconds_left)

    def progress(self, step: int, of: int, metrics: dict[str, Any]) -> None:
        """The engine's callback. Only a training step has numbers to keep; other phases move the bar or empty it."""
        self.keeper.require()
        phase = metrics.get("phase", "")
        if phase == "training":
            self._keep_metrics(step, metrics)
        elif phase in PHASES:
            step, of = metrics.get("done", 0), metrics.get("of", 0)
        entered = phase in PHASES and phase != self._phase
        self._phase = phase
        if entered:
            self.log(PHASES[phase])
        if entered or step == of or of != self._of or time.monotonic() - self._written >= SECONDS_BETWEEN_WRITES:
            self._write(step, of, metrics.get("seconds_left"))

    def log(self, text: str) -> None:
        """One line for the lead's page and the site's log."""
        self.keeper.require()
        log.info(text, extra={"run": self.run.pk, "stage": self.stage_name})
        RunLine.objects.create(run=self.run, text=text)

    def _seconds_so_far(self) -> dict[str, float]:
        if not self.stage_name or not self._written:
            return self.seconds
        spent = self.seconds.get(self.stage_name, 0.0) + time.monotonic() - self._stage_started
        return {**self.seconds, self.stage_name: round(spent, 2)}

    def _write(self, step: int, of: int, seconds_left: float | None) -> None:
        self._step, self._of, self._seconds_left = step, of, seconds_left
        self.report["seconds"] = self._seconds_so_far()
        heartbeat(
            self.run,
            self.owner,
            stage=self.stage_name,
            step=max(step, 0),
            of_steps=max(of, 0),
            seconds_left=finite(seconds_left),
            report=self.report,
        )
        self._written = time.monotonic()

    def _keep_metrics(self, step: int, metrics: dict[str, Any]) -> None:
        values = {name: finite(value) for name, value in metrics.items() if name not in ("phase", "step")}
        RunMetric.objects.bulk_create(
            [RunMetric(run=self.run, stage=self.stage_name, step=step, values=values)],
            update_conflicts=True,
            unique_fields=["run", "stage", "step"],
            update_fields=["values"],
        )


def finite(value: Any) -> Any:
    """None for NaN and infinities, which are no JSON and draw no curve."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
