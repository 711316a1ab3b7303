"""A floor plan to scale: where tiles, neurons and periphery of a die could lie, every rectangle with its true area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from circuits.area.architecture import Architecture
from circuits.area.estimate import component_areas
from circuits.area.inventory import Inventory, inventory
from circuits.area.networks import Model
from circuits.area.sharing import combine
from circuits.area.technology import Technology

TILES = ("cells", "line_ends", "partial_sums")
NEURONS = ("neuron_cores", "capacitors", "buffers", "output_stages", "clamps", "role_selects", "multiplexers")


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle on a die, in mm from the die's lower left corner, and what it holds."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Die:
    """A square die of side `side` (mm) with its boxes."""

    name: str
    side: float
    boxes: tuple[Box, ...]


def dies(model: Model, architecture: Architecture, sharing: str, technology: Technology, node: int) -> tuple[Die, ...]:
    """Return the dies of `model` at the typical point: one a network for two chips, else one."""
    parts = [inventory(plan, architecture) for plan in model.plans]
    point = technology.values("typical")
    if sharing == "two-chips" and not model.tied:
        named = [(f"{model.name} {plan.name}", part) for plan, part in zip(model.plans, parts, strict=True)]
    else:
        named = [(model.name, combine(parts, sharing))]
    return tuple(_die(name, counts, component_areas(counts, architecture, point, node)) for name, counts in named)


def _die(name: str, counts: Inventory, component: Mapping[str, np.ndarray]) -> Die:
    areas = {key: float(area) for key, area in component.items()}
    total = sum(areas.values())
    side = float(np.sqrt(total))
    tiles = sum(areas[key] for key in TILES)
    neurons = sum(areas[key] for key in NEURONS)
    heights = [(total - tiles - neurons) / side, neurons / side]
    periphery = Box(x=0, y=0, width=side, height=heights[0], kind="periphery")
    row = Box(x=0, y=heights[0], width=side, height=heights[1], kind="neurons")
    grid = _tile_grid(counts.tiles.n_tiles, side, tiles, sum(heights))
    return Die(name=name, side=side, boxes=(periphery, row, *grid))


def _tile_grid(n_tiles: int, width: float, area: float, bottom: float) -> list[Box]:
    """Return `n_tiles` boxes of equal area that fill `area` above `bottom`, in rows of nearly square tiles."""
    n_rows = max(1, round(np.sqrt(n_tiles * area / width**2)))
    boxes, y = [], bottom
    for row in np.array_split(np.arange(n_tiles), n_rows):
        height = area * len(row) / n_tiles / width
        step = width / len(row)
        boxes += [Box(x=step * at, y=y, width=step, height=height, kind="tile") for at in range(len(row))]
        y += height
    return boxes
