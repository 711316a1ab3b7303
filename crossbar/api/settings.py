"""From the short words of the public classes (`dac=8`, `read_noise=0.02`) to an `ArrayConfig`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import Converter
from crossbar.arrays.read_noise import ReadNoise
from crossbar.devices.fitting import Fit
from crossbar.devices.law import PulsedLaw
from crossbar.devices.presets import Preset
from crossbar.errors import InvalidValue, unknown_name

Device = str | Path | Preset | PulsedLaw | Fit | None
Conversion = int | tuple[int | None, float] | Converter | None
"""A number of bits with a safe range, (bits, range), or the converter itself."""

HEADROOM = 1 + 1e-5  # of a safe range: rounding of a long sum must not saturate it
MOST_BYTES = 4 * 2**30  # of the square matrix that holds all couplings
KNOWN = tuple(field.name for field in fields(ArrayConfig))


def array_config(
    *, device: Device, dac: Converter | None, read_noise: float | ReadNoise, given: Mapping[str, Any]
) -> ArrayConfig:
    """Return the configuration of these words and of further fields `given` by name, without an ADC yet.

    Raises
    ------
    UnknownName
        A field that `ArrayConfig` does not have.
    InvalidValue
        A value that cannot be meant.
    """
    for name in given:
        if name not in KNOWN:
            raise unknown_name("field of an array", name, KNOWN)
    chosen = {"dtype": "float64", **device_fields(device), **given}
    return ArrayConfig(dac=dac, read_noise=noise_law(read_noise), **chosen)


def device_fields(device: Device) -> dict[str, Any]:
    """Return what a device says of an array: its law and, of a fitted one, its range."""
    if isinstance(device, Fit):
        low, high = device.bounds
        return {"device": device.law, "g_min": low, "g_max": high}
    if isinstance(device, Path):
        return {"device": str(device)}
    if device is not None and not isinstance(device, str | Preset | PulsedLaw):
        raise InvalidValue(f"`device` must be a preset's name, a file, a preset, a law or a fit, but got {device!r}")
    return {"device": device}


def noise_law(noise: float | ReadNoise) -> ReadNoise:
    """Return the law of the read noise; a number is the standard deviation of every device, as a fraction of g_max."""
    if isinstance(noise, ReadNoise):
        return noise
    if isinstance(noise, bool) or not isinstance(noise, int | float | np.number):
        raise InvalidValue(f"`read_noise` must be a fraction of g_max or a `ReadNoise`, but got {noise!r}")
    return ReadNoise(additive=float(noise))


def input_converter(asked: Conversion, *, bipolar: bool) -> Converter | None:
    """Return the DAC: of a number of bits for signals up to 1 in magnitude, below zero too where `bipolar`."""
    if asked is None or isinstance(asked, Converter):
        return asked
    bits, high = _bits_and_range("dac", asked, 1.0)
    return Converter(bits=bits, low=-high if bipolar else 0.0, high=high)


def output_converter(asked: Conversion, largest: float) -> Converter | None:
    """Return the ADC: of a number of bits for sums up to `largest` in magnitude, which it never saturates."""
    if asked is None or isinstance(asked, Converter):
        return asked
    bits, high = _bits_and_range("adc", asked, HEADROOM * largest if largest > 0 else 1.0)
    return Converter(bits=bits, low=-high, high=high)


def _bits_and_range(name: str, asked: Any, safe: float) -> tuple[int | None, float]:
    bits, high = asked if isinstance(asked, tuple) and len(asked) == 2 else (asked, safe)
    whole = isinstance(bits, int | np.integer) and not isinstance(bits, bool)
    if not (whole or (bits is None and isinstance(asked, tuple))) or not isinstance(high, int | float | np.number):
        raise InvalidValue(f"`{name}` must be a number of bits, (bits, range) or a `Converter`, but got {asked!r}")
    return None if bits is None else int(bits), float(high)


def matrix_of(name: str, values: Any, *, square: bool = False) -> np.ndarray:
    """Return `values` as a finite, real float64 matrix.

    Raises
    ------
    InvalidValue
        No matrix, an empty one, one that is not square though it must be, or values that are not finite real numbers.
    """
    matrix = real(name, values)
    if matrix.ndim != 2 or not matrix.size or (square and matrix.shape[0] != matrix.shape[1]):
        wanted = "a square matrix (N, N)" if square else "a matrix (m, n)"
        raise InvalidValue(f"`{name}` must be {wanted} with entries, but has shape {matrix.shape}")
    return matrix


def real(name: str, values: Any) -> np.ndarray:
    """Return `values` as finite float64 of any shape."""
    try:
        given = np.asarray(values)
        if np.iscomplexobj(given):
            raise InvalidValue(f"`{name}` must be real, but is complex")
        array = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidValue):
            raise
        raise InvalidValue(f"`{name}` must be real numbers: {error}") from error
    if not np.isfinite(array).all():
        raise InvalidValue(f"`{name}` must be finite, but some entries are not")
    return array


def lines_of(name: str, values: Any, axis: int, size: int) -> np.ndarray:
    """Return `values` as signals on `size` lines, (size,) or with one axis more, `axis` being that of the lines."""
    signals = real(name, values)
    if signals.ndim not in (1, 2) or signals.shape[axis] != size:
        several = f"({size}, k)" if axis == 0 else f"(k, {size})"
        raise InvalidValue(f"`{name}` must be ({size},) or {several}, a value a line, but got {signals.shape}")
    return signals


def counts_of(name: str, counts: Any, shape: tuple[int, int]) -> np.ndarray:
    """Return `counts`, one number or `shape` (m, n), as whole numbers of pulses in the order of the devices (n, m)."""
    given = np.asarray(counts)
    if not np.issubdtype(given.dtype, np.integer):
        raise InvalidValue(f"`{name}` must hold whole numbers of pulses, but got {given.dtype}")
    if given.shape not in ((), shape):
        raise InvalidValue(f"`{name}` must be one number or {shape}, but got {given.shape}")
    return np.broadcast_to(given, shape).T


def seed_of(seed: Any) -> np.random.SeedSequence:
    """Return the root of all random streams of an object.

    Raises
    ------
    InvalidValue
        A seed that is no whole number from 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InvalidValue(f"`seed` must be a whole number, zero or more, but got {seed!r}")
    return np.random.SeedSequence(int(seed))


def check_size(n_lines: int) -> None:
    """Raise `InvalidValue` where the square matrix of `n_lines` neurons would not fit an ordinary memory."""
    if 8 * n_lines**2 > MOST_BYTES:
        raise InvalidValue(
            f"an array of {n_lines} lines in all needs a square matrix of {8 * n_lines**2 / 2**30:.0f} GiB, "
            f"at most {MOST_BYTES / 2**30:.0f} are allowed: cut the matrix into several arrays"
        )
