"""The blocks of a floor plan: a tile, a neuron, a converter, each with its parts to scale, in whole nanometres."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from circuits.area.packing import Rectangle, cut
from circuits.area.tiling import TileCount

TILE = ("cells", "line_ends", "partial_sums")
NEURON = ("neuron_cores", "capacitors", "buffers", "output_stages", "clamps", "role_selects", "multiplexers")
LONGEST = 4.0
"""How many times wider than high a tile may be before its word lines' ends are folded."""
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
    its devices: columns x rows of them, not whole numbers. The array drawn within has whole ones. Where line ends are
    so large beside the crossbar that the tile would be wider than `LONGEST` times its height, they are folded: it is
    made square, and what word lines' ends the crossbar's left side cannot take go below.
    """
    areas = {name: 1e6 * raw[name] / max(counts.n_tiles, 1) for name in TILE}
    columns, rows = max(counts.n_tile_columns, 1), max(counts.n_line_ends - counts.n_tile_columns, 1)
    across, up = (math.sqrt(areas["cells"] * ratio) for ratio in (columns / rows, rows / columns))
    words = areas["line_ends"] * rows / (rows + columns)
    whole = sum(areas.values())
    width = across + words / up if up > 0 else math.inf
    if width > math.sqrt(LONGEST * whole):
        width = max(math.sqrt(whole), across)
    height = whole / width if width > 0 else 0.0
    return _tile(areas, Rectangle(x=width - across, y=height - up, width=across, height=up), words, pitch)


def _tile(areas: Mapping[str, float], crossbar: Rectangle, words: float, pitch: float) -> Block:
    """Return the tile with `crossbar` in its upper right corner; `words` (nm2) of its line ends are word lines'."""
    x, y = round(crossbar.x), round(crossbar.y)
    width, height = round(crossbar.x + crossbar.width), round(crossbar.y + crossbar.height)
    cells = Box(x=x, y=y, width=width - x, height=height - y, kind="cells")
    left = Box(x=0, y=y, width=x, height=height - y, kind="line_ends")
    below = {
        "words": max(0.0, words - crossbar.x * crossbar.height), "bits": areas["line_ends"] - words,
        "partial_sums": areas["partial_sums"],
    }  # fmt: skip
    at, found, area = 0.0, {}, sum(below.values())
    for name in ("partial_sums", "bits", "words"):  # upwards, each as wide as the tile
        top = at + (below[name] / area * crossbar.y if area > 0 else 0.0)
        kind = "partial_sums" if name == "partial_sums" else "line_ends"
        found[name] = Box(x=0, y=round(at), width=width, height=round(top) - round(at), kind=kind)
        at = top
    array = None
    if pitch > 0:
        array = Array(x=x, y=y, columns=int(cells.width / pitch), rows=int(cells.height / pitch), pitch=pitch)
    ends = left if left.width * left.height > 0 else found["words"]
    parts = _with_area((cells, left, *found.values()))
    return Block(
        name="tile", width=width, height=height, parts=parts, array=array, word_ends=ends, bit_ends=found["bits"]
    )


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
