"""Counter-based random numbers for kernels: a key and a counter give the draw, so order and threads do not matter.

The generator is splitmix64 (Steele, Lea and Flood, OOPSLA 2014, doi:10.1145/2660193.2660195) read at the state
key + counter * golden ratio. Keys come from a numpy Generator, one an update, so same seed, same bytes.

The normal draws here count set bits, which costs one machine instruction: the sum of 64 (or 32) fair bits less a
uniform number made of the same bits, which smooths the lattice. Mean 0 and variance 1 exactly, excess kurtosis -0.03
(-0.06),
|xi| <= 8 (5.6). They serve where a device sums many of them; see `crossbar.numerics.normals` for full tails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numba.core import config
from numba.extending import intrinsic

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
ROW = np.uint64(0xD1B54A32D192ED03)
_S11, _S27, _S30, _S31, _S32 = (np.uint64(bits) for bits in (11, 27, 30, 31, 32))
_2_53, _2_32 = np.float32(2.0**-53), np.float32(2.0**-32)
# a sum of N fair bits has variance N/4; the uniform part adds 1/12 and, made of the same bits, takes 1/2
_MEAN64, _SCALE64 = np.float32(31.5), np.float32((16 + 1 / 12 - 1 / 2) ** -0.5)
_MEAN32, _SCALE32 = np.float32(15.5), np.float32((8 + 1 / 12 - 1 / 2) ** -0.5)


def wrapping(function: Callable) -> Callable:
    """Compile `function` in line, or, without the compiler, let its integers wrap round silently."""
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return np.errstate(over="ignore")(function)
    return njit(cache=True, inline="always")(function)


if config.DISABLE_JIT:  # type: ignore[attr-defined]

    def popcount(x: Any) -> Any:
        """Return how many bits of the unsigned integer `x` are set."""
        return type(x)(int(x).bit_count())

else:

    @intrinsic
    def popcount(typingctx: Any, x: Any) -> Any:  # noqa: ARG001
        """Return how many bits of the unsigned integer `x` are set."""
        return x(x), lambda context, builder, signature, arguments: builder.ctpop(arguments[0])  # noqa: ARG005


@wrapping
def mix(word: Any) -> Any:
    """Return `word` (uint64, one or many) with its bits mixed: the finalizer of splitmix64."""
    z = (word ^ (word >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


@wrapping
def stream(key: np.uint64, row: int, step: int) -> np.uint64:
    """Return the state from which the draws of one row at one step count on."""
    return mix(key + np.uint64(row) * ROW + np.uint64(step) * _M2)


@wrapping
def draw_bits(state: np.uint64, counter: int) -> np.uint64:
    """Return 64 well-mixed bits."""
    return mix(state + np.uint64(counter) * GOLDEN)


@njit(cache=True, inline="always")
def gaussian(bits: np.uint64) -> np.float32:
    """Return a number close to N(0, 1) made of 64 random bits."""
    return (np.float32(np.int64(popcount(bits))) - np.float32(np.int64(bits >> _S11)) * _2_53 - _MEAN64) * _SCALE64


@njit(cache=True, inline="always")
def half_gaussian(bits: np.uint32) -> np.float32:
    """Return a number close to N(0, 1) made of 32 random bits."""
    return (np.float32(np.int32(popcount(bits))) - np.float32(bits) * _2_32 - _MEAN32) * _SCALE32
