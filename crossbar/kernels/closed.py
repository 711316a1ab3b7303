"""Closed forms of many pulses on affine devices: one state step an example, or one a batch.

A pulse leads w to w_inf + (w - w_inf)(1 - slope). With L = -ln(1 - slope) a pulse and q = L / slope, n pulses of one
direction are one step of the flow dw/dn = q (step -+ slope w) =: D(w), exactly:

    w' = w + n D(w) phi(n L),    phi(x) = (1 - e^-x) / x,    e^-x = 1 - x phi(x).

Noise of n pulses: additive, the geometric sum kick^2 n phi(2 n L) / phi(2 L); multiplicative, the first order in the kick of
the product of n factors. Written with phi rather than w_inf the constant law (L = 0) is no special case.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from crossbar.kernels.random import draw_bits, gaussian, half_gaussian, popcount, stream
from crossbar.kernels.trains import BLOCK

_ZERO, _ONE, _HALF, _SIXTEENTH = np.float32(0), np.float32(1), np.float32(0.5), np.float32(1 / 16)
_C2, _C3, _C4, _C5, _C6 = (np.float32(1 / k) for k in (2, 3, 4, 5, 6))
_I2, _I6, _I24, _I120 = (np.float32(1 / k) for k in (2, 6, 24, 120))
_TWO, _SERIES_LIMIT, _STEEPEST, _FARTHEST = (np.float32(value) for value in (2, 0.1, 0.9999, 16))
_S32 = np.uint64(32)
_S31 = np.uint32(31)
_NONE = np.uint64(0)
# rows of the local table: drift, rate and kick of an up-pulse; the same of a down-pulse less those; bounds; weight
_AU, _LU, _KU, _DA, _DL, _DK, _LO, _HI, _W, _XI, _UP, _DN = range(12)


@njit(cache=True, inline="always")
def phi_small(y: np.float32) -> np.float32:
    """Return (1 - e^-y) / y for |y| <= 0.3, to 4e-6."""
    return _ONE - y * (_I2 - y * (_I6 - y * (_I24 - y * _I120)))


@njit(cache=True, inline="always")
def steepness(slope: np.float32) -> np.float32:
    """Return -ln(1 - slope) / slope for |slope| <= 0.1, to 2e-6."""
    return _ONE + slope * (_C2 + slope * (_C3 + slope * (_C4 + slope * (_C5 + slope * _C6))))


@njit(cache=True, fastmath=True, inline="always")
def load(local, weights, planes, i, j0, width, product):  # noqa: ANN001, ANN201
    """Write to `local` (12, BLOCK) what `width` devices of row i from column j0 need."""
    steepest = _ZERO
    for k in range(width):
        su, sd = planes[3, i, j0 + k], planes[5, i, j0 + k]
        steepest = max(steepest, max(abs(su), abs(sd)))
        qu, qd = steepness(su), steepness(sd)
        fill(local, planes, i, j0, k, su, sd, qu, qd, product)
        local[_LO, k], local[_HI, k] = planes[0, i, j0 + k], planes[1, i, j0 + k]
        local[_W, k] = weights[i, j0 + k]
    if steepest > _SERIES_LIMIT:
        for k in range(width):
            su, sd = min(planes[3, i, j0 + k], _STEEPEST), min(planes[5, i, j0 + k], _STEEPEST)
            qu = np.float32(-math.log1p(-su) / su) if su != _ZERO else _ONE
            qd = np.float32(-math.log1p(-sd) / sd) if sd != _ZERO else _ONE
            fill(local, planes, i, j0, k, su, sd, qu, qd, product)


@njit(cache=True, fastmath=True, inline="always")
def fill(local, planes, i, j0, k, su, sd, qu, qd, product):  # noqa: ANN001, ANN201
    """Write the flow of one device, from its slopes and q = L / slope.

    Kicks are those of the flow: multiplicative ones slope / ((1 - slope) L) of a pulse's own, additive ones 1 / phi(2 L),
    which is 2 q / (2 - slope), in the variance.
    """
    au, ad = qu * planes[2, i, j0 + k], -qd * planes[4, i, j0 + k]
    lu, ld = qu * su, qd * sd
    if product:
        ku, kd = planes[6, i, j0 + k] / (qu * (_ONE - su)), planes[7, i, j0 + k] / (qd * (_ONE - sd))
    else:
        ku = planes[6, i, j0 + k] * math.sqrt(_TWO * qu / (_TWO - su))
        kd = planes[7, i, j0 + k] * math.sqrt(_TWO * qd / (_TWO - sd))
    local[_AU, k], local[_LU, k], local[_KU, k] = au, lu, ku
    local[_DA, k], local[_DL, k], local[_DK, k] = ad - au, ld - lu, kd - ku


@njit(cache=True, fastmath=True)
def step_examples(weights, planes, product, row_words, row_flips, column_words, first, key):  # noqa: ANN001, ANN201
    """Give each device the pulses of one example in one closed-form step, example after example.

    Parameters
    ----------
    weights : (m, n) float32, changed in place
    planes : (8, m, n) float32, see `crossbar.kernels.moves.move_affine`; bit length times L must stay below 0.6
    product : bool
        Multiplicative noise.
    row_words : (batch, m) uint32
    row_flips : (batch, m) uint32
        Bit 31 set where the row's signal is negative.
    column_words : (batch, n) uint32
        Slots in bits 0 to 30, bit 31 set where the column's signal is negative.
    """
    batch, m = row_words.shape
    n = weights.shape[1]
    local = np.empty((12, BLOCK), np.float32)
    for i in range(m):
        for j0 in range(first[i], n, BLOCK):
            width = min(BLOCK, n - j0)
            half = (width + 1) // 2
            load(local, weights, planes, i, j0, width, product)
            for b in range(batch):
                row = row_words[b, i]
                if row == 0:
                    continue
                flip = row_flips[b, i]
                state = stream(key, i, b)
                for k in range(half):
                    bits = draw_bits(state, j0 + k)
                    local[_XI, k] = half_gaussian(np.uint32(bits))
                    local[_XI, k + half] = half_gaussian(np.uint32(bits >> _S32))
                for k in range(width):
                    column = column_words[b, j0 + k]
                    count = np.float32(np.int32(popcount(np.uint32(row & column))))
                    down = np.float32(np.int32(np.uint32(column ^ flip) >> _S31))
                    rate = local[_LU, k] + down * local[_DL, k]
                    y = count * rate * _HALF
                    phi = phi_small(y)
                    decay = _ONE - y * phi
                    phi = phi * (_ONE + decay) * _HALF
                    decay = decay * decay
                    w = local[_W, k]
                    drift = local[_AU, k] + down * local[_DA, k] - rate * w
                    kick = local[_KU, k] + down * local[_DK, k]
                    if product:
                        kick = abs(drift) * kick * decay * math.sqrt(count)
                    else:
                        kick = kick * math.sqrt(count * phi * (_ONE + decay) * _HALF)
                    w = w + drift * count * phi + kick * local[_XI, k]
                    local[_W, k] = max(min(w, local[_HI, k]), local[_LO, k])
            for k in range(width):
                weights[i, j0 + k] = local[_W, k]


@njit(cache=True, fastmath=True)
def step_batch(weights, planes, product, row_plus, row_minus, column_plus, column_minus, first, key):  # noqa: ANN001, ANN201
    """Give each device all pulses of the batch in one step, up and down evenly mixed.

    The flow is the sum of U up-flows and D down-flows: exact for one direction alone, first order in the step for both.

    Parameters
    ----------
    row_plus, row_minus : (n_words, m) uint64
        All slots of the batch in a row, of positive and of negative signals (`crossbar.kernels.trains.pack`).
    column_plus, column_minus : (n_words, n) uint64
    """
    n_words, m = row_plus.shape
    n = weights.shape[1]
    local = np.empty((12, BLOCK), np.float32)
    counts = np.empty((2, BLOCK), np.int64)
    for i in range(m):
        state = stream(key, i, 0)
        for j0 in range(first[i], n, BLOCK):
            width = min(BLOCK, n - j0)
            load(local, weights, planes, i, j0, width, product)
            for k in range(width):
                counts[0, k] = 0
                counts[1, k] = 0
            for b in range(n_words):
                plus, minus = row_plus[b, i], row_minus[b, i]
                if (plus | minus) == _NONE:
                    continue
                for k in range(width):
                    right, left = column_plus[b, j0 + k], column_minus[b, j0 + k]
                    counts[0, k] += np.int64(popcount((plus & right) | (minus & left)))
                    counts[1, k] += np.int64(popcount((plus & left) | (minus & right)))
            for k in range(width):
                local[_XI, k] = gaussian(draw_bits(state, j0 + k))
                local[_UP, k] = np.float32(np.int32(counts[0, k]))
                local[_DN, k] = np.float32(np.int32(counts[1, k]))
            mix_step(local, width, product)
            for k in range(width):
                weights[i, j0 + k] = local[_W, k]


@njit(cache=True, fastmath=True, inline="always")
def mix_step(local: np.ndarray, width: int, product: bool) -> None:
    """Move the weights of `local` by the mixed flow of `_UP` up- and `_DN` down-pulses."""
    for k in range(width):
        up, down = local[_UP, k], local[_DN, k]
        w, au, lu, ku = local[_W, k], local[_AU, k], local[_LU, k], local[_KU, k]
        ad, ld, kd = au + local[_DA, k], lu + local[_DL, k], ku + local[_DK, k]
        total = min(max(up * lu + down * ld, -_FARTHEST), _FARTHEST)
        y = total * _SIXTEENTH * _HALF
        phi = phi_small(y)
        decay = _ONE - y * phi
        for _ in range(5):
            phi = phi * (_ONE + decay) * _HALF
            decay = decay * decay
        spread = phi * (_ONE + decay) * _HALF
        middle = w
        if product:
            # kicks are proportional to the step on the way: take it half way
            middle = w + _HALF * phi * (up * (au - lu * w) + down * (ad - ld * w))
            ku, kd = ku * (au - lu * middle), kd * (ad - ld * middle)
        kick = math.sqrt(max((up * ku * ku + down * kd * kd) * spread, _ZERO))
        w = w + phi * (up * (au - lu * w) + down * (ad - ld * w)) + kick * local[_XI, k]
        local[_W, k] = max(min(w, local[_HI, k]), local[_LO, k])
