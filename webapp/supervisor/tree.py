"""The tree of processes: started in order, restarted when they crash, stopped in the opposite order."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from webapp.supervisor.child import Child, rotate
from webapp.supervisor.reaper import Reaper

LONGEST_WAIT = 30.0
HEALTHY_AFTER = 60.0
TICK = 0.2


class Tree:
    """Holds children by stage; `say` prints one line. A stage stops at once, the stages one after another.

    Use as a context manager: leaving it, for whatever reason, stops every child.
    """

    def __init__(self, say: Callable[[str], None], lock: IO[str] | None = None) -> None:
        self.say = say
        self.stages: list[list[Child]] = []
        self.due: dict[str, float] = {}
        self.reaper = Reaper(lock)
        self.rotated = time.monotonic()

    def __enter__(self) -> "Tree":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self.reaper.dismiss()

    def children(self) -> list[Child]:
        return [child for stage in self.stages for child in stage]

    def start(self, *stage: Child) -> None:
        """Start children that stop together, before those of earlier stages."""
        self.stages.append(list(stage))
        for child in stage:
            self._start(child)

    def _start(self, child: Child) -> None:
        child.start()
        if child.pid:
            self.reaper.tell("+", child.pid)

    def run_to_end(self, child: Child) -> int:
        """One step: start a child, watch the others meanwhile, return its exit code."""
        child.restart = False
        self.start(child)
        while child.runs():
            self.watch()
            time.sleep(TICK)
        self.stages.remove([child])
        self._forget(child)
        return child.exit_code() or 0

    def watch(self) -> None:
        """Look once after every child: restart what ended, after a wait that doubles with each crash."""
        now = time.monotonic()
        for child in self.children():
            if child.runs():
                if child.crashes and now - child.started > HEALTHY_AFTER:
                    child.crashes = 0
            elif child.restart:
                self._revive(child, now)
        if now - self.rotated > HEALTHY_AFTER:
            self.rotated = now
            for log in {child.log for child in self.children()}:
                rotate(log)

    def _revive(self, child: Child, now: float) -> None:
        if child.name not in self.due:
            self._forget(child)
            wait = min(LONGEST_WAIT, 2.0**child.crashes)
            child.crashes += 1
            self.due[child.name] = now + wait
            self.say(
                f"{child.name} {how_it_ended(child.exit_code())}; starting it again in {wait:.0f} s. "
                f"Last words: {child.last_words() or 'none'} ({short(child.log)})"
            )
        elif now >= self.due[child.name]:
            del self.due[child.name]
            self._start(child)

    def _forget(self, child: Child) -> None:
        """A child has ended: end what it may have left behind, and free the reaper of it."""
        child.signal_group(signal.SIGKILL)
        if child.pid:
            self.reaper.tell("-", child.pid)

    def stop(self) -> None:
        """End all: latest stage first; within a stage together; SIGKILL for what outlives its patience.

        Interrupted once more (a second Ctrl-C), it stops being patient.
        """
        hurry = False
        while self.stages:
            stage = self.stages[-1]
            try:
                if not hurry:
                    stop_together(stage)
            except (KeyboardInterrupt, SystemExit):
                hurry = True
                self.say("not waiting any longer")
            for child in stage:
                self._forget(child)
                if child.process is not None:
                    child.process.wait()
            self.stages.pop()


def stop_together(stage: list[Child]) -> None:
    """Ask each to stop; wait as long as the most patient one allows."""
    for child in stage:
        child.ask_to_stop()
    asked = time.monotonic()
    while True:
        late = time.monotonic() - asked
        if not any(child.runs() and late < child.patience for child in stage):
            return
        time.sleep(0.05)


def how_it_ended(code: int | None) -> str:
    """In words: `exited with 1`, `was killed by SIGKILL`."""
    if code is None or code >= 0:
        return f"ended by itself (exit code {code})"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def short(path: Path) -> str:
    """A path as one would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
