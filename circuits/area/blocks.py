"""The blocks of a floor plan: a tile, a neuron, a converter, each with its parts to scale, in whole nanometres."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from circuits.area.packing import Rectangle, cut
from circuits.area.tiling import TileCount

TILE = ("cells", "line_ends", "partial_sums")
NEURON = ("neuron_cores", "capacitors", "buffers", "output_stages", "clamps", "role_selects", "multiplexers")
COMPONENT = {"dac": "dacs", "adc": "adcs"}
"""What `circuits.area.estimate` calls the component of a converter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle from a block's or a die's lower left corner, nm, and the component that it holds."""

    x: int
    y: int
    width: int
    height: int
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Array:
    """Memory cells of a tile: so many columns and rows at `pitch` nm, from a corner (nm) in the tile."""

    x: int
    y: int
    columns: int
    rows: int
    pitch: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A block and its parts; a tile has an array of cells, and ends of its word lines and of its bit lines."""

    name: str
    width: int
    height: int
    parts: tuple[Box, ...]
    array: Array | None = None
    word_ends: Box | None = None
    bit_ends: Box | None = None


def tile(raw: Mapping[str, float], counts: TileCount, pitch: float) -> Block:
    """Return the mean tile: its crossbar at the cells' own pitch (nm), word lines' ends left of it, bit lines' below.

    `raw` are areas of all tiles, um2. The crossbar has the mean tile's share of columns and rows, and as much area as
    its devices: columns x rows of them, not whole numbers. The array drawn within has whole ones.
    """
    areas = {name: 1e6 * raw[name] / max(counts.n_tiles, 1) for name in TILE}
    if not (areas["cells"] > 0 and pitch > 0):
        side = math.sqrt(sum(areas.values()))
        return _of_parts("tile", areas, round(side), round(side))
    columns, rows = counts.n_tile_columns, counts.n_line_ends - counts.n_tile_columns
    across, up = (math.sqrt(areas["cells"] * ratio) for ratio in (columns / rows, rows / columns))
    of_words = areas["line_ends"] * rows / counts.n_line_ends
    left = of_words / up
    sums, below = (area / (across + left) for area in (areas["partial_sums"], areas["line_ends"] - of_words))
    x, y, y_sums = round(left), round(sums + below), round(sums)
    width, height = round(left + across), round(sums + below + up)
    cells = Box(x=x, y=y, width=width - x, height=height - y, kind="cells")
    words = Box(x=0, y=y, width=x, height=height - y, kind="line_ends")
    bits = Box(x=0, y=y_sums, width=width, height=y - y_sums, kind="line_ends")
    partial_sums = Box(x=0, y=0, width=width, height=y_sums, kind="partial_sums")
    array = Array(x=x, y=y, columns=int((width - x) / pitch), rows=int((height - y) / pitch), pitch=pitch)
    parts = _with_area((cells, words, bits, partial_sums))
    return Block(name="tile", width=width, height=height, parts=parts, array=array, word_ends=words, bit_ends=bits)


def neuron(areas: Mapping[str, float], width: int) -> Block:
    """Return a neuron `width` nm wide with parts of `areas`, nm2."""
    return _of_parts("neuron", areas, width, max(1, round(sum(areas.values()) / width)))


def converter(name: str, width: int, height: int) -> Block:
    """Return the converter `name`, ``"dac"`` or ``"adc"``."""
    return _of_one(name, COMPONENT[name], width, height)


def soft(name: str, width: int, height: int) -> Block:
    """Return a block that takes any shape: memory, control, pads."""
    return _of_one(name, name, width, height)


def _of_one(name: str, kind: str, width: int, height: int) -> Block:
    boxes = (Box(x=0, y=0, width=width, height=height, kind=kind),)
    return Block(name=name, width=width, height=height, parts=_with_area(boxes))


def _of_parts(name: str, areas: Mapping[str, float], width: int, height: int) -> Block:
    """Return the block cut into `areas`; an edge that two parts share is rounded once, so that they never overlap."""
    boxes = []
    for kind, within in cut(areas, Rectangle(x=0, y=0, width=width, height=height)).items():
        x, y = round(within.x), round(within.y)
        right, top = round(within.x + within.width), round(within.y + within.height)
        boxes.append(Box(x=x, y=y, width=right - x, height=top - y, kind=kind))
    return Block(name=name, width=width, height=height, parts=_with_area(tuple(boxes)))


def _with_area(boxes: tuple[Box, ...]) -> tuple[Box, ...]:
    return tuple(box for box in boxes if box.width > 0 and box.height > 0)
