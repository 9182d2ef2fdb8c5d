"""A small disk that can be filled, and what a site does on it."""

import contextlib
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.faults.afterwards import assert_nothing_was_lost
from tests.faults.clients import GaveUp, Ledger, rank_together, wait_for
from tests.faults.site import Breakable, web_alone

PEOPLE, OVERLAP = 4, 2


class SmallDisk:
    """A file system of its own in memory, where we may mount one; else a limit on the size of a process's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "luce-faults", str(folder)]
        try:
            self.mounted = subprocess.run(mount, capture_output=True).returncode == 0
        except FileNotFoundError:
            self.mounted = False

    def fill(self, here: Breakable) -> None:
        if not self.mounted:
            return self._limit(here, largest=(self.folder / "luce.sqlite3-wal").stat().st_size)
        with contextlib.suppress(OSError), (self.folder / "ballast").open("wb", buffering=0) as ballast:
            for size in (2**20, 2**12):
                with contextlib.suppress(OSError):
                    while True:
                        ballast.write(b"\0" * size)
        return None

    def make_room(self, here: Breakable) -> None:
        if self.mounted:
            (self.folder / "ballast").unlink()
        else:
            self._limit(here, largest=resource.RLIM_INFINITY)

    @staticmethod
    def _limit(here: Breakable, largest: int) -> None:
        for process in psutil.Process(here.server.pid).children(recursive=True):
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (largest, hard))


@contextmanager
def small_disk() -> Iterator[SmallDisk]:
    with tempfile.TemporaryDirectory(prefix="luce-small-disk-") as name:
        disk = SmallDisk(Path(name))
        try:
            yield disk
        finally:
            if disk.mounted:
                subprocess.run(["umount", name], check=True)


def rank_on_a_full_disk(judgments: int, seed: int, refusals: int = 20) -> dict[str, Any]:
    """Fill the disk while people rank, until so many requests were refused; make room; look what is there."""
    start = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="luce-faults-"))
    ledger, size = Ledger(), (judgments // OVERLAP, PEOPLE, OVERLAP)
    with small_disk() as disk, web_alone(folder, f"sqlite:///{disk.folder}/luce.sqlite3", *size) as here:
        people = rank_together(here, "faults", ledger, seed)
        wait_until(lambda: len(ledger.acknowledged) > judgments // 10, ledger)
        disk.fill(here)
        wait_until(lambda: ledger.happened["status 507"] >= refusals, ledger)
        stored_while_full = len(ledger.acknowledged)
        disk.make_room(here)
        wait_for(people, 120)
        result = assert_nothing_was_lost(here, "faults", ledger)
    statuses = {name: count for name, count in ledger.happened.items() if name.startswith("status")}
    return {
        "disk": "tmpfs" if disk.mounted else "file size limit", **result, "stored_when_full": stored_while_full,
        "statuses": statuses, "said": ledger.said, "seconds": round(time.monotonic() - start, 1),
    }  # fmt: skip


def wait_until(condition: Any, ledger: Ledger, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise GaveUp(f"It did not come to that in time: {dict(ledger.happened)} {ledger.said[-3:]}")
        time.sleep(0.01)
