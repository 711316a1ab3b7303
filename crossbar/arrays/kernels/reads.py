"""What a read adds to the matrix product: converters and noise, fused into one pass over the outputs."""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.numerics.normals import fill_normals


@njit(cache=True)
def quantise(values: np.ndarray, low: float, high: float, step: float, out: np.ndarray) -> None:
    """Write to `out` (rows, columns) `values` clipped to [low, high] and rounded to multiples of `step` (0: exact)."""
    kind = values.dtype.type
    low_, high_, step_ = kind(low), kind(high), kind(step)
    inverse = kind(1 / step) if step > 0 else kind(0)
    for b in range(values.shape[0]):
        if step > 0:
            for j in range(values.shape[1]):
                out[b, j] = np.rint(min(max(values[b, j], low_), high_) * inverse) * step_
        else:
            for j in range(values.shape[1]):
                out[b, j] = min(max(values[b, j], low_), high_)


@njit(cache=True, nogil=True)
def convert_sums(
    sums: np.ndarray, variance: np.ndarray, floor: float, low: float, high: float, step: float, key: np.uint64,
    out: np.ndarray, first: int = 0,
) -> int:  # fmt: skip
    """Add to `out` what a converter makes of noisy sums, and return how many of them saturated.

        out_bj += Q(sums_bj + sqrt(variance_bj + floor^2) xi_bj),   xi ~ N(0, 1) from stream `key`,

    Q clipping to [low, high] and rounding to multiples of `step` (0: no rounding).

    Parameters
    ----------
    sums, out : ndarray (batch, n)
    variance : ndarray (batch, n) or (0, 0)
        Variance of the devices' read noise at each output; (0, 0) when there is none.
    floor : float
        Standard deviation of the circuit's own noise.
    first : int
        Which read of the batch the first of `sums` is, where they are a part of it: it has its own draws.
    """
    kind = sums.dtype.type
    n = sums.shape[1]
    low_, high_, step_, floor2 = kind(low), kind(high), kind(step), kind(floor * floor)
    inverse = kind(1 / step) if step > 0 else kind(0)
    exact = variance.shape[1] == n
    noise = np.zeros(n, np.float32)
    row = np.empty(n, sums.dtype)
    saturated = 0
    for b in range(sums.shape[0]):
        if exact:
            fill_normals(key, (first + b) * ((n + 1) // 2), noise)
            for j in range(n):
                row[j] = sums[b, j] + np.sqrt(variance[b, j] + floor2) * kind(noise[j])
        elif floor > 0:
            fill_normals(key, (first + b) * ((n + 1) // 2), noise)
            for j in range(n):
                row[j] = sums[b, j] + kind(floor) * kind(noise[j])
        else:
            for j in range(n):
                row[j] = sums[b, j]
        for j in range(n):
            saturated += int(row[j] < low_) + int(row[j] > high_)
            row[j] = min(max(row[j], low_), high_)
        if step > 0:
            for j in range(n):
                out[b, j] += np.rint(row[j] * inverse) * step_
        else:
            for j in range(n):
                out[b, j] += row[j]
    return saturated


@njit(cache=True)
def add_coloured(
    sums: np.ndarray, variance: np.ndarray, memory: np.ndarray, keep: np.ndarray, shares: np.ndarray, key: np.uint64
) -> None:
    """Add noise that remembers the reads before to `sums`, and advance its memory by one read.

        z_k <- keep_k z_k + sqrt(1 - keep_k^2) xi_k,     sums_bj += sqrt(variance_bj) sum_k sqrt(shares_k) z_kbj.

    Parameters
    ----------
    sums, variance : ndarray (batch, n)
    memory : ndarray (components, batch, n), float32
        N(0, 1) processes z, changed in place.
    keep, shares : ndarray (components,)
        What a process keeps of itself from read to read, and its share of the variance.
    """
    kind = sums.dtype.type
    components, batch, n = memory.shape
    noise = np.empty(n, np.float32)
    total = np.empty(n, np.float32)
    half = (n + 1) // 2
    for b in range(batch):
        total[:] = 0
        for k in range(components):
            fill_normals(key, (b * components + k) * half, noise)
            kept, fresh = np.float32(keep[k]), np.float32(np.sqrt(1 - keep[k] ** 2))
            part = np.float32(np.sqrt(shares[k]))
            for j in range(n):
                memory[k, b, j] = kept * memory[k, b, j] + fresh * noise[j]
                total[j] += part * memory[k, b, j]
        for j in range(n):
            sums[b, j] += np.sqrt(variance[b, j]) * kind(total[j])


@njit(cache=True)
def add_squares(signals: np.ndarray, out: np.ndarray) -> None:
    """Add to `out` (n,), float64, the sum over the batch of the squares of `signals` (batch, n)."""
    for b in range(signals.shape[0]):
        for i in range(signals.shape[1]):
            out[i] += signals[b, i] * signals[b, i]
