"""Bernoulli pulse trains, one bit a slot, and how often they coincide."""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.numerics.random import draw_bits, popcount, stream

_S32 = np.uint64(32)
_ZERO, _ONE = np.uint64(0), np.uint64(1)
_2_32 = np.float64(2.0**32)


@njit(cache=True)
def draw_words(probabilities: np.ndarray, lengths: np.ndarray, key: np.uint64) -> np.ndarray:
    """Return trains of `lengths[b]` slots (at most 31) that fire with `probabilities[b, line]` in each slot.

    Parameters
    ----------
    probabilities : ndarray (batch, n_lines), at most 1
    lengths : ndarray of int (batch,)
    key : uint64

    Returns
    -------
    ndarray of uint32 (batch, n_lines)
        Bit k of a word is slot k.
    """
    batch, n_lines = probabilities.shape
    words = np.zeros((batch, n_lines), np.uint32)
    thresholds = np.empty(n_lines, np.uint64)
    for b in range(batch):
        for line in range(n_lines):
            thresholds[line] = np.uint64(probabilities[b, line] * _2_32)
        for slot in range(lengths[b]):
            state = stream(key, b, slot)
            bit = np.uint32(1 << slot)
            for line in range(n_lines):
                fires = (draw_bits(state, line) >> _S32) < thresholds[line]
                words[b, line] |= bit if fires else np.uint32(0)
    return words


@njit(cache=True)
def pack(words: np.ndarray, negative: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the slots of all examples in a row, 64 to a word, of positive and of negative lines.

    Returns
    -------
    plus, minus : ndarray of uint64 (ceil(sum(lengths) / 64), n_lines)
    """
    batch, n_lines = words.shape
    n_words = (lengths.sum() + 63) // 64
    packed = np.zeros((2, n_words + 1, n_lines), np.uint64)
    start = 0
    for b in range(batch):
        k, shift = start // 64, np.uint64(start % 64)
        spills = start % 64 + lengths[b] > 64
        for line in range(n_lines):
            word = np.uint64(words[b, line])
            side = 1 if negative[b, line] else 0
            packed[side, k, line] |= word << shift
            if spills:
                packed[side, k + 1, line] |= word >> (np.uint64(64) - shift)
        start += lengths[b]
    return packed[0, :n_words], packed[1, :n_words]


@njit(cache=True)
def list_slots(words: np.ndarray, negative: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which lines fire in each slot: positive lines in rising order, then negative ones.

    Returns
    -------
    lines : ndarray of int32
    offsets : ndarray of int64 (sum(lengths), 3)
        Of each slot: where its positive lines begin, where its negative ones do, where they end.
    """
    batch, n_lines = words.shape
    total = np.int64(0)
    for b in range(batch):
        for line in range(n_lines):
            total += np.int64(popcount(words[b, line]))
    lines = np.empty(total, np.int32)
    offsets = np.empty((lengths.sum(), 3), np.int64)
    at, row = 0, 0
    for b in range(batch):
        for slot in range(lengths[b]):
            bit = np.uint32(1 << slot)
            for side in range(2):
                offsets[row, side] = at
                for line in range(n_lines):
                    if (words[b, line] & bit) != 0 and negative[b, line] == (side == 1):
                        lines[at] = line
                        at += 1
            offsets[row, 2] = at
            row += 1
    return lines, offsets


@njit(cache=True)
def count_coincidences(
    row_words: np.ndarray, row_negative: np.ndarray, column_words: np.ndarray, column_negative: np.ndarray,
    lengths: np.ndarray, first: np.ndarray,
) -> tuple[np.int64, np.int64]:  # fmt: skip
    """Return how many up- and down-pulses the trains give to the devices (i, j >= first[i]).

    Counted from the lines alone: in a slot a row meets every column that fires, so suffix sums suffice.
    """
    batch, m = row_words.shape
    n = column_words.shape[1]
    whole = first.max() == 0
    beyond = np.zeros((2, n + 1), np.int64)
    up, down = np.int64(0), np.int64(0)
    for b in range(batch):
        for slot in range(lengths[b]):
            bit = np.uint32(1 << slot)
            if whole:
                row_minus, row_all = count_lines(row_words[b], row_negative[b], bit)
                minus, every = count_lines(column_words[b], column_negative[b], bit)
                up += row_minus * minus + (row_all - row_minus) * (every - minus)
                down += row_minus * (every - minus) + (row_all - row_minus) * minus
                continue
            for j in range(n - 1, -1, -1):
                fires = (column_words[b, j] & bit) != 0
                beyond[0, j] = beyond[0, j + 1] + (1 if fires and not column_negative[b, j] else 0)
                beyond[1, j] = beyond[1, j + 1] + (1 if fires and column_negative[b, j] else 0)
            for i in range(m):
                if (row_words[b, i] & bit) != 0:
                    side = 1 if row_negative[b, i] else 0
                    up += beyond[side, first[i]]
                    down += beyond[1 - side, first[i]]
    return up, down


@njit(cache=True)
def count_lines(words: np.ndarray, negative: np.ndarray, bit: np.uint32) -> tuple[np.int64, np.int64]:
    """Return how many negative lines, and how many lines, fire in the slot `bit`."""
    minus = every = np.int32(0)
    for line in range(words.shape[0]):
        fires = np.int32(popcount(np.uint32(words[line] & bit)))
        every += fires
        minus += fires & np.int32(negative[line])
    return np.int64(minus), np.int64(every)


@njit(cache=True)
def coincided(row_any: np.ndarray, column_any: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return which devices (i, j >= first[i]) saw a coincidence; arguments as `pack` gives them, signs joined."""
    m, n = row_any.shape[1], column_any.shape[1]
    touched = np.zeros((m, n), np.bool_)
    for i in range(m):
        for k in range(row_any.shape[0]):
            x = row_any[k, i]
            if x == _ZERO:
                continue
            for j in range(first[i], n):
                touched[i, j] |= (x & column_any[k, j]) != _ZERO
    return touched
