"""Currents of an array's two planes through lines with resistance."""

from __future__ import annotations

import numpy as np

from crossbar.api.wires import Wires
from crossbar.arrays.tiles import spans
from crossbar.wires.lines import Drive, Sense
from crossbar.wires.solver import output_currents


def kirchhoff(planes: tuple[np.ndarray, np.ndarray], volts: np.ndarray, lines: Wires, tile: int | None) -> np.ndarray:
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
    """
    m, n = planes[0].shape
    drive: Drive = "both" if lines.ends == "both" else "left"
    sense: Sense = "both" if lines.ends == "both" else "bottom"
    bit_line = lines.word_line if lines.bit_line is None else lines.bit_line
    total = np.zeros((m, volts.shape[1]))
    for sign, plane in zip((1, -1), planes, strict=True):
        for rows in spans(0, m, tile):
            for driven in spans(0, n, tile):
                part = output_currents(
                    plane[rows, driven].T, volts[driven], lines.word_line, bit_line, drive=drive, sense=sense
                )
                total[rows] += sign * part.T
    return total
