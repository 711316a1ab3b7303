"""Given numbers of pulses, device by device, pulse by pulse: exact for every law."""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.numerics.random import draw_bits, gaussian, popcount, stream
from crossbar.pulses.kernels.moves import move_affine, move_exponential, move_jump, move_piecewise, move_power

# orders in which a device takes its pulses: all up-pulses before the down-pulses, or evenly spread among them
UP_FIRST, MIXED = 0, 1
_NONE = np.int32(0)


@njit(inline="always")
def give(move, weights, planes, table, n_up, n_down, order, key, span):
    """Give the devices of the rows `span` `n_up` up- and `n_down` down-pulses, (m, n) each, in the `order`."""
    n = weights.shape[1]
    for i in range(span[0], span[1]):
        state = stream(key, i, 0)
        for j in range(n):
            ups = n_up[i, j]
            total = ups + n_down[i, j]
            w = weights[i, j]
            for k in range(total):
                xi = gaussian(draw_bits(state, np.int64(j) + np.int64(k) * n))
                up = (k + 1) * ups // total > k * ups // total if order == MIXED else k < ups
                w = move(planes, table, i, j, w, up, xi)
                w = min(max(w, planes[0, i, j]), planes[1, i, j])
            weights[i, j] = w


@njit(cache=True)
def split_signed(pulses, ups, downs, limit):
    """Write the numbers of up- and of down-pulses (m, n) of signed `pulses`; return how many are not below `limit`."""
    beyond = 0
    for i in range(pulses.shape[0]):
        for j in range(pulses.shape[1]):
            beyond += 0 if abs(pulses[i, j]) < limit else 1
        for j in range(pulses.shape[1]):
            whole = np.int32(pulses[i, j])
            ups[i, j] = whole if whole > _NONE else _NONE
            downs[i, j] = _NONE if whole > _NONE else -whole
    return beyond


@njit(cache=True)
def count_devices(row_plus, row_minus, column_plus, column_minus, first):
    """Return the up- and the down-pulses (m, n) that packed trains give to each device (i, j >= first[i])."""
    n_words, m = row_plus.shape
    n = column_plus.shape[1]
    n_up, n_down = np.zeros((m, n), np.int32), np.zeros((m, n), np.int32)
    for i in range(m):
        for k in range(n_words):
            plus, minus = row_plus[k, i], row_minus[k, i]
            for j in range(first[i], n):
                right, left = column_plus[k, j], column_minus[k, j]
                n_up[i, j] += np.int32(popcount((plus & right) | (minus & left)))
                n_down[i, j] += np.int32(popcount((plus & left) | (minus & right)))
    return n_up, n_down


@njit(cache=True, nogil=True)
def give_affine(weights, planes, table, n_up, n_down, order, key, span):
    """Give pulses of the affine law (see `give`)."""
    give(move_affine, weights, planes, table, n_up, n_down, order, key, span)


@njit(cache=True, nogil=True)
def give_exponential(weights, planes, table, n_up, n_down, order, key, span):
    """Give pulses of the exponential law (see `give`)."""
    give(move_exponential, weights, planes, table, n_up, n_down, order, key, span)


@njit(cache=True, nogil=True)
def give_power(weights, planes, table, n_up, n_down, order, key, span):
    """Give pulses of the power law (see `give`)."""
    give(move_power, weights, planes, table, n_up, n_down, order, key, span)


@njit(cache=True, nogil=True)
def give_piecewise(weights, planes, table, n_up, n_down, order, key, span):
    """Give pulses of the piecewise law (see `give`)."""
    give(move_piecewise, weights, planes, table, n_up, n_down, order, key, span)


@njit(cache=True, nogil=True)
def give_jump(weights, planes, table, n_up, n_down, order, key, span):
    """Give pulses of the jump table (see `give`)."""
    give(move_jump, weights, planes, table, n_up, n_down, order, key, span)
