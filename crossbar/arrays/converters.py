"""The converters at the edge of an array: digital to analog on its inputs, analog to digital on its outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossbar.array_fields import BIPOLAR_BITS, UNIPOLAR_BITS
from crossbar.arrays.kernels.reads import quantise
from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import real_signals
from crossbar.hopfield.network import Network, Patch

SMALLEST = 1e-30  # range whose steps, and their inverses, are numbers in single precision


def check_whole(name: str, value: object) -> None:
    """Raise `InvalidValue` unless `value` is a whole number."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InvalidValue(f"`{name}` must be a whole number, but got {value!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Converter:
    """A converter with a range and equal steps, of either direction.

    A unipolar one (``low`` 0) has 2^bits codes from 0 to `high`; a bipolar one (``low`` = -`high`) has 2^bits - 1, so
    that zero is a code. What lies outside the range saturates. The 7-bit bipolar converter has steps of 1/63 of its
    range, as the default input of aihwkit has (arXiv:2104.02184).

    Attributes
    ----------
    bits : int or None
        Resolution; None converts without rounding, but still saturates.
    low, high : float
        Range: of a DAC in units of the signal rho(s), of an ADC in units of weight times signal.

    Raises
    ------
    InvalidValue
        Too few or too many bits, an empty range, or one that is neither unipolar nor symmetric.
    """

    bits: int | None
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.high) and self.high > 0):
            raise InvalidValue(f"`high` of a converter must be positive and finite, but got {self.high}")
        if self.low not in {0, -self.high}:
            raise InvalidValue(f"`low` of a converter must be 0 or -`high` ({-self.high}), but got {self.low}")
        if self.bits is not None:
            check_whole("bits", self.bits)
        if self.high < SMALLEST:
            raise InvalidValue(f"`high` of a converter must be at least {SMALLEST:g}, but got {self.high}")
        (UNIPOLAR_BITS if self.low == 0 else BIPOLAR_BITS).check("bits", self.bits)

    @property
    def step(self) -> float:
        """Distance of two codes; 0 without rounding."""
        if self.bits is None:
            return 0.0
        return (self.high - self.low) / (2**self.bits - (1 if self.low == 0 else 2))

    def convert(self, values: np.ndarray) -> np.ndarray:
        """Return `values` (rows, columns) as the converter represents them; whole numbers become float64."""
        values = real_signals("values", values, np.float64)
        out = np.empty_like(values)
        quantise(values, self.low, self.high, self.step, out)
        return out


def converted_inputs(
    signals: np.ndarray, patches: Sequence[Patch], network: Network, common: Converter, linear: Converter | None
) -> np.ndarray:
    """Return what the DACs make of `signals` (batch, n_sources): `linear` those of linear neurons, `common` the others.

    Columns of the signals are the sources of `patches`.
    """
    found = common.convert(signals)
    if linear is None:
        return found
    for name in linear_blocks(network):
        block = network.block(name)
        for patch in patches:
            start, stop = max(patch.sources.start, block.start), min(patch.sources.stop, block.stop)
            if start < stop:
                shift = patch.source_columns.start - patch.sources.start
                found[:, start + shift : stop + shift] = linear.convert(signals[:, start + shift : stop + shift])
    return found


def linear_blocks(network: Network) -> tuple[str, ...]:
    """Return the blocks of linear neurons, saturating ones included."""
    return tuple(name for name in network.names if network.law(name).follows)


def check_linear(network: Network, common: Converter | None, linear: Converter | None) -> None:
    """Raise `InvalidValue` where the DACs would cut the signals of linear neurons, which are signed and unbounded."""
    blocks = linear_blocks(network)
    if blocks and common is not None and common.low == 0 and linear is None:
        raise InvalidValue(
            f"`linear_dac` must be given beside `dac`, as dac(8, high=4.0, bipolar=True): neurons of {blocks[0]!r} are "
            "linear, and their signals are signed and exceed 1"
        )


def dac(bits: int | None = 7, *, high: float = 1.0, bipolar: bool = False) -> Converter:
    """Return an input converter for signals in [0, high], or [-high, high] where `bipolar`; rho(s) lies in [0, 1].

    Raises
    ------
    InvalidValue
        See `Converter`.

    Examples
    --------
    >>> import numpy as np
    >>> import crossbar as xb
    >>> xb.dac(2).convert(np.array([[0.3, 0.9, 1.5]]))
    array([[0.33333333, 1.        , 1.        ]])
    """
    return Converter(bits=bits, low=-high if bipolar else 0.0, high=high)


def adc(bits: int | None = 9, *, high: float) -> Converter:
    """Return an output converter for sums of weight times signal in [-high, high].

    Raises
    ------
    InvalidValue
        See `Converter`.

    Examples
    --------
    >>> import numpy as np
    >>> import crossbar as xb
    >>> xb.adc(3, high=6.0).convert(np.array([[-7.0, 0.4, 2.9]]))
    array([[-6.,  0.,  2.]])
    """
    return Converter(bits=bits, low=-high, high=high)
