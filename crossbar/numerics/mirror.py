"""Loops over devices and pulses: arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def mirror_upper(plane: np.ndarray) -> None:
    """Copy what lies above the diagonal of a square plane below it, in place, block by block."""
    n = plane.shape[0]
    block = 32
    for i0 in range(0, n, block):
        for j0 in range(i0, n, block):
            for j in range(j0, min(j0 + block, n)):
                for i in range(i0, min(i0 + block, j)):
                    plane[j, i] = plane[i, j]
