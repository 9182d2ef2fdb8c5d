"""The threads of PyTorch in a worker sleep while they wait, or a run stands still beside other load."""

import os
import subprocess
import sys
from pathlib import Path

from tests.absent import absent

ROOT = Path(__file__).resolve().parent.parent.parent
SHOW = "import webapp.celery, torch; torch.ones(512, 512) @ torch.ones(512, 512)"


def openmp(**environment: str) -> str:
    """What OpenMP itself says of its spinning."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        env={**clean, "OMP_DISPLAY_ENV": "VERBOSE", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    if "GOMP_SPINCOUNT" not in done.stderr:
        absent("This PyTorch's OpenMP does not say what it was told; nothing can be read of its spinning.")
    return next(line for line in done.stderr.splitlines() if "GOMP_SPINCOUNT" in line)


def test_they_sleep_unless_the_operator_says_otherwise() -> None:
    assert "'0'" in openmp(), "rounds of spinning before a thread sleeps"
    assert "'0'" not in openmp(OMP_WAIT_POLICY="ACTIVE")
