"""A number as Luce shows it: with its interval, what it counts, and why it is undefined when it is."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One statistic.

    value: the estimate, or None when it is undefined; `undefined_because` then says why.
    low, high: 95 % interval, or None; `interval_note` says why there is none, or how to read it.
    n: how many things the value rests on; n_unit names them ("pairs of judgments").
    method: name and source of the formula.
    clusters: how many prompts (the unit of resampling) the interval rests on.
    units: how many compared pairs of completions the value rests on, where that is not n itself.

    Raises ValueError when a number in it is NaN or infinite, or when value and reason contradict each other.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    undefined_because: str | None
    method: str
    n_unit: str = ""
    units: int | None = None
    clusters: int | None = None
    interval_note: str | None = None

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise ValueError(f"Figure.{name} is {number}; use None and give the reason.")
        if (self.value is None) == (self.undefined_because is None):
            raise ValueError("A Figure has either a value or a reason why it is undefined.")

    def as_dict(self) -> dict[str, float | int | str | None]:
        """JSON form: value, low, high, n, undefined_because, and how to read them."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "undefined_because": self.undefined_because,
            "n_unit": self.n_unit,
            "units": self.units,
            "clusters": self.clusters,
            "interval_note": self.interval_note,
            "method": self.method,
        }


def undefined(because: str, *, method: str, n: int = 0, n_unit: str = "") -> Figure:
    """A figure without a value, and the reason in words a lead understands."""
    return Figure(None, None, None, n, because, method, n_unit=n_unit)
