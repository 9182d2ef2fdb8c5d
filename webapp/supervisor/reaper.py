"""Ends the tree if the supervisor itself is killed, which no handler can see (kill -9, out of memory).

The reaper reads its standard input, a pipe whose other end only the supervisor holds. The supervisor writes a line
for every child it starts (`+PID`) or has seen end (`-PID`). When the pipe closes, whatever the reason, the reaper
ends the process groups that are left: SIGTERM, then SIGKILL after `PATIENCE` seconds. It also holds the supervisor's
lock until then, so that the next start waits for the last child of this one. It imports nothing of Luce.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import IO

PATIENCE = 8.0


class Reaper:
    """The supervisor's end of the pipe."""

    def __init__(self, lock: IO[str] | None = None) -> None:
        read_end, self.pipe = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-E", __file__],
            stdin=read_end,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(lock.fileno(),) if lock else (),
        )
        os.close(read_end)

    def tell(self, sign: str, pid: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self.pipe, f"{sign}{pid}\n".encode())

    def dismiss(self) -> None:
        """All children are gone: the reaper has nothing to do and ends."""
        os.close(self.pipe)
        self.process.wait()


def signal_groups(groups: set[int], number: int) -> set[int]:
    """Signal each process group; return those that still have a process."""
    left = set()
    for group in groups:
        try:
            os.killpg(group, number)
            left.add(group)
        except (ProcessLookupError, PermissionError):
            pass
    return left


def end_groups(groups: set[int], patience: float = PATIENCE) -> None:
    left = signal_groups(groups, signal.SIGTERM)
    end = time.monotonic() + patience
    while left and time.monotonic() < end:
        time.sleep(0.1)
        left = signal_groups(left, 0)
    signal_groups(left, signal.SIGKILL)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            groups.add(pid)
        else:
            groups.discard(pid)
    end_groups(groups)


if __name__ == "__main__":
    main()
