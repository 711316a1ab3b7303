"""Pictures and the page of what wires cost: heat maps over tile size and resistance, and a map of the tiles."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from hvae.reports import figures
from hvae.wires.study import Losses

QUANTITIES = {
    "current_lost": "current lost by a tile (mean)",
    "weight_error": "error of a tile's weights (mean)",
    "sse_half": "SSE/2",
    "frechet_distance": "Frechet distance",
}
COLUMNS = (
    "tile", "ohm", "compensation", "current_lost", "current_lost_worst", "weight_error", "weight_error_worst",
    "asymmetry", "sse_half", "kl", "frechet_distance", "unsettled",
)  # fmt: skip


def heat_maps(found: Losses, title: str) -> Figure:
    """Draw one row a compensation and one map a quantity: resistance to the right, tile size upwards."""
    names = list(dict.fromkeys(cell["compensation"] for cell in found.cells))
    figure = Figure(figsize=(3.9 * len(QUANTITIES), 0.8 + 2.7 * len(names)), layout="constrained")
    figure.suptitle(title)
    axes = np.atleast_2d(figure.subplots(len(names), len(QUANTITIES), squeeze=False))
    for column, (key, label) in enumerate(QUANTITIES.items()):
        values = [cell[key] for cell in found.cells] + ([found.ideal[key]] if key in found.ideal else [])
        norm = _norm(values)
        for row, name in enumerate(names):
            _heat_map(axes[row, column], [cell for cell in found.cells if cell["compensation"] == name], key, norm)
            if column == 0:
                axes[row, column].set_ylabel(f"{name}\ntile")
        ideal = f"\nwithout wires: {found.ideal[key]:.4g}" if key in found.ideal else ""
        axes[0, column].set_title(label + ideal, fontsize=10)
        axes[-1, column].set_xlabel("ohm per segment")
    return figure


def tile_maps(maps: Mapping[tuple[int, float], np.ndarray], compensation: str, size: int, shared: bool) -> Figure:
    """Draw for each tile size where on the chip current is lost, at the largest resistance."""
    ohm = max(resistance for _, resistance in maps)
    chosen = {tile: places for (tile, resistance), places in maps.items() if resistance == ohm}
    figure = Figure(figsize=(3.4 * len(chosen) + 1, 3.6), layout="constrained")
    figure.suptitle(f"Share of its current that each tile loses at {ohm:.3g} ohm per segment ({compensation})")
    axes = figure.subplots(1, len(chosen), squeeze=False)[0]
    worst = max(float(1 - places[:, 2].min()) for places in chosen.values())
    for one, (tile, places) in zip(axes, sorted(chosen.items()), strict=True):
        count = -(-size // tile)
        grid = np.full((count, count), np.nan)
        rows, columns = (places[:, :2] // tile).astype(int).T
        grid[rows, columns] = 1 - places[:, 2]
        if shared:
            grid[columns, rows] = 1 - places[:, 2]
        image = one.imshow(grid, vmin=0, vmax=worst or 1, cmap="viridis", extent=(0, size, size, 0))
        one.set_title(f"tiles of {tile}", fontsize=10)
        one.set_xlabel("neuron that is driven")
    axes[0].set_ylabel("neuron that drives")
    figure.colorbar(image, ax=list(axes), shrink=0.8)
    return figure


def draw(found: Losses, facts: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the heat maps and the map of tiles as PNG and SVG, and the page; return the paths."""
    title = f"{facts['model']} through wires ({facts['symmetry']} devices, {facts['n_images']} images)"
    shared = facts["symmetry"] == "shared"
    drawn = {
        "wires": heat_maps(found, title),
        "tiles": tile_maps(found.maps, found.cells[0]["compensation"], facts["neurons"], shared),
    }
    paths = [path for stem, figure in drawn.items() for path in figures.save(figure, folder / stem)]
    pictures = [(path.stem, base64.b64encode(path.read_bytes()).decode()) for path in paths if path.suffix == ".png"]
    environment = jinja2.Environment(loader=jinja2.PackageLoader("hvae"), autoescape=True)
    page = environment.get_template("wires.html.j2").render(
        title=title, facts=facts, ideal=found.ideal, columns=COLUMNS, pictures=pictures,
        rows=[[_shown(cell[column]) for column in COLUMNS] for cell in found.cells],
    )  # fmt: skip
    (folder / "wires.html").write_text(page, encoding="utf-8")
    return [*paths, folder / "wires.html"]


def _norm(values: Sequence[float]) -> Normalize:
    low, high = min(values), max(values)
    if low > 0 and high > 3 * low:
        return LogNorm(low, high)
    return Normalize(min(low, 0) if low < 0 else low, high if high > low else low + 1)


def _heat_map(axes: Axes, cells: Sequence[Mapping[str, Any]], key: str, norm: Normalize) -> None:
    tiles, ohms = (sorted({cell[name] for cell in cells}) for name in ("tile", "ohm"))
    grid = np.full((len(tiles), len(ohms)), np.nan)
    for cell in cells:
        grid[tiles.index(cell["tile"]), ohms.index(cell["ohm"])] = cell[key]
    axes.imshow(grid, origin="lower", aspect="auto", cmap="viridis", norm=norm)
    for (row, column), value in np.ndenumerate(grid):
        if np.isnan(value):
            continue
        colour = "black" if norm(value) > 0.6 else "white"
        axes.text(column, row, _shown(float(value)), ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(ohms)), [f"{ohm:.3g}" for ohm in ohms])
    axes.set_yticks(range(len(tiles)), [str(tile) for tile in tiles])


def _shown(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
