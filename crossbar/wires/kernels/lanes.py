"""Four numbers at once: tuples that the compiler keeps in registers, so that four recurrences overlap in the pipeline.

A recurrence such as x_j = a_j x_{j-1} + b_j waits for its own last result; four independent ones, interleaved, hide
that wait.
"""

from __future__ import annotations

import numpy as np
from numba import njit

Four = tuple[float, float, float, float]
LANES = 4
ZERO = (0.0, 0.0, 0.0, 0.0)
ONE = (1.0, 1.0, 1.0, 1.0)


@njit(cache=True, nogil=True, fastmath={"contract"})
def load(x: np.ndarray, q: int) -> Four:
    """Return x[q : q + 4]."""
    return (x[q], x[q + 1], x[q + 2], x[q + 3])


@njit(cache=True, nogil=True, fastmath={"contract"})
def store(x: np.ndarray, q: int, v: Four) -> None:
    """Set x[q : q + 4] to v."""
    x[q] = v[0]
    x[q + 1] = v[1]
    x[q + 2] = v[2]
    x[q + 3] = v[3]


@njit(cache=True, nogil=True, fastmath={"contract"})
def load_rows(x: np.ndarray, i: int, j: int) -> Four:
    """Return column j of the rows i to i + 3."""
    return (x[i, j], x[i + 1, j], x[i + 2, j], x[i + 3, j])


@njit(cache=True, nogil=True, fastmath={"contract"})
def store_rows(x: np.ndarray, i: int, j: int, v: Four) -> None:
    """Set column j of the rows i to i + 3 to v."""
    x[i, j] = v[0]
    x[i + 1, j] = v[1]
    x[i + 2, j] = v[2]
    x[i + 3, j] = v[3]


@njit(cache=True, nogil=True, fastmath={"contract"})
def scaled(a: float, v: Four) -> Four:
    """Return a v, with one number a."""
    return (a * v[0], a * v[1], a * v[2], a * v[3])


@njit(cache=True, nogil=True, fastmath={"contract"})
def added(v: Four, w: Four) -> Four:
    """Return v + w."""
    return (v[0] + w[0], v[1] + w[1], v[2] + w[2], v[3] + w[3])


@njit(cache=True, nogil=True, fastmath={"contract"})
def product(v: Four, w: Four) -> Four:
    """Return v w, lane by lane."""
    return (v[0] * w[0], v[1] * w[1], v[2] * w[2], v[3] * w[3])


@njit(cache=True, nogil=True, fastmath={"contract"})
def scaled_sum(a: float, v: Four, w: Four) -> Four:
    """Return a v + w, with one number a."""
    return (a * v[0] + w[0], a * v[1] + w[1], a * v[2] + w[2], a * v[3] + w[3])


@njit(cache=True, nogil=True, fastmath={"contract"})
def product_sum(u: Four, v: Four, w: Four) -> Four:
    """Return u v + w, lane by lane."""
    return (u[0] * v[0] + w[0], u[1] * v[1] + w[1], u[2] * v[2] + w[2], u[3] * v[3] + w[3])


@njit(cache=True, nogil=True, fastmath={"contract"})
def inverse(v: Four) -> Four:
    """Return 1 / v, lane by lane."""
    return (1.0 / v[0], 1.0 / v[1], 1.0 / v[2], 1.0 / v[3])
