"""Standard normal numbers from a key and a counter, made many at a time so that the compiler can use vectors.

The bits are splitmix64 (Steele, Lea and Flood, OOPSLA 2014, doi:10.1145/2660193.2660195) read at key + counter times
the golden ratio; one 64-bit word gives two numbers by the method of Box and Muller (1958, doi:10.1214/aoms/1177706645):
the upper half is the radius, sqrt(-2 ln u), the lower half the angle, folded to an eighth of the circle and two signs.
Logarithm, sine and cosine are series good to single precision, for no library function would vectorise. The law is the
normal one up to the resolution of u: |xi| <= 6.7.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.numerics.random import draw_bits

_S32 = np.uint64(32)
_MANTISSA, _ONE_BITS = np.uint32(0x7FFFFF), np.uint32(0x3F800000)
_B1, _B2, _B4, _B3, _B23 = np.uint32(1), np.uint32(2), np.uint32(4), np.uint32(3), np.uint32(23)
_STEP, _HALF_STEP = np.float32(2.0**-32), np.float32(2.0**-33)
_ANGLE = np.float32(np.pi / 4 * 2.0**-29)
_LN2 = np.float32(np.log(2))
_ZERO, _ONE, _TWO = np.float32(0), np.float32(1), np.float32(2)
_L3, _L5, _L7, _L9, _L11 = (np.float32(1 / k) for k in (3, 5, 7, 9, 11))
_SIN3, _SIN5, _SIN7 = np.float32(-1 / 6), np.float32(1 / 120), np.float32(-1 / 5040)
_COS2, _COS4, _COS6, _COS8 = np.float32(-1 / 2), np.float32(1 / 24), np.float32(-1 / 720), np.float32(1 / 40320)


@njit(cache=True, nogil=True)
def fill_rows(keys: np.ndarray, out: np.ndarray, begin: int, end: int) -> None:
    """Write N(0, 1) numbers to the rows [begin, end) of `out`, float32, of the stream `keys` (n_rows,) each."""
    for row in range(begin, end):
        fill_normals(keys[row], 0, out[row])


@njit(cache=True, nogil=True)
def fill_normals(key: np.uint64, start: int, out: np.ndarray) -> None:
    """Write N(0, 1) numbers to `out` (n,), float32, from the words `start`, `start` + 1, ... of stream `key`.

    ceil(n / 2) words are used: streams that follow one another must be as far apart.
    """
    n = out.shape[0]
    half = (n + 1) // 2
    words = np.empty(half, np.uint64)
    for i in range(half):
        words[i] = draw_bits(key, start + i)
    radii = (words >> _S32).astype(np.uint32).astype(np.float32) * _STEP + _HALF_STEP
    low = words.astype(np.uint32)
    angles = (low >> _B3).astype(np.float32) * _ANGLE
    bits = radii.view(np.uint32)
    exponents = (bits >> _B23).astype(np.int32)
    mantissas = ((bits & _MANTISSA) | _ONE_BITS).view(np.float32)
    for i in range(half):
        # ln m = 2 artanh t, t = (m - 1) / (m + 1) <= 1/3
        t = (mantissas[i] - _ONE) / (mantissas[i] + _ONE)
        t2 = t * t
        series = _ONE + t2 * (_L3 + t2 * (_L5 + t2 * (_L7 + t2 * (_L9 + t2 * _L11))))
        logarithm = np.float32(exponents[i] - 127) * _LN2 + _TWO * t * series
        radius = np.sqrt(max(-_TWO * logarithm, _ZERO))
        a = angles[i]
        a2 = a * a
        sine = a * (_ONE + a2 * (_SIN3 + a2 * (_SIN5 + a2 * _SIN7)))
        cosine = _ONE + a2 * (_COS2 + a2 * (_COS4 + a2 * (_COS6 + a2 * _COS8)))
        swap = (low[i] & _B4) != 0
        x = sine if swap else cosine
        y = cosine if swap else sine
        radii[i] = radius * (-x if (low[i] & _B1) != 0 else x)
        mantissas[i] = radius * (-y if (low[i] & _B2) != 0 else y)
    out[:half] = radii
    out[half:] = mantissas[: n - half]
