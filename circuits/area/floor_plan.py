"""A floor plan to scale: where each tile, neuron and converter of a die could lie, every block with its true area.

Blocks are what the area model counts, without `routing`: their areas times `routing` are the components of
`circuits.area.estimate`, and the die is their sum. So the space between blocks is the routing. All lengths are whole
nanometres.

From below: converters, memory, control and pads; neurons in rows; tiles in rows. Between these lie channels of one
height. Tiles, neurons and converters of a kind are alike: each is the mean of its kind. A tile at the edge of a matrix
is less full than that, and the buffers and clamps of lines that have no neuron are shared out among the neurons.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from circuits.area.architecture import Architecture
from circuits.area.blocks import NEURON, Block, converter, neuron, soft, tile
from circuits.area.estimate import component_areas
from circuits.area.inventory import Inventory, inventory, n_converters
from circuits.area.networks import Model
from circuits.area.packing import EMPTY, Rectangle, cut, raw_areas, rows_of
from circuits.area.sharing import combine
from circuits.area.technology import Point, Technology
from crossbar.errors import InvalidValue

SOFT = ("memory", "control", "pads")
CONVERTERS = ("dac", "adc")
SIDES = (1e3, 1e9)
"""Smallest and largest side of a die that is drawn, nm."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Equal blocks in rows from a corner (nm), left to right and upwards; the last row may be short."""

    block: Block
    count: int
    columns: int
    x: int
    y: int
    step_x: int
    step_y: int

    @property
    def rows(self) -> int:
        """How many rows, a short one too."""
        return -(-self.count // self.columns)

    def corners(self) -> np.ndarray:
        """Return the lower left corner of every block, (count, 2), nm."""
        row, column = np.divmod(np.arange(self.count), self.columns)
        return np.column_stack([self.x + column * self.step_x, self.y + row * self.step_y])


@dataclass(frozen=True, kw_only=True, slots=True)
class Die:
    """A die of `width` by `height` (nm) with its blocks; `routing` is the whole over the blocks, pads apart."""

    name: str
    width: int
    height: int
    routing: float
    placements: tuple[Placement, ...]

    @property
    def area(self) -> float:
        """The die's area in mm2."""
        return self.width * self.height * 1e-12

    def placement(self, name: str) -> Placement:
        """Return where the blocks `name` are, such as ``"tile"``."""
        return next(one for one in self.placements if one.block.name == name)

    def areas(self) -> dict[str, float]:
        """Return what all boxes of a component measure, routing included as in `circuits.area.estimate`: mm2."""
        found: dict[str, float] = {}
        for one in self.placements:
            for box in one.block.parts:
                factor = 1.0 if box.kind == "pads" else self.routing
                found[box.kind] = found.get(box.kind, 0.0) + 1e-12 * factor * one.count * box.width * box.height
        return found


def dies(model: Model, architecture: Architecture, sharing: str, technology: Technology, node: int) -> tuple[Die, ...]:
    """Return the dies of `model` at the typical point: one a network for two chips, else one.

    Raises
    ------
    InvalidValue
        Blocks without an area; a die smaller than 1 um or larger than 1 m.

    Examples
    --------
    >>> from circuits.area.architecture import Architecture
    >>> from circuits.area.floor_plan import dies
    >>> from circuits.area.networks import paper_model
    >>> from circuits.area.technology import load_technology
    >>> (die,) = dies(paper_model("tdh-vae"), Architecture(), "two-chips", load_technology(), 65)
    >>> die.placement("tile").count, die.placement("neuron").count
    (98, 1686)
    """
    parts = [inventory(plan, architecture) for plan in model.plans]
    point = technology.values("typical")
    if sharing == "two-chips" and not model.tied:
        named = [(f"{model.name} {plan.name}", part) for plan, part in zip(model.plans, parts, strict=True)]
    else:
        named = [(model.name, combine(parts, sharing))]
    return tuple(_die(name, counts, architecture, point, node) for name, counts in named)


def _die(name: str, counts: Inventory, architecture: Architecture, point: Point, node: int) -> Die:
    components = {key: float(area) for key, area in component_areas(counts, architecture, point, node).items()}
    total, raw = 1e12 * sum(components.values()), raw_areas(components, point)
    if not total > 0:
        raise InvalidValue("a floor plan needs blocks with an area, but all of them have none")
    if not SIDES[0] <= math.sqrt(total) <= SIDES[1]:
        raise InvalidValue(
            f"a die must have a side of 1 um to 1 m, but {name} has one of {1e-6 * math.sqrt(total):.3g} mm: "
            "give other areas with --technology"
        )
    pitch = 1e3 * math.sqrt(float(point.area(f"cell_{architecture.cell}", node)))
    crossbar = tile(raw, counts.tiles, pitch)
    width, height, empty = _outline(total, raw, counts, crossbar)
    n_converters_of = {
        "dac": int(n_converters(counts.dac_lines, point["lines_per_dac"])),
        "adc": int(n_converters(counts.adc_lines, point["lines_per_adc"])),
    }
    strips = [
        *_periphery(raw, n_converters_of, width),
        *_neurons(raw, counts.n_neurons, width, empty),
        *_tiles(crossbar, counts.tiles.n_tiles, width),
    ]
    return _stacked(name, strips, width, height, float(point["routing"]))


def _outline(total: float, raw: Mapping[str, float], counts: Inventory, crossbar: Block) -> tuple[int, int, float]:
    """Return width and height (nm) of the die, the most square one that all rows fit in, and the share left empty.

    Tried are widths of so many tiles, and, where tiles are small, any from half to twice the root of the area.
    """
    root, n_tiles = math.sqrt(total), counts.tiles.n_tiles
    widths = [root * 2 ** (step / 10) for step in range(-10, 11)]
    widths += [float(crossbar.width * number) for number in range(1, n_tiles + 1)]
    fitting = []
    for empty in (EMPTY, 0.0):
        for width in widths:
            if width >= crossbar.width and _height(raw, counts, crossbar, width, empty) <= total / width:
                fitting.append((abs(math.log(width / root)), width, empty))
        if fitting:
            break
    _, width, empty = min(fitting, default=(0.0, float(max(crossbar.width * n_tiles, 1)), 0.0))
    return round(width), round(total / width), empty


def _height(raw: Mapping[str, float], counts: Inventory, crossbar: Block, width: float, empty: float) -> float:
    """Return the height (nm) that all rows need without channels at a die `width` nm wide."""
    below = 1e6 * sum(raw[name] for name in (*SOFT, "dacs", "adcs")) / width
    area = 1e6 * sum(raw[name] for name in NEURON)
    columns, rows = rows_of(counts.n_neurons, width**2 / area, empty) if area > 0 else (1, 1)
    per_row = min(counts.tiles.n_tiles, int(width // max(crossbar.width, 1)))
    tiles = crossbar.height * -(-counts.tiles.n_tiles // per_row)
    return below + area / width * columns * rows / max(counts.n_neurons, 1) + tiles


def _periphery(raw: Mapping[str, float], converters: Mapping[str, int], width: int) -> list[Placement]:
    """Return the strip of converters, memory, control and pads, which fills the die's width without a gap."""
    areas = {"dac": raw["dacs"], "adc": raw["adcs"]} | {name: raw[name] for name in SOFT}
    total = 1e6 * sum(areas.values())
    room = Rectangle(x=0, y=0, width=width, height=total / width)
    placed = []
    for name, within in cut(areas, room).items():
        x, y = round(within.x), round(within.y)
        right, top = round(within.x + within.width), round(within.y + within.height)
        if name in SOFT:
            block = soft(name, right - x, top - y)
            placed.append(
                Placement(block=block, count=1, columns=1, x=x, y=y, step_x=block.width, step_y=block.height)
            )
            continue
        count = converters[name]
        columns, rows = rows_of(count, max(right - x, 1) / max(top - y, 1), 0.0)
        block = converter(name, (right - x) // columns, (top - y) // rows)
        placed.append(
            Placement(block=block, count=count, columns=columns, x=x, y=y, step_x=block.width, step_y=block.height)
        )
    return placed


def _neurons(raw: Mapping[str, float], count: int, width: int, empty: float) -> list[Placement]:
    area = 1e6 * sum(raw[name] for name in NEURON)
    if count == 0 or area == 0:
        return []
    columns, _ = rows_of(count, width**2 / area, empty)
    step = max(1, width // columns)
    block = neuron({name: 1e6 * raw[name] / count for name in NEURON}, step)
    return [Placement(block=block, count=count, columns=columns, x=0, y=0, step_x=step, step_y=block.height)]


def _tiles(crossbar: Block, count: int, width: int) -> list[Placement]:
    if count == 0 or crossbar.width == 0:
        return []
    per_row = max(1, min(count, width // crossbar.width))
    step = max(crossbar.width, width // per_row)
    return [Placement(block=crossbar, count=count, columns=per_row, x=0, y=0, step_x=step, step_y=crossbar.height)]


def _stacked(name: str, strips: Sequence[Placement], width: int, height: int, routing: float) -> Die:
    """Return the die with its rows one above the other: what height is left goes in equal channels between them.

    Neurons stand in one field without channels: there is one below it, and one below every row of tiles.
    """
    below = [one for one in strips if one.block.name in (*CONVERTERS, *SOFT)]
    above = [one for one in strips if one not in below]
    y = max((one.y + one.rows * one.step_y for one in below), default=0)
    rows = sum(one.rows if one.block.name == "tile" else 1 for one in above)
    left = height - y - sum(one.rows * one.step_y for one in above)
    gap = max(0, left) // max(rows, 1)
    placed = list(below)
    for one in above:
        step = one.step_y + (gap if one.block.name == "tile" else 0)
        placed.append(replace(one, y=y + gap, step_y=step))
        y = placed[-1].y + (one.rows - 1) * step + (one.block.height if one.block.name == "tile" else one.step_y)
    right = max((one.x + (one.columns - 1) * one.step_x + one.block.width for one in placed), default=width)
    top = max((one.y + (one.rows - 1) * one.step_y + one.block.height for one in placed), default=height)
    return Die(name=name, width=max(width, right), height=max(height, top), routing=routing, placements=tuple(placed))
