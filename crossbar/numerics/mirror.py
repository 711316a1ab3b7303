"""Loops over devices and pulses: arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.numerics import threads

BLOCK = 8  # rows and columns: half a cache line of each, and few pages of memory at once (measured)


def mirror_upper(plane: np.ndarray) -> None:
    """Copy what lies above the diagonal of a square plane below it, in place."""
    threads.over_rows(lambda begin, end: mirror_rows(plane, begin, end), np.arange(len(plane)))


@njit(cache=True, nogil=True)
def mirror_rows(plane: np.ndarray, begin: int, end: int) -> None:
    """Copy what belongs below the diagonal in the rows [begin, end) from above it, block by block."""
    for j0 in range(begin, end, BLOCK):
        last = min(j0 + BLOCK, end)
        for i0 in range(0, last, BLOCK):
            for j in range(j0, last):
                for i in range(i0, min(i0 + BLOCK, j)):
                    plane[j, i] = plane[i, j]
