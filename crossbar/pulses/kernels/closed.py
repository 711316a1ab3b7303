"""Closed forms of many pulses on affine devices: one state step an example, or one a batch.

A pulse leads w to w_inf + (w - w_inf)(1 - slope). With L = -ln(1 - slope) a pulse and q = L / slope, n pulses of one
direction are one step of the flow dw/dn = q (step -+ slope w) =: D(w), exactly:

    w' = w + n D(w) phi(n L),    phi(x) = (1 - e^-x) / x,    e^-x = 1 - x phi(x).

Noise of n pulses: additive, the geometric sum kick^2 n phi(2 n L) / phi(2 L); multiplicative, the first order in the
kick of the product of n factors. Written with phi rather than w_inf the constant law (L = 0) is no special case.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from crossbar.numerics.random import draw_bits, gaussian, half_gaussian, popcount, stream

_ZERO, _ONE, _HALF, _SIXTEENTH = np.float32(0), np.float32(1), np.float32(0.5), np.float32(1 / 16)
_C2, _C3, _C4, _C5, _C6 = (np.float32(1 / k) for k in (2, 3, 4, 5, 6))
_I2, _I6, _I24, _I120 = (np.float32(1 / k) for k in (2, 6, 24, 120))
_TWO, _SERIES_LIMIT, _STEEPEST, _FARTHEST, _REACH = (np.float32(value) for value in (2, 0.1, 0.9999, 16, 0.6))
_K1, _K2, _K3, _K4, _K5 = (np.float32(value) for value in (1 / 2, 5 / 12, 3 / 8, 251 / 720, 95 / 288))
_S32 = np.uint64(32)
_S31 = np.uint32(31)
_NONE = np.uint64(0)
# rows of the local table: drift, rate and kick of an up-pulse; the same of a down-pulse less those; weight, noise,
# counts; then the law's eight planes, of which the first two are the bounds
_AU, _LU, _KU, _DA, _DL, _DK, _W, _XI, _UP, _DN, _PLANES = range(11)
_LO, _HI = _PLANES, _PLANES + 1
ROWS = 19
# devices that a table holds at once: it should stay in the first-level cache beside what streams by (measured)
EXAMPLE_BLOCK, BATCH_BLOCK = 256, 128


@njit(cache=True, inline="always")
def phi_small(y: np.float32) -> np.float32:
    """Return (1 - e^-y) / y for |y| <= 0.3, to 4e-6."""
    return _ONE - y * (_I2 - y * (_I6 - y * (_I24 - y * _I120)))


@njit(cache=True, inline="always")
def steepness(slope: np.float32) -> np.float32:
    """Return -ln(1 - slope) / slope for |slope| <= 0.1, to 2e-6."""
    return _ONE + slope * (_C2 + slope * (_C3 + slope * (_C4 + slope * (_C5 + slope * _C6))))


@njit(cache=True, inline="always")
def flow_kick(slope: np.float32, product: bool) -> np.float32:
    """Return the kick of the flow in units of a pulse's own, for |slope| <= 0.1, to 4e-6.

    Multiplicative: slope / ((1 - slope) L); additive: sqrt(1 / phi(2 L)) = sqrt(2 q / (2 - slope)).
    """
    if product:
        return _ONE + slope * (_K1 + slope * (_K2 + slope * (_K3 + slope * (_K4 + slope * _K5))))
    return np.float32(math.sqrt(_TWO * steepness(slope) / (_TWO - slope)))


@njit(cache=True, fastmath=True, inline="always")
def load(local, planes, i, j0, width, product):
    """Write to `local` (ROWS, >= width) what `width` devices of row i from column j0 are; copies first, for speed."""
    for p in range(8):
        for k in range(width):
            local[_PLANES + p, k] = planes[p, i, j0 + k]
    steep = 0
    for k in range(width):
        steep += 1 if max(abs(local[_PLANES + 3, k]), abs(local[_PLANES + 5, k])) > _SERIES_LIMIT else 0
    for k in range(width):  # one loop a direction: with more streams at once the compiler gives up on vectors
        slope = local[_PLANES + 3, k]
        fill_up(local, k, slope, steepness(slope), flow_kick(slope, product))
    for k in range(width):
        slope = local[_PLANES + 5, k]
        fill_down(local, k, slope, steepness(slope), flow_kick(slope, product))
    if steep > 0:
        for k in range(width):
            up, down = local[_PLANES + 3, k], local[_PLANES + 5, k]
            if max(abs(up), abs(down)) > _SERIES_LIMIT:
                up, down = min(up, _STEEPEST), min(down, _STEEPEST)
                q, c = exact_flow(up, product)
                fill_up(local, k, up, q, c)
                q, c = exact_flow(down, product)
                fill_down(local, k, down, q, c)


@njit(cache=True, inline="always")
def exact_flow(slope: np.float32, product: bool) -> tuple[np.float32, np.float32]:
    """Return `steepness` and `flow_kick` by their definitions, for any slope below 1."""
    q = np.float32(-math.log1p(-slope) / slope) if slope != _ZERO else _ONE
    if product:
        return q, _ONE / (q * (_ONE - slope))
    return q, np.float32(math.sqrt(_TWO * q / (_TWO - slope)))


@njit(cache=True, fastmath=True, inline="always")
def fill_up(local, k, slope, q, c):
    """Write the up-flow of one device, from its slope, q = L / slope, and the flow's kick in units of a pulse's own."""
    local[_AU, k] = q * local[_PLANES + 2, k]
    local[_LU, k] = q * slope
    local[_KU, k] = c * local[_PLANES + 6, k]


@njit(cache=True, fastmath=True, inline="always")
def fill_down(local, k, slope, q, c):
    """Write the down-flow of one device less its up-flow."""
    local[_DA, k] = -q * local[_PLANES + 4, k] - local[_AU, k]
    local[_DL, k] = q * slope - local[_LU, k]
    local[_DK, k] = c * local[_PLANES + 7, k] - local[_KU, k]


@njit(inline="always")
def step_examples(weights, planes, product, row_words, row_flips, column_words, longest, first, key, span):
    """Give each device of the rows `span` the pulses of one example in one closed-form step, example after example.

    Parameters
    ----------
    weights : (m, n) float32, changed in place
    planes : (8, m, n) float32, see `crossbar.pulses.kernels.moves.move_affine`; strides of 0 where devices are alike
    product : bool
        Multiplicative noise.
    row_words : (batch, m) uint32
    row_flips : (batch, m) uint32
        Bit 31 set where the row's signal is negative.
    column_words : (batch, n) uint32
        Slots in bits 0 to 30, bit 31 set where the column's signal is negative.
    longest : int
        Most slots of an example: devices whose `longest` pulses saturate too much for the series go pulse by pulse.
    """
    batch, n = len(row_words), weights.shape[1]
    local = np.empty((ROWS, EXAMPLE_BLOCK), np.float32)
    alike = planes.strides[2] == 0
    if alike:
        load(local, planes, 0, 0, min(EXAMPLE_BLOCK, n), product)
    longest = np.float32(longest)
    for i in range(span[0], span[1]):
        for j0 in range(first[i], n, EXAMPLE_BLOCK):
            width = min(EXAMPLE_BLOCK, n - j0)
            half = (width + 1) // 2
            if not alike:
                load(local, planes, i, j0, width, product)
            for k in range(width):
                local[_W, k] = weights[i, j0 + k]
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
                example_step(local, width, product, row, flip, column_words, b, j0)
            for k in range(width):
                if max(abs(local[_LU, k]), abs(local[_LU, k] + local[_DL, k])) * longest <= _REACH:
                    # float64 weights that got no pulse keep their digits
                    if local[_W, k] != np.float32(weights[i, j0 + k]):
                        weights[i, j0 + k] = local[_W, k]
                else:
                    walk_device(weights, planes, product, row_words, row_flips, column_words, i, j0 + k, key)


@njit(cache=True, fastmath=True, inline="always")
def example_step(local, width, product, row, flip, column_words, b, j0):
    """Move the weights of `local` by the pulses of example b, which come in one direction."""
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


@njit(cache=True, inline="always")
def walk_device(weights, planes, product, row_words, row_flips, column_words, i, j, key):
    """Give one device, too coarse for the series, its pulses one by one (see `step_examples`)."""
    w = weights[i, j]
    state = stream(key, i, np.int64(-1 - j))  # which wraps round to 2^64 - 1 - j: no example's own number
    drawn = 0
    for b in range(row_words.shape[0]):
        column = column_words[b, j]
        up = ((column ^ row_flips[b, i]) >> _S31) == 0
        kick = planes[6, i, j] if up else planes[7, i, j]
        for _ in range(np.int64(popcount(np.uint32(row_words[b, i] & column)))):
            mean = planes[2, i, j] - planes[3, i, j] * w if up else -planes[4, i, j] - planes[5, i, j] * w
            w += mean + (mean if product else _ONE) * kick * gaussian(draw_bits(state, drawn))
            w = min(max(w, planes[0, i, j]), planes[1, i, j])
            drawn += 1
    weights[i, j] = w


@njit(inline="always")
def step_batch(weights, planes, product, row_plus, row_minus, column_plus, column_minus, first, key, span):
    """Give each device of the rows `span` all pulses of the batch in one step, up and down evenly mixed.

    The flow is the sum of U up-flows and D down-flows: exact for one direction alone, first order in the step for both.

    Parameters
    ----------
    row_plus, row_minus : (n_words, m) uint64
        All slots of the batch in a row, of positive and of negative signals (`crossbar.pulses.kernels.trains.pack`).
    column_plus, column_minus : (n_words, n) uint64
    """
    n_words = len(row_plus)
    n = weights.shape[1]
    local = np.empty((ROWS, BATCH_BLOCK), np.float32)
    alike = planes.strides[2] == 0
    if alike:
        load(local, planes, 0, 0, min(BATCH_BLOCK, n), product)
    counts = np.empty((2, BATCH_BLOCK), np.int64)
    for i in range(span[0], span[1]):
        state = stream(key, i, 0)
        for j0 in range(first[i], n, BATCH_BLOCK):
            width = min(BATCH_BLOCK, n - j0)
            if not alike:
                load(local, planes, i, j0, width, product)
            for k in range(width):
                local[_W, k] = weights[i, j0 + k]
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
                if counts[0, k] + counts[1, k] > 0:
                    weights[i, j0 + k] = local[_W, k]


@njit(cache=True, fastmath=True, inline="always")
def mix_step(local: np.ndarray, width: int, product: bool) -> None:
    """Move the weights of `local` by the mixed flow of `_UP` up- and `_DN` down-pulses.

    The exponent x = U L_up + D L_down enters the series at most as +-`_FARTHEST`. Beyond, the flow has arrived, to
    e^-16: phi(x) = 1 / x, which is phi(16) 16 / x.
    """
    for k in range(width):
        up, down = local[_UP, k], local[_DN, k]
        w, au, lu, ku = local[_W, k], local[_AU, k], local[_LU, k], local[_KU, k]
        ad, ld, kd = au + local[_DA, k], lu + local[_DL, k], ku + local[_DK, k]
        total = up * lu + down * ld
        y = min(max(total, -_FARTHEST), _FARTHEST) * _SIXTEENTH * _HALF
        phi = phi_small(y)
        decay = _ONE - y * phi
        for _ in range(5):
            phi = phi * (_ONE + decay) * _HALF
            decay = decay * decay
        phi = phi * _FARTHEST / max(total, _FARTHEST)
        spread = phi * (_ONE + decay) * _HALF
        middle = w
        if product:
            # kicks are proportional to the step on the way: take it half way
            middle = w + _HALF * phi * (up * (au - lu * w) + down * (ad - ld * w))
            ku, kd = ku * (au - lu * middle), kd * (ad - ld * middle)
        kick = math.sqrt(max((up * ku * ku + down * kd * kd) * spread, _ZERO))
        w = w + phi * (up * (au - lu * w) + down * (ad - ld * w)) + kick * local[_XI, k]
        local[_W, k] = max(min(w, local[_HI, k]), local[_LO, k])


# `product` as a constant: a branch inside the loops would keep the compiler from vectors


@njit(cache=True, fastmath=True, nogil=True)
def step_examples_product(weights, planes, row_words, row_flips, column_words, longest, first, key, span):
    """Step example by example, noise multiplicative (see `step_examples`)."""
    step_examples(weights, planes, True, row_words, row_flips, column_words, longest, first, key, span)


@njit(cache=True, fastmath=True, nogil=True)
def step_examples_additive(weights, planes, row_words, row_flips, column_words, longest, first, key, span):
    """Step example by example, noise additive (see `step_examples`)."""
    step_examples(weights, planes, False, row_words, row_flips, column_words, longest, first, key, span)


@njit(cache=True, fastmath=True, nogil=True)
def step_batch_product(weights, planes, row_plus, row_minus, column_plus, column_minus, first, key, span):
    """Step once, noise multiplicative (see `step_batch`)."""
    step_batch(weights, planes, True, row_plus, row_minus, column_plus, column_minus, first, key, span)


@njit(cache=True, fastmath=True, nogil=True)
def step_batch_additive(weights, planes, row_plus, row_minus, column_plus, column_minus, first, key, span):
    """Step once, noise additive (see `step_batch`)."""
    step_batch(weights, planes, False, row_plus, row_minus, column_plus, column_minus, first, key, span)
