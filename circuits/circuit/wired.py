"""The weights that an array realises through the resistance of its lines."""

from __future__ import annotations

import numpy as np

from circuits.circuit.electrical import Wires
from circuits.circuit.memristor_array import MemristorArray
from crossbar.wires.solver import effective_matrix


def tiles(array: MemristorArray, wires: Wires) -> list[tuple[range, range]]:
    """Return the rows (word lines, by source) and columns (bit lines, 2 i for G+ and 2 i + 1 for G- of target i)."""
    starts = range(0, array.size, wires.tile), range(0, 2 * array.size, wires.tile)
    return [
        (range(first, min(first + wires.tile, array.size)), range(second, min(second + wires.tile, 2 * array.size)))
        for first in starts[0]
        for second in starts[1]
    ]


def bit_lines(array: MemristorArray) -> np.ndarray:
    """Return the conductances (N, 2 N) in siemens, a row a word line, a column a bit line in the order of `tiles`."""
    return np.stack([array.plus.T, array.minus.T], axis=2).reshape(array.size, -1)


def wired_weights(array: MemristorArray, wires: Wires) -> np.ndarray:
    """Return the weights (N, N) that currents through `wires` realise; not symmetric, and with a diagonal.

    Tile by tile the effective matrix of `crossbar.wires.solver`: current also reaches a bit line where a word line has
    no device of its own, by the neighbours'.
    """
    lines = bit_lines(array)
    seen = np.zeros_like(lines)
    for rows, columns in tiles(array, wires):
        part = np.ix_(rows, columns)
        seen[part] = effective_matrix(lines[part], wires.r_word_line, wires.r_bit_line)
    pairs = seen.reshape(array.size, array.size, 2)
    return array.between_lines(np.ascontiguousarray((pairs[:, :, 0] - pairs[:, :, 1]).T) / array.siemens_per_weight)
