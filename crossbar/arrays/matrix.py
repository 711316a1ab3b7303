"""From the rectangles of devices to the one matrix that reads multiply with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossbar.arrays.cells import Cells, Seen
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.read_noise import ReadNoise
from crossbar.arrays.resistive_tiles import Planes, WiredTiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Wide:
    """Weights and variances for signals of more digits, cast once: a product would cast them every time.

    Attributes
    ----------
    of : ndarray (N, N)
        The weights that were cast.
    weights : ndarray (N, N)
    variance : ndarray (N, N) or None
    """

    of: np.ndarray
    weights: np.ndarray
    variance: np.ndarray | None

    @classmethod
    def cast(cls, weights: np.ndarray, variance: np.ndarray | None, kind: np.dtype, at_outputs: bool) -> Wide:
        """Return both as `kind`; the variance stays as it is where single devices draw by it, not `at_outputs`."""
        if variance is not None and at_outputs:
            variance = variance.astype(kind)
        return cls(of=weights, weights=weights.astype(kind), variance=variance)


def seen(
    cells: Sequence[Cells], time: float, config: ArrayConfig, wires: WiredTiles, noise: ReadNoise | None
) -> list[Seen]:
    """Return what reads find of each rectangle, through the wires, at `time` (s); of `noise` the variance."""
    if config.wire_resistance == 0:
        return [one.seen(time, noise) for one in cells]
    found = []
    for number, one in enumerate(cells):
        weights, slopes = wires.seen(number, one, time)
        variance = None if noise is None else one.variance(one.planes(time), noise, slopes)
        found.append(Seen(weights=weights, variance=variance))
    return found


def line_totals(cells: Sequence[Cells], size: int) -> np.ndarray:
    """Return the conductance (N,) of all devices on each neuron's line (S), had they all just been written.

    A line is a row and a column; devices that serve both directions of a pair count on both of their lines.
    """
    totals = np.zeros(size)
    for one in cells:
        rows, columns = one.summed(one.fresh())
        totals[one.region.rows] += rows
        if not (one.region.square and one.region.shared):
            totals[one.region.columns] += columns
    return totals


def assemble(cells: Sequence[Cells | Planes], blocks: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Return the matrix (N, N) of which each of `cells` holds one of `blocks`, and shared cells its transpose too."""
    if len(blocks) == 1 and blocks[0].shape == (size, size):
        return blocks[0]
    whole = np.zeros((size, size), blocks[0].dtype)
    for one, block in zip(cells, blocks, strict=True):
        whole[one.region.rows, one.region.columns] = block
        if one.region.shared:
            whole[one.region.columns, one.region.rows] = block.T
    return whole
