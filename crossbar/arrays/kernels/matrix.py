"""From two planes of devices to weights, line sums and variances of read noise, in one pass over the rows."""

from __future__ import annotations

import numpy as np
from numba import njit

_LEAF = 128  # numbers that are summed one after another, by eights
_DEPTH = 64


@njit(cache=True, nogil=True)
def join_pairs(
    plus: np.ndarray, minus: np.ndarray, scale: float, floor: float, offset: float, relative: float, additive: float,
    weights: np.ndarray, variance: np.ndarray, sums: np.ndarray, span: tuple[int, int],
) -> None:  # fmt: skip
    """Write the rows `span` of what pairs of devices stand for.

        p = max(scale own, floor),    weights = p+ - p-,    sums = sum_j p_ij of each plane,
        variance = sum over both planes of additive + (relative (p + offset))^2.

    Parameters
    ----------
    plus, minus : ndarray (m, n)
        In units of the devices' own law.
    scale, floor, offset, relative, additive : of their type
    weights : ndarray (m, n)
    variance : ndarray (m, n) or (0, 0)
        (0, 0) where it is not asked for.
    sums : ndarray (2, m), float64
    """
    n = plus.shape[1]
    first, second = np.empty(n, plus.dtype), np.empty(n, plus.dtype)
    noisy = variance.shape[0] > 0
    for i in range(span[0], span[1]):
        for j in range(n):
            p, q = plus[i, j] * scale, minus[i, j] * scale
            p, q = floor if p <= floor else p, floor if q <= floor else q
            first[j], second[j] = p, q
            weights[i, j] = p - q
        if noisy:
            for j in range(n):
                p, q = relative * (first[j] + offset), relative * (second[j] + offset)
                variance[i, j] = (additive + p * p) + (additive + q * q)
        sums[0, i], sums[1, i] = pairwise_sum(first), pairwise_sum(second)


@njit(cache=True, nogil=True)
def pairwise_sum(values: np.ndarray) -> float:
    """Return the float64 sum of `values` (n,) in the order of `numpy.sum`: halves of halves, each summed by eights."""
    starts, sizes = np.empty(_DEPTH, np.int64), np.empty(_DEPTH, np.int64)  # second halves that are still to come
    lefts, met = np.empty(_DEPTH), np.zeros(_DEPTH, np.bool_)  # sums of first halves, and whether they are known
    depth, start, size = 0, 0, len(values)
    while True:
        while size > _LEAF:
            half = size // 2
            half -= half % 8
            starts[depth], sizes[depth], met[depth] = start + half, size - half, False
            depth, size = depth + 1, half
        total = sum_by_eights(values, start, size)
        while depth > 0 and met[depth - 1]:
            depth -= 1
            total = lefts[depth] + total
        if depth == 0:
            return total
        lefts[depth - 1], met[depth - 1] = total, True
        start, size = starts[depth - 1], sizes[depth - 1]


@njit(cache=True, nogil=True)
def sum_by_eights(values: np.ndarray, start: int, size: int) -> float:
    """Return the float64 sum of values[start : start + size]: eight sums of every eighth number, then the rest."""
    a = b = c = d = e = f = g = h = np.float64(-0.0)
    stop = start + size - size % 8
    for k in range(start, stop, 8):
        a += np.float64(values[k])
        b += np.float64(values[k + 1])
        c += np.float64(values[k + 2])
        d += np.float64(values[k + 3])
        e += np.float64(values[k + 4])
        f += np.float64(values[k + 5])
        g += np.float64(values[k + 6])
        h += np.float64(values[k + 7])
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for k in range(stop, start + size):
        total += np.float64(values[k])
    return total
