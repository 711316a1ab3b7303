"""Currents of an array's two planes through lines with resistance."""

from __future__ import annotations

import numpy as np

from crossbar.api.wires import Wires
from crossbar.arrays.tiles import spans
from crossbar.errors import DivergedError
from crossbar.wires.cells import Cell
from crossbar.wires.lines import Drive, Sense
from crossbar.wires.nonlinear import solve_cells
from crossbar.wires.solver import output_currents


def kirchhoff(
    planes: tuple[np.ndarray, np.ndarray], volts: np.ndarray, lines: Wires, tile: int | None, cell: Cell | None
) -> np.ndarray:
    """Return the currents (m, k) of G+ minus those of G-, A.

    Parameters
    ----------
    planes : (ndarray, ndarray), each (m, n)
        G+ and G-, S: column j is word line j, row i is bit line i.
    volts : ndarray (n, k)
        On the word lines, V.
    lines : Wires
    tile : int or None
        Most lines of a tile; each tile is a crossbar of its own, whose currents are added.
    cell : Cell or None
        Law of the devices; None: ohmic.

    Raises
    ------
    DivergedError
        Cells whose currents were not found.
    """
    m, n = planes[0].shape
    drive: Drive = "both" if lines.ends == "both" else "left"
    sense: Sense = "both" if lines.ends == "both" else "bottom"
    bit_line = lines.word_line if lines.bit_line is None else lines.bit_line
    total = np.zeros((m, volts.shape[1]))
    for sign, plane in zip((1, -1), planes, strict=True):
        for rows in spans(0, m, tile):
            for driven in spans(0, n, tile):
                held, applied, ohm = plane[rows, driven].T, volts[driven], (lines.word_line, bit_line)
                if cell is None:
                    part = output_currents(held, applied, *ohm, drive=drive, sense=sense)
                else:
                    part = _of_cells(held, applied, ohm, cell, drive, sense)
                total[rows] += sign * part.T
    return total


def _of_cells(
    held: np.ndarray, volts: np.ndarray, ohm: tuple[float, float], cell: Cell, drive: Drive, sense: Sense
) -> np.ndarray:
    """Return the currents (k, n) of cells, or an error that names how far the worst vector came."""
    found = solve_cells(held, volts, *ohm, cell, drive=drive, sense=sense)
    if not found.converged.all():
        raise DivergedError(
            f"{int((~found.converged).sum())} of {len(found.converged)} vectors did not converge with {cell} (largest "
            f"residual {found.residual.max():.1e}); lower the volts, or call crossbar.wires.solve_cells with max_steps"
        )
    return found.currents
