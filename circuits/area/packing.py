"""How blocks fill a die: rectangles cut in shares, and equal blocks in rows that leave few places empty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from circuits.area.technology import Point

EMPTY = 0.05
"""Share of places that rows of blocks may leave empty, if blocks become more square by it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rectangle:
    """A rectangle; lengths in nm, as real numbers."""

    x: float
    y: float
    width: float
    height: float


def cut(areas: Mapping[str, float], room: Rectangle) -> dict[str, Rectangle]:
    """Return the rectangle of each of `areas` in `room`, in proportion: the largest is cut off along the longer side.

    Examples
    --------
    >>> from circuits.area.packing import Rectangle, cut
    >>> found = cut({"a": 3.0, "b": 1.0}, Rectangle(x=0, y=0, width=8, height=4))
    >>> found["a"].width, found["b"].width
    (6.0, 2.0)
    """
    left = {name: area for name, area in areas.items() if area > 0}
    found: dict[str, Rectangle] = {}
    while left:
        largest = max(left, key=lambda name: left[name])
        share = left[largest] / sum(left.values())
        del left[largest]
        if room.width >= room.height:
            at = share * room.width
            found[largest] = Rectangle(x=room.x, y=room.y, width=at, height=room.height)
            room = Rectangle(x=room.x + at, y=room.y, width=room.width - at, height=room.height)
        else:
            at = share * room.height
            found[largest] = Rectangle(x=room.x, y=room.y, width=room.width, height=at)
            room = Rectangle(x=room.x, y=room.y + at, width=room.width, height=room.height - at)
    return found


def rows_of(count: int, aspect: float, empty: float = EMPTY) -> tuple[int, int]:
    """Return columns and rows for `count` equal blocks in a rectangle of `aspect`, width over height.

    Blocks shall be square and few places empty: of all numbers of columns that leave at most `empty` of them so, or
    none, that with the least |log aspect of a block|.

    Examples
    --------
    >>> from circuits.area.packing import rows_of
    >>> rows_of(6, 1.5), rows_of(7, 1.0, empty=0)
    ((3, 2), (1, 7))
    """
    best, score = (1, count), math.inf
    for columns in _tried(count):
        rows = -(-count // columns)
        if columns * rows - count > empty * count:
            continue
        found = abs(math.log(aspect * rows / columns))
        if found < score:
            best, score = (columns, rows), found
    return best


def _tried(count: int) -> list[int]:
    """Return numbers of columns that fill their rows best: for each number of rows the fewest columns, both ways."""
    half = range(1, math.isqrt(count) + 2)
    return sorted({*half, *(-(-count // number) for number in half)})


def raw_areas(components: Mapping[str, float], point: Point) -> dict[str, float]:
    """Return what blocks measure themselves (um2), of component areas (mm2) with `routing` in them; pads have none."""
    routing = float(point["routing"])
    return {name: 1e6 * area / (1.0 if name == "pads" else routing) for name, area in components.items()}
