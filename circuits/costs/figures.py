"""Pictures of an area study: stacked bars, ratios, floor plan, tornado, Frechet distance against area."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from circuits.area.estimate import COMPONENTS, AreaEstimate, Interval
from circuits.area.floor_plan import Die
from circuits.area.sensitivity import Swing
from circuits.costs.merits import Merit, pareto_front

COLORS = dict(
    zip(
        COMPONENTS,
        ("#1b4965", "#2e7da6", "#7cb7d6", "#b5541c", "#e08e45", "#f2c48d", "#d9a5a0", "#8f6bb1", "#c9b3dd", "#5e4b8b",
         "#3c7a57", "#7bb58f", "#c7dfcd", "#808080", "#bfbfbf"),
        strict=True,
    )
)  # fmt: skip
BLOCK_COLORS = {
    "tile": "#2e7da6", "neuron": "#e08e45", "adc": "#7bb58f", "dac": "#3c7a57", "memory": "#c7dfcd",
    "control": "#808080", "pads": "#bfbfbf",
}  # fmt: skip
TIED, UNTIED = "#b5541c", "#2e7da6"
MM = 1e-6  # nm


def save(figure: Figure, path: Path) -> Path:
    """Write `figure` to a PNG file without date or program version, so that equal figures are equal files."""
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    return path


def component_bars(estimates: Mapping[str, AreaEstimate], title: str) -> Figure:
    """Return stacked bars of the typical component areas, with the 5-95 % interval of the total."""
    figure = Figure(figsize=(1.6 + 1.5 * max(len(estimates), 3), 4.6), layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(len(estimates))
    bottom = np.zeros(len(estimates))
    for name in COMPONENTS:
        heights = np.array([found.components[name].typical for found in estimates.values()])
        if heights.any():
            axes.bar(places, heights, 0.6, bottom=bottom, color=COLORS[name], label=name.replace("_", " "))
        bottom += heights
    totals = [found.total for found in estimates.values()]
    reach = [[total.typical - total.p5 for total in totals], [total.p95 - total.typical for total in totals]]
    axes.errorbar(places, bottom, yerr=np.maximum(reach, 0), fmt="none", ecolor="black", capsize=4)
    axes.set_xticks(places, [Path(name).name for name in estimates], parse_math=False)
    axes.set(ylabel="area (mm²), typical; bar: 5-95 %", title=title)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right center", frameon=False, fontsize=8)
    _clean(axes)
    return figure


def ratio_intervals(ratios: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """Return tied/untied ratios with 5-95 % intervals: a panel a comparison, a row an accounting."""
    names = list(next(iter(ratios.values())))
    figure = Figure(figsize=(2.1 + 2.1 * len(names), 4.2), layout="constrained")
    panels = figure.subplots(1, len(names), sharey=True, sharex=True, squeeze=False)[0]
    rows = np.arange(len(ratios))[::-1]
    for axes, name in zip(panels, names, strict=True):
        row = [found[name] for found in ratios.values()]
        middle = np.array([interval.p50 for interval in row])
        reach = np.abs([[interval.p5, interval.p95] for interval in row] - middle[:, None]).T
        axes.axvline(0.5, color="black", linewidth=1, linestyle="--")
        axes.errorbar(middle, rows, xerr=reach, fmt="o", color=TIED, capsize=3, markersize=4)
        for place, interval in zip(rows, row, strict=True):
            label = f"{interval.p50:.2f}"
            text = axes.annotate(label, (interval.p95, place), textcoords="offset points", xytext=(5, -3), size=8)
            text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})
        axes.set_title(name.replace(" / ", " /\n").replace(", ", ",\n"), fontsize=9, parse_math=False)
        axes.set_yticks(rows, list(ratios))
        axes.margins(x=0.15)
        _clean(axes)
    figure.supxlabel("tied area / untied area, median and 5-95 % (dashed: half)", fontsize=9)
    return figure


def floor_plans(rows: Mapping[str, Sequence[Die]]) -> Figure:
    """Return the dies of every model side by side, all to one scale."""
    every = [die for found in rows.values() for die in found]
    gap = 0.12 * max(die.width for die in every) * MM
    width = sum(die.width * MM + gap for die in every)
    height = max(die.height for die in every) * MM
    figure = Figure(figsize=(10, 10 * (height + 5 * gap) / width), layout="constrained")
    axes = figure.add_subplot()
    x = 0.0
    for die in every:
        _draw_die(axes, die, x)
        x += die.width * MM + gap
    axes.plot([0, 1], [-2.4 * gap] * 2, color="black", linewidth=3)
    axes.annotate("1 mm", (0.5, -2.3 * gap), ha="center", va="bottom", fontsize=8)
    drawn = {one.block.name for die in every for one in die.placements}
    for name in (name for name in BLOCK_COLORS if name in drawn):
        axes.add_patch(Rectangle((0, 0), 0, 0, color=BLOCK_COLORS[name], label=name))
    axes.legend(loc="lower right", ncols=6, frameon=False, fontsize=8)
    axes.set(xlim=(-gap / 2, x), ylim=(-3 * gap, height + gap), aspect="equal")
    axes.axis("off")
    return figure


def _draw_die(axes: Axes, die: Die, x: float) -> None:
    for one in die.placements:
        size = one.block.width * MM, one.block.height * MM
        boxes = [Rectangle((x + corner[0] * MM, corner[1] * MM), *size) for corner in one.corners()]
        color = BLOCK_COLORS[one.block.name]
        axes.add_collection(PatchCollection(boxes, facecolor=color, edgecolor="white", linewidth=0.2))
    whole = (die.width * MM, die.height * MM)
    axes.add_patch(Rectangle((x, 0), *whole, fill=False, edgecolor="black", linewidth=1))
    label = f"{die.name}\n{die.area:.1f} mm²"
    below: dict[str, Any] = {
        "xytext": (0, -4),
        "textcoords": "offset points",
        "ha": "center",
        "va": "top",
        "size": 7,
        "parse_math": False,
    }
    axes.annotate(label, (x + die.width * MM / 2, 0), **below)


def tornado(panels: Mapping[str, tuple[float, Sequence[Swing]]], shown: int = 12) -> Figure:
    """Return a panel of the widest swings for each quantity: {label: (typical value, swings)}."""
    figure = Figure(figsize=(5.4 * len(panels), 4.4), layout="constrained")
    places = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (label, (typical, found)) in zip(places, panels.items(), strict=True):
        widest = found[:shown][::-1]
        for place, swing in enumerate(widest):
            axes.barh(place, swing.low - typical, left=typical, color=UNTIED, height=0.6)
            axes.barh(place, swing.high - typical, left=typical, color=TIED, height=0.6)
        axes.axvline(typical, color="black", linewidth=1)
        axes.set_yticks(range(len(widest)), [swing.parameter.replace("_", " ") for swing in widest], fontsize=8)
        axes.set_title(label, fontsize=10, parse_math=False)
        _clean(axes)
    figure.supxlabel("one parameter at a time: low (blue) and high (orange) value, all others typical", fontsize=9)
    return figure


def pareto(merits: Sequence[Merit]) -> Figure:
    """Return the Frechet distance of every run against the area of its chip, with the front of undominated runs."""
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.add_subplot()
    for merit in merits:
        marker, color = ("o", TIED) if merit.evaluation.model.tied else ("s", UNTIED)
        distance = merit.evaluation.frechet_distance
        reach = [[merit.area - merit.low], [merit.high - merit.area]]
        axes.errorbar(merit.area, distance, xerr=reach, fmt=marker, color=color, capsize=3, markersize=5)
        label = f"{merit.evaluation.name}\nSSE/2 {merit.evaluation.sse_half:.1f}"
        axes.annotate(
            label, (merit.area, distance), xytext=(5, 4), textcoords="offset points", size=7, parse_math=False
        )
    front = pareto_front(merits)
    axes.step([merit.area for merit in front], [merit.evaluation.frechet_distance for merit in front],
              where="post", color="black", linewidth=0.8, linestyle="--", zorder=0)  # fmt: skip
    axes.set(xlabel="area (mm²), median and 5-95 %", ylabel="Frechet distance", title="tied: circles, untied: squares")
    axes.margins(y=0.15)
    _clean(axes)
    return figure


def _clean(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
