"""One process of the tree, in a session of its own, with its log."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
LOG_BYTES = 10_000_000


@dataclass
class Child:
    """What to run and how to end it.

    `patience` is how many seconds it gets between the polite signal and SIGKILL; `niceness` gives way to the others;
    `pass_fds` are inherited. `log` gets standard output and error.
    """

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float = 8.0
    niceness: int = 0
    pass_fds: Sequence[int] = ()
    restart: bool = True
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    crashes: int = 0

    def start(self) -> None:
        rotate(self.log)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                pass_fds=tuple(self.pass_fds),
                # Its own session: Ctrl-C in the terminal reaches the supervisor alone, which ends things in order.
                start_new_session=True,
                preexec_fn=self._before_exec(),
            )
        self.started = time.monotonic()

    def _before_exec(self) -> Callable[[], None]:
        # loaded here: between fork and exec nothing may be imported
        libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

        def prepare() -> None:
            if libc is not None:
                libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if self.niceness:
                os.nice(self.niceness)

        return prepare

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def exit_code(self) -> int | None:
        """None while it runs or before it was started."""
        return self.process.poll() if self.process else None

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal_group(self, number: int) -> None:
        """Signal the child and all it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def ask_to_stop(self) -> None:
        """The polite signal, to the child alone: it stops its own."""
        if self.runs():
            self.process.send_signal(signal.SIGTERM)

    def last_words(self, lines: int = 1) -> str:
        """The end of its log, for a line on the terminal."""
        with contextlib.suppress(OSError), self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 4000))
            said = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
            return " / ".join(said[-lines:])[:300]
        return ""


def rotate(log: Path, limit: int = LOG_BYTES) -> None:
    """Keep a log and the one before it, each about `limit` bytes: copy and empty, so that writers keep their file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > limit:
            log.with_suffix(log.suffix + ".1").write_bytes(log.read_bytes())
            os.truncate(log, 0)
