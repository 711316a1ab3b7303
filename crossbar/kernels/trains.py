"""Bernoulli pulse trains, one bit a slot."""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.kernels.random import GOLDEN, mix, stream

_S32 = np.uint64(32)
_2_32 = np.float64(2.0**32)


@njit(cache=True)
def draw_words(probabilities: np.ndarray, lengths: np.ndarray, key: np.uint64) -> np.ndarray:
    """Return trains of `lengths[b]` slots (at most 32) that fire with `probabilities[b, line]` in each slot.

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
            shift = np.uint32(slot)
            for line in range(n_lines):
                draw = mix(state + np.uint64(line) * GOLDEN) >> _S32
                words[b, line] |= np.uint32(draw < thresholds[line]) << shift
    return words
