"""Parameters of many devices: drawn where they spread, one number where all devices are alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

_PASSED = 1 << 16  # draws that are passed over at once


def spread(deviation: float, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return `deviation` times N(0, 1), of `shape`; zeros of shape (1, ...) where nothing spreads.

    `rng` moves on by as many draws either way, so that what is drawn later does not depend on it.
    """
    if deviation:
        return deviation * rng.standard_normal(shape)
    left = math.prod(shape)
    passed = np.empty(min(left, _PASSED))
    while left > 0:
        rng.standard_normal(out=passed[:left])
        left -= len(passed)
    return np.zeros((1,) * len(shape))


def stacked(planes: Sequence[np.ndarray], shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return `planes`, each of `shape` or (1, ...), as one stack of `dtype`.

    Where none spreads, it is a read-only view of one number a plane.
    """
    if all(plane.size == 1 for plane in planes):
        numbers = np.array([plane.reshape(()) for plane in planes]).astype(dtype)
        return np.broadcast_to(numbers.reshape(-1, *(1,) * len(shape)), (len(planes), *shape))
    stack = np.empty((len(planes), *shape), dtype)
    for own, plane in zip(stack, planes, strict=True):
        own[...] = plane
    return stack


def held(plane: np.ndarray) -> np.ndarray:
    """Return `plane`, or one number (1, ...) where all its places hold the same."""
    first = plane[(slice(1),) * plane.ndim]
    return first if plane.size and (plane == first).all() else plane
