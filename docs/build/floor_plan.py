"""Drawing of a floor plan, `hopbar area MODEL --gds FILE`: `python docs/build/floor_plan.py FILE docs/pictures`."""

from __future__ import annotations

import sys
from pathlib import Path

import gdstk
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from circuits.area.gds import LAYERS
from circuits.costs.figures import COLORS, save

BORDER = {"die": 0.05, "tile": 0.4, "neuron": 0.4}


def main(path: Path, folder: Path) -> None:
    """Draw the first die of the GDS file `path`, one of its tiles and one of its neurons to floor-plan.png."""
    library = gdstk.read_gds(path)
    top = library.top_level()[0]
    cells = {"die": top} | {
        name: next(cell for cell in library.cells if cell.name == f"die1_{name}") for name in ("tile", "neuron")
    }
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    panels = figure.subplots(1, 3, width_ratios=[1.3, 1, 1])
    shown = {kind for axes, (name, cell) in zip(panels, cells.items(), strict=True) for kind in _draw(axes, name, cell)}
    handles = [Patch(color=COLORS[kind], label=kind.replace("_", " ")) for kind in COLORS if kind in shown]
    figure.legend(handles=handles, loc="outside lower center", ncols=7, frameon=False, fontsize=8)
    save(figure, folder / "floor-plan.png")


def _draw(axes: Axes, name: str, cell: gdstk.Cell) -> list[str]:
    shown = []
    for kind, color in COLORS.items():
        polygons = cell.get_polygons(layer=LAYERS[kind], datatype=0)
        if polygons:
            shown.append(kind)
            corners = [polygon.points for polygon in polygons]
            axes.add_collection(PolyCollection(corners, facecolor=color, edgecolor="white", linewidth=BORDER[name]))
    (left, below), (right, above) = np.array(cell.bounding_box())
    axes.set(xlim=(left, right), ylim=(below, above), aspect="equal", xlabel="um")
    axes.set_title(f"{cell.name}\n{right - left:,.1f} x {above - below:,.1f} um", fontsize=9)
    axes.tick_params(labelsize=7)
    return shown


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
