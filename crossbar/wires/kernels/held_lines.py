"""Word lines that carry currents of their own while every bit line is held at 0 V."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath={"contract"})
def held_words(currents: np.ndarray, transfer: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Return A^-1 x: the voltages (m, n) of word lines with currents (m, n) into their nodes and drivers at 0 V."""
    m, n = currents.shape
    words = np.empty_like(currents)
    for i in range(m):
        inflow, word = 0.0, 0.0
        for j in range(n - 1, -1, -1):
            inflow += currents[i, j]
            words[i, j] = inflow
            inflow *= transfer[i, j]
        for j in range(n):
            word = transfer[i, j] * word + source[i, j] * words[i, j]
            words[i, j] = word
    return words
