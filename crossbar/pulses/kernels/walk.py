"""Pulse by pulse, walking only the bits that are set: exact for every law, and the fastest where pulses are rare."""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.numerics.random import draw_bits, gaussian, popcount, stream
from crossbar.pulses.kernels.moves import move_affine, move_exponential, move_jump, move_piecewise, move_power

_ZERO, _ONE = np.uint32(0), np.uint32(1)


@njit(cache=True)
def skip(lines: np.ndarray, begin: int, end: int, first: int) -> int:
    """Return the first place in of `span` whose line, in rising order, is at least `first`."""
    while begin < end:
        middle = (begin + end) // 2
        if lines[middle] < first:
            begin = middle + 1
        else:
            end = middle
    return begin


@njit(inline="always")
def walk(move, weights, planes, table, row_words, row_negative, slot_starts, lines, offsets, first, key, span):
    """Give the rows of `span`, example by example, slot by slot, one pulse to each device where both trains fire.

    A device gets its pulses in the order of the examples; devices are independent, so rows may go in any order.

    Parameters
    ----------
    move : function of `crossbar.pulses.kernels.moves`
    weights : (m, n), changed in place
    row_words, row_negative : (batch, m)
    slot_starts : (batch,), where an example's slots begin in `offsets`
    lines, offsets : the columns that fire, see `crossbar.pulses.kernels.trains.list_slots`
    first : (m,), the first column that listens in each row
    span : (begin, end), the rows
    """
    for i in range(span[0], span[1]):
        for b in range(row_words.shape[0]):
            word = row_words[b, i]
            flip = 1 if row_negative[b, i] else 0
            while word != _ZERO:
                low = word & (~word + _ONE)
                word = np.uint32(word ^ low)
                slot = slot_starts[b] + np.int64(popcount(np.uint32(low - _ONE)))
                state = stream(key, i, slot)
                for side in range(2):
                    stop = offsets[slot, side + 1]
                    start = skip(lines, offsets[slot, side], stop, first[i])
                    up = side == flip
                    for e in range(start, stop):
                        j = lines[e]
                        xi = gaussian(draw_bits(state, j))
                        w = move(planes, table, i, j, weights[i, j], up, xi)
                        weights[i, j] = min(max(w, planes[0, i, j]), planes[1, i, j])


@njit(cache=True, nogil=True)
def walk_affine(weights, planes, table, row_words, row_negative, slot_starts, lines, offsets, first, key, span):
    """Walk with the affine step (see `walk`)."""
    walk(move_affine, weights, planes, table, row_words, row_negative, slot_starts, lines, offsets, first, key, span)


@njit(cache=True, nogil=True)
def walk_exponential(weights, planes, table, row_words, row_negative, slot_starts, lines, offsets, first, key, span):
    """Walk with the exponential step (see `walk`)."""
    moves = move_exponential
    walk(moves, weights, planes, table, row_words, row_negative, slot_starts, lines, offsets, first, key, span)


@njit(cache=True, nogil=True)
def walk_power(weights, planes, table, row_words, row_negative, slot_starts, lines, offsets, first, key, span):
    """Walk with the power step (see `walk`)."""
    walk(move_power, weights, planes, table, row_words, row_negative, slot_starts, lines, offsets, first, key, span)


@njit(cache=True, nogil=True)
def walk_piecewise(weights, planes, table, row_words, row_negative, slot_starts, lines, offsets, first, key, span):
    """Walk with the piecewise step (see `walk`)."""
    walk(move_piecewise, weights, planes, table, row_words, row_negative, slot_starts, lines, offsets, first, key, span)


@njit(cache=True, nogil=True)
def walk_jump(weights, planes, table, row_words, row_negative, slot_starts, lines, offsets, first, key, span):
    """Walk with the jump table (see `walk`)."""
    walk(move_jump, weights, planes, table, row_words, row_negative, slot_starts, lines, offsets, first, key, span)
