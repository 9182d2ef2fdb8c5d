"""Curves of a training run as plots; `training/static/training/run.js` lets them grow."""

from typing import Any

STAGES = [("reward", "Reward model", "solid"), ("policy", "Policy", "dash")]
PLOTS = [
    ("loss", "Loss falls while it learns; a jump means the learning rate is too high", "Loss", None),
    ("accuracy", "Share of training pairs in each step ordered as people did; dotted is a coin", "Accuracy", [0, 1.02]),
]

# With fewer steps Plotly would put ticks at halves; run.js drops the rule when there are more.
FEW_STEPS = 8


def curve_plots(curves: dict[str, dict[str, list]]) -> list[dict[str, Any]]:
    """One plot a measure with one trace a stage; each trace names its stage in `meta`, each plot its `measure`."""
    return [
        {"id": f"curve-{measure}", "measure": measure, "title": title, "spec": _spec(curves, measure, label, bounds)}
        for measure, title, label, bounds in PLOTS
    ]


def _spec(curves: dict[str, dict[str, list]], measure: str, label: str, bounds: list | None) -> dict[str, Any]:
    traces = []
    for stage, name, dash in STAGES:
        curve = curves.get(stage, {"step": []})
        traces.append(
            {
                "name": name,
                "meta": stage,
                "x": curve["step"],
                "y": curve.get(measure, [None] * len(curve["step"])),
                "mode": "lines+markers",
                "line": {"dash": dash, "width": 2},
                "marker": {"size": 4, "symbol": "circle" if dash == "solid" else "diamond"},
                "connectgaps": False,
            }
        )
    longest = max((len(trace["x"]) for trace in traces), default=0)
    whole = {"dtick": 1} if longest < FEW_STEPS else {}
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": "Step"}, "rangemode": "tozero", **whole},
        "yaxis": {"title": {"text": label}, "rangemode": "tozero", **({"range": bounds} if bounds else {})},
        "hovermode": "x unified",
        "showlegend": True,
        "height": 300,
    }
    if measure == "accuracy":
        layout["yaxis"]["tickformat"] = ".0%"
        layout["shapes"] = [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": 0.5,
                "y1": 0.5,
                "line": {"dash": "dot", "width": 1, "color": "var(--line-strong)"},
            }
        ]
    return {"data": traces, "layout": layout}
