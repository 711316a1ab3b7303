"""The resistance of one wire segment of a crossbar at a technology's node, from sourced numbers (data/technology)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from crossbar.errors import InvalidValue, unknown_name
from crossbar.technology_parameters import POINTS, Parameter, read_parameter, shipped_tables

CELLS = ("1t1r", "1r")
_PREFIX = "line_"


@dataclass(frozen=True, kw_only=True, slots=True)
class LineResistance:
    """A segment of word or bit line, from one cell to the next.

    Attributes
    ----------
    node : int
        nm.
    cell : {"1t1r", "1r"}
    ohm : float
        Of the segment: `ohm_per_um` times `pitch_um`.
    ohm_per_um : float
    pitch_um : float
        Side of a square cell.
    source, status : str
        Of the resistance per length, see `crossbar.technology_parameters.Parameter`.
    """

    node: int
    cell: str
    ohm: float
    ohm_per_um: float
    pitch_um: float
    source: str
    status: str


def nodes() -> tuple[int, ...]:
    """Return the nodes (nm) whose lines are known, coarsest first."""
    names = shipped_tables("wires.toml")
    return tuple(sorted((int(name.removeprefix(_PREFIX)) for name in names), reverse=True))


def line_resistance(node: int, cell: str = "1t1r", point: str = "typical") -> LineResistance:
    """Return the resistance of a segment at `node` (nm), R = R' sqrt(A) F with A the cell's area in squares of F.

    Parameters
    ----------
    node : int
        nm, see `nodes`.
    cell : {"1t1r", "1r"}
        Whose area sets the pitch: data/technology/area.toml.
    point : {"low", "typical", "high"}
        Which value of both numbers; "low" is the smallest cell on the thickest line.

    Raises
    ------
    InvalidValue
        A node whose lines are not known.
    UnknownName
        Another cell or point.
    """
    if node not in nodes():
        raise InvalidValue(f"`node` must be one of {', '.join(map(str, nodes()))} nm, but got {node}")
    if cell not in CELLS:
        raise unknown_name("cell", cell, CELLS)
    if point not in POINTS:
        raise unknown_name("point", point, POINTS)
    line, area = _shipped(f"{_PREFIX}{node}", "wires.toml"), _shipped(f"cell_{cell}", "area.toml")
    pitch = math.sqrt(getattr(area, point)) * node * 1e-3
    per_length = getattr(line, point)
    return LineResistance(
        node=node, cell=cell, ohm=per_length * pitch, ohm_per_um=per_length, pitch_um=pitch,
        source=line.source, status=line.status,
    )  # fmt: skip


def _shipped(name: str, file: str) -> Parameter:
    return read_parameter(name, shipped_tables(file)[name], file)
