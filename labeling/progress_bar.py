"""How a long command tells how far it is: a bar on a terminal, now and then a plain line elsewhere."""

import sys
import time
from typing import TextIO

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10.0


class ProgressBar:
    """Rows, rate and time left of each stage, on standard error so that standard output holds only results.

    Call it with a stage, the rows done so far, and how many there are (None if unknown).
    """

    def __init__(self, unit: str = "lines", stream: TextIO | None = None) -> None:
        self.unit = unit
        self.stream = stream or sys.stderr
        self._stage = ""
        self._bar: tqdm | None = None
        self._started = self._told = time.monotonic()

    def __call__(self, stage: str, done: int, of: int | None) -> None:
        if stage != self._stage:
            self._begin(stage, of)
        if self._bar is not None:
            self._bar.total = of
            self._bar.update(done - self._bar.n)
        elif time.monotonic() - self._told >= SECONDS_BETWEEN_LINES:
            self._tell(done, of)

    def close(self) -> None:
        """End the bar, if there is one."""
        if self._bar is not None:
            self._bar.close()

    def _begin(self, stage: str, of: int | None) -> None:
        self.close()
        self._stage = stage
        self._started = self._told = time.monotonic()
        if self.stream.isatty():
            self._bar = tqdm(desc=stage, total=of, unit=f" {self.unit}", file=self.stream, dynamic_ncols=True)

    def _tell(self, done: int, of: int | None) -> None:
        self._told = time.monotonic()
        rate = done / (self._told - self._started)
        share, left = (f" of {of:,}", f", {(of - done) / rate:,.0f} s left") if of and rate else ("", "")
        self.stream.write(f"{self._stage} {done:,}{share} {self.unit}, {rate:,.0f} a second{left}\n")
        self.stream.flush()
