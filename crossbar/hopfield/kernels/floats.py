"""What the compiler does not vectorise by itself: the logarithm, and the largest of many numbers.

Each function has a form for float32, that of training, and one for float64, that of verification; numba takes the one
of its argument. (Kernels that are cached on disk do not see changes of this file: clear `__pycache__` after one.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

_HALF_ROOT = np.int32(0x3F3504F3)  # the bits of sqrt(1/2) in float32
_FRACTION = np.int32(23)  # bits of float32's fraction
_LN2 = np.float32(math.log(2))
_ONE, _TWO, _THIRD, _FIFTH, _SEVENTH, _NINTH = (np.float32(n) for n in (1, 2, 1 / 3, 1 / 5, 1 / 7, 1 / 9))
_RELAXED: Any = {"fastmath": {"reassoc", "contract", "nsz", "arcp"}, "error_model": "numpy"}


def log(x):
    """Return the natural logarithm of a positive, normal number.

    float32, within 2e-7 of the larger of 0.1 and the result: x = 2^e m with m in [sqrt(1/2), sqrt(2)), and
    log m = 2 artanh(f), f = (m - 1) / (m + 1), whose series ends after f^9, as |f| < 0.172. NaN gives a number.
    float64: the C library's, which is not vectorised.
    """
    return _log_single(x) if isinstance(x, np.float32) else _log_double(x)


def rank(x):
    """Return the bits of a number >= 0 as an integer: in their order the largest is found 16 at a time, NaN above all.

    Of floats only one after the other could be compared, as NaN compares with nothing.
    """
    return _bits_single(x) if isinstance(x, np.float32) else _bits_double(x)


def number(bits):
    """Return the number whose `rank` is `bits`."""
    return _float_single(bits) if isinstance(bits, np.int32) else _float_double(bits)


def _log_single(x):
    bits = np.float32(x).view(np.int32)
    exponent = (bits - _HALF_ROOT) >> _FRACTION
    mantissa = np.int32(bits - (exponent << _FRACTION)).view(np.float32)
    f = (mantissa - _ONE) / (mantissa + _ONE)
    w = f * f
    return np.float32(exponent) * _LN2 + _TWO * f * (_ONE + w * (_THIRD + w * (_FIFTH + w * (_SEVENTH + w * _NINTH))))


def _log_double(x):
    return math.log(x)


def _bits_single(x):
    return np.float32(x).view(np.int32)


def _bits_double(x):
    return np.float64(x).view(np.int64)


def _float_single(bits):
    return np.int32(bits).view(np.float32)


def _float_double(bits):
    return np.int64(bits).view(np.float64)


@overload(log, jit_options=_RELAXED)
def _log(x):
    return _log_single if x == types.float32 else _log_double


@overload(rank)
def _rank(x):
    return _bits_single if x == types.float32 else _bits_double


@overload(number)
def _number(bits):
    return _float_single if bits == types.int32 else _float_double
