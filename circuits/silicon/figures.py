"""The picture of a cell: its curve beside the law, what it misses, its corners and its spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from circuits.silicon.study import Study

STYLE: dict[Any, Any] = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "hopbar"}
WARM, PLAIN, COLD = "#cc3311", "#222222", "#4477aa"
MANY = 20  # cells of the spread that are drawn


def draw(found: Study, name: str, path: Path) -> Path:
    """Draw the cell `name` of a study to `path`, as SVG, PNG or PDF by its ending."""
    nominal, conditions = found.corners[0].curves[name], found.conditions
    state = nominal.volts / conditions.scale
    cell, spread = nominal.cell, found.spreads[name]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 2.9), layout="constrained")
        curve, error, every = figure.subplots(1, 3)
        fitted = cell.current(nominal.volts, nominal.amplitude, nominal.gain, nominal.offset)
        curve.plot(state, fitted, color=COLD, label="law")
        curve.plot(state[::6], nominal.current[::6], "o", ms=3, color=PLAIN, label="transistors")
        curve.set(title=f"{name}: output / tail current", xlabel="state", ylim=(0, None))
        curve.legend(frameon=False)
        error.plot(state, 100 * nominal.error, color=PLAIN)
        error.axhline(0, color="#bbbbbb", lw=0.8, zorder=0)
        error.set(title="transistors less law, % of full scale", xlabel="state")
        for fits in list(zip(spread.amplitude, spread.gain, spread.offset, strict=True))[:MANY]:
            every.plot(state[::3], cell.current(nominal.volts[::3], *fits), color="#dddddd", lw=0.8, zorder=0)
        for one in found.corners[1:]:
            colour = {0.0: COLD, 70.0: WARM}.get(one.conditions.temperature, PLAIN)
            every.plot(state[::2], one.curves[name].current[::2], color=colour, lw=0.7)
        every.set(title="corners (0 C blue, 70 C red), mismatch", xlabel="state", ylim=(0, None))
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=150, metadata=metadata)
    return path


def draw_all(found: Study, folder: Path) -> list[Path]:
    """Draw every cell of a study into `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return [draw(found, name, folder / f"silicon-{name}.svg") for name in found.spreads]


def draw_images(rows: Mapping[str, Sequence[np.ndarray]], shape: tuple[int, int], path: Path) -> Path:
    """Draw rows of images, (pixels,) from -1 to 1 each, with their titles, to `path`."""
    columns = max(len(row) for row in rows.values())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.1 * columns + 1.6, 1.05 * len(rows)), layout="constrained")
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for line, (title, row) in zip(axes, rows.items(), strict=True):
            line[0].set_ylabel(title, rotation=0, ha="right", va="center")
            for place, axis in enumerate(line):
                axis.set(xticks=[], yticks=[])
                axis.spines[:].set_visible(False)
                if place < len(row):
                    axis.imshow(np.reshape(row[place], shape), cmap="gray", vmin=-1, vmax=1)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=150, metadata=metadata)
    return path
