"""A forest plot: figures under each other as dot and whiskers on one scale, numbers beside them.

Drawn as SVG by the server, in percent of its width: it needs no script, follows the theme, prints, and is read without
colour. The table that holds it is the numbers behind the plot.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Unit = Literal["number", "percent"]


@dataclass(frozen=True)
class ForestRow:
    """One figure. `at`, `low_at`, `high_at` are places on the scale in percent of its width, None without a value."""

    label: Any
    value: str
    interval: str
    n: int
    n_unit: str
    at: float | None
    low_at: float | None
    high_at: float | None
    undefined_because: str | None
    note: str | None

    @property
    def whisker_length(self) -> float:
        """Percent of the width between the ends of the interval."""
        if self.low_at is None or self.high_at is None:
            return 0.0
        return round(self.high_at - self.low_at, 2)


@dataclass(frozen=True)
class Forest:
    """Rows on a common scale with its ticks, and the place of the line that chance (or no effect) would give."""

    rows: list[ForestRow]
    ticks: list[tuple[float, str]]
    chance_at: float | None
    chance_label: str


def forest(
    figures: Iterable[tuple[Any, Mapping[str, Any]]],
    *,
    unit: Unit = "number",
    chance: float | None = None,
    chance_label: str = "",
) -> Forest:
    """Lay out (label, figure) pairs; a figure has value, low, high, n, undefined_because (`Figure.as_dict`).

    The scale runs from 0 to 1, and further down, by quarters, when an interval does: a kappa can be below chance.
    """
    figures = list(figures)
    lowest = min(
        (figure[key] for _, figure in figures for key in ("value", "low") if figure.get(key) is not None), default=0
    )
    start = 0.0
    while start > lowest and start > -1:
        start -= 0.25
    place = _Scale(start, 1.0)
    step = 0.25 if 1 - start <= 1.25 else 0.5
    ticks = []
    tick = 1.0
    while tick >= start - 1e-9:
        ticks.insert(0, (place.of(tick), text(tick, unit)))
        tick -= step
    return Forest(
        rows=[_row(label, figure, unit, place) for label, figure in figures],
        ticks=ticks,
        chance_at=place.of(chance) if chance is not None else None,
        chance_label=chance_label,
    )


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    def of(self, value: float | None) -> float | None:
        if value is None:
            return None
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)


def _row(label: Any, figure: Mapping[str, Any], unit: Unit, place: _Scale) -> ForestRow:
    low, high = figure.get("low"), figure.get("high")
    bounded = low is not None and high is not None
    return ForestRow(
        label=label,
        value=text(figure["value"], unit) if figure["value"] is not None else "",
        interval=interval_text(low, high, unit) if bounded else "",
        n=figure.get("n", 0),
        n_unit=figure.get("n_unit") or "",
        at=place.of(figure["value"]),
        low_at=place.of(low) if bounded else None,
        high_at=place.of(high) if bounded else None,
        undefined_because=figure.get("undefined_because"),
        note=figure.get("interval_note"),
    )


def text(value: float, unit: Unit = "number") -> str:
    """The value as people read it: `0.42`, `−0.10`, `71 %`."""
    shown = f"{100 * value:.0f} %" if unit == "percent" else f"{value:.2f}"
    if shown.strip("-0.% ") == "":  # no "-0.00"
        shown = shown.lstrip("-")
    return shown.replace("-", "−").replace(" %", "\u00a0%")


def interval_text(low: float, high: float, unit: Unit = "number") -> str:
    """`0.31 to 0.52`, or `65 to 77 %`."""
    if unit == "percent":
        return f"{100 * low:.0f} to {100 * high:.0f}\u00a0%"
    return f"{text(low)} to {text(high)}"
