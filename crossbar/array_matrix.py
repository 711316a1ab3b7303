"""From the rectangles of devices to the one matrix that reads multiply with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossbar.array_cells import Cells
from crossbar.array_config import ArrayConfig
from crossbar.array_wires import Planes, WiredTiles


def realised(cells: Sequence[Cells], time: float, wires: WiredTiles) -> list[np.ndarray]:
    """Return the weights of each rectangle, as reads see them through the wires, `time` seconds after the write."""
    if wires.config.wire_resistance == 0:
        return [one.weights(time) for one in cells]
    return [wires.weights(number, one, time) for number, one in enumerate(cells)]


def variances(cells: Sequence[Cells], time: float, config: ArrayConfig) -> list[np.ndarray]:
    """Return the variance of each weight's read noise, weight units squared; a reference column counts as noiseless."""
    blocks = []
    for one in cells:
        zero, limit = one.mapping.zero, one.mapping.g_max / one.mapping.siemens_per_weight
        total: np.ndarray = np.zeros(one.region.shape, config.kind)
        for plane in one.planes(time):
            total += config.read_noise.variance(plane + zero, limit)
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
