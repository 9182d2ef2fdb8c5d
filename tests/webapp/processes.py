"""Real processes for the supervisor's tests, and a look at which of them are left."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent

# Holds a tree of three: a parent with a child of its own, and a stubborn one that ignores SIGTERM.
SUPERVISOR = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from webapp.supervisor.child import Child
from webapp.supervisor.claims import claim_folder, sign
from webapp.supervisor.refusal import Refusal
from webapp.supervisor.tree import Tree
import os, signal

def stop(*_):
    raise SystemExit(0)

signal.signal(signal.SIGTERM, stop)
folder = Path({folder!r})
parent = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
parent += "time.sleep(600)"
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); "
stubborn += "time.sleep(600)"
try:
    lock = claim_folder(folder, patience=15)
except Refusal as refusal:
    print(refusal, flush=True)
    sys.exit(1)
sign(lock, os.getpid())
try:
    with Tree(lambda text: print(text, flush=True), lock) as tree:
        tree.start(Child("parent", [sys.executable, "-c", parent], folder / "parent.log", patience=3))
        tree.start(Child("stubborn", [sys.executable, "-c", stubborn], folder / "stubborn.log", patience=1))
        while "deaf" not in (folder / "stubborn.log").read_text():
            time.sleep(0.05)
        print("up", flush=True)
        while True:
            tree.watch()
            time.sleep(0.1)
except SystemExit:
    print("stopped", flush=True)
"""


@contextmanager
def supervisor(folder: Path, *, wait: bool = True) -> Iterator[subprocess.Popen[str]]:
    """A supervisor of three processes in a process of its own; killed at the end if it still runs."""
    script = SUPERVISOR.format(root=str(ROOT), folder=str(folder))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        if wait:
            assert process.stdout.readline().strip() == "up"
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def eventually(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
