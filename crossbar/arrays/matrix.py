"""From the rectangles of devices to the one matrix that reads multiply with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossbar.arrays.cells import Cells
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.resistive_tiles import Planes, WiredTiles

Slopes = Sequence[Sequence[np.ndarray | float]]  # of each rectangle, of each plane: what reads see of a device


def realised(cells: Sequence[Cells], time: float, wires: WiredTiles) -> tuple[list[np.ndarray], Slopes]:
    """Return the weights of each rectangle, as reads see them through the wires at `time` (s), and the slopes.

    A slope is d w_ij siemens_per_weight / d G_ij of one device; 1 without wires.
    """
    if wires.config.wire_resistance == 0:
        return [one.weights(time) for one in cells], [(1.0,) * one.mapping.n_planes for one in cells]
    found = [wires.seen(number, one, time) for number, one in enumerate(cells)]
    slopes = [seen[: one.mapping.n_planes] for (_, seen), one in zip(found, cells, strict=True)]
    return [weights for weights, _ in found], slopes


def variances(cells: Sequence[Cells], time: float, config: ArrayConfig, slopes: Slopes) -> list[np.ndarray]:
    """Return the variance of each weight's read noise, weight units squared; a reference column counts as noiseless.

    Through wires sigma_ij becomes slope_ij sigma_ij: what a device adds to its own output when its own line is driven.
    That the other lines lower its voltage is left out (see docs/wires.md, which says how much that is).
    """
    blocks = []
    for one, seen in zip(cells, slopes, strict=True):
        zero, limit = one.mapping.zero, one.mapping.g_max / one.mapping.siemens_per_weight
        total: np.ndarray = np.zeros(one.region.shape, config.kind)
        for plane, slope in zip(one.planes(time), seen, strict=True):
            total += np.square(slope) * config.read_noise.variance(plane + zero, limit)
        if one.region.square:
            np.fill_diagonal(total, 0)
        blocks.append(total)
    return blocks


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
