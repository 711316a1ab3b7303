"""One pulse on one device, law by law: scalars in, the new weight out, before clipping.

Every function has the same signature, so that the loops of `crossbar.pulses.kernels.walk` and
`crossbar.pulses.kernels.counts` take any:

    planes : (n_planes, m, n), in the order of the law's `layout`; places 0 and 1 are w_min and w_max
    table : (rows, columns), what the law shares among devices
    i, j : the device;  w : its weight;  up : direction;  xi : N(0, 1)
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

_ZERO, _ONE = np.float32(0), np.float32(1)
_EXPONENT_LIMIT = np.float32(80)
_ROOT_HALF = np.float32(math.sqrt(0.5))
_HALF = np.float32(0.5)


@njit(cache=True, inline="always")
def move_affine(planes, table, i, j, w, up, xi):
    """Add (step -+ slope w) plus noise; `table[0, 0]` is 1 for multiplicative noise, 0 for additive."""
    if up:
        mean, kick = planes[2, i, j] - planes[3, i, j] * w, planes[6, i, j]
    else:
        mean, kick = -planes[4, i, j] - planes[5, i, j] * w, planes[7, i, j]
    factor = mean if table[0, 0] > _ZERO else _ONE
    return w + mean + factor * kick * xi


@njit(cache=True, inline="always")
def move_exponential(planes, table, i, j, w, up, xi):
    """Add d dw_d max(1 - A_d exp(d gamma_d z), 0) plus noise; `table[0]` holds dw_min_std_add and dw_min_std_slope."""
    z = planes[10, i, j] * w + planes[9, i, j]
    if up:
        y = _ONE - planes[5, i, j] * math.exp(min(planes[7, i, j] * z, _EXPONENT_LIMIT))
        step, sign = planes[2, i, j], _ONE
    else:
        y = _ONE - planes[6, i, j] * math.exp(min(-planes[8, i, j] * z, _EXPONENT_LIMIT))
        step, sign = planes[3, i, j], -_ONE
    step = step * max(y, _ZERO)
    return w + sign * step + planes[4, i, j] * (table[0, 0] + step + table[0, 1] * abs(w)) * xi


@njit(cache=True, inline="always")
def move_power(planes, table, i, j, w, up, xi):  # noqa: ARG001
    """Add dw_+ omega^g_+, or take dw_- (1 - omega)^g_-."""
    low, high = planes[0, i, j], planes[1, i, j]
    if not high > low:
        return w
    omega = min(max((high - w) / (high - low), _ZERO), _ONE)
    if up:  # noqa: SIM108
        step = planes[2, i, j] * omega ** planes[5, i, j]
    else:
        step = -planes[3, i, j] * (_ONE - omega) ** planes[6, i, j]
    return w + step * (_ONE + planes[4, i, j] * xi)


@njit(cache=True, inline="always")
def move_piecewise(planes, table, i, j, w, up, xi):
    """Add d dw_d times the nodes of `table[0]` (up) or `table[1]` (down), interpolated; each row led by its number."""
    low, high = planes[0, i, j], planes[1, i, j]
    place = (w - low) / (high - low) if high > low else _ZERO
    values = table[0] if up else table[1]
    scaled = min(max(place, _ZERO), _ONE) * (values[0] - _ONE)
    k = np.int64(scaled)
    t = scaled - np.float32(k)
    factor = values[1 + k] if t <= _ZERO else values[1 + k] * (_ONE - t) + values[2 + k] * t
    step = planes[2, i, j] if up else -planes[3, i, j]
    return w + step * factor * (_ONE + planes[4, i, j] * xi)


@njit(cache=True, inline="always")
def move_jump(planes, table, i, j, w, up, xi):
    """Add a jump drawn from quantiles in `table`: rows of up, rows of down, last (number of up rows, 1 / dw_min)."""
    low, high = planes[0, i, j], planes[1, i, j]
    place = (w - low) / (high - low) if high > low else _ZERO
    last = table.shape[0] - 1
    n_up = np.int64(table[last, 0])
    begin, rows = (0, n_up) if up else (n_up, last - n_up)
    first = min(max(place, _ZERO), _ONE) * np.float32(rows - 1)
    second = _HALF * (_ONE + np.float32(math.erf(xi * _ROOT_HALF))) * np.float32(table.shape[1] - 1)
    p, q = min(np.int64(first), max(rows - 2, 0)), min(np.int64(second), table.shape[1] - 2)
    s, t = first - np.float32(p), second - np.float32(q)
    p0, p1 = begin + p, begin + min(p + 1, rows - 1)
    lower = table[p0, q] * (_ONE - t) + table[p0, q + 1] * t
    upper = table[p1, q] * (_ONE - t) + table[p1, q + 1] * t
    gain = planes[2, i, j] if up else planes[3, i, j]
    return w + gain * table[last, 1] * (lower * (_ONE - s) + upper * s)
