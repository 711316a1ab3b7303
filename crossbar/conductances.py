"""The devices of one network as a chip holds them: two matrices in siemens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real

import numpy as np

from crossbar.chip_checks import check_gains, check_name, check_numbers, check_positive, check_texts
from crossbar.errors import InvalidValue


@dataclass(frozen=True, kw_only=True)
class Conductances:
    """The devices that hold a weight matrix as differential pairs, W = (G+ - G-) / siemens_per_weight.

    With gains d of the lines (`crossbar.devices.line_gains`) W_ij = d_i (G+ - G-)_ij d_j / siemens_per_weight.

    A row is a neuron that drives, a column one that is driven, as in `crossbar.hopfield.couplings`: [source, target].
    With two devices a pair of neurons this matters, as W = W^T no longer holds.

    Attributes
    ----------
    plus, minus : ndarray (N, N)
        Conductances G+ and G- in siemens, [source, target]; zero where no device exists, as on the diagonal, or one
        that conducts nothing.
    siemens_per_weight : float
        Conductance difference that stands for a weight of 1, in siemens.
    device : str
        Name of the device preset; one line of printable ASCII.
    report : mapping
        What programming reported: pulses, failures, errors.
    gains : ndarray (N,) or None
        What each neuron's signal is multiplied by on its word line, and again what its bit lines bring; 1 if None.

    Raises
    ------
    InvalidValue
        A scale or a gain that is not positive and finite, matrices that are not square or not alike, a conductance that
        is negative, not finite or on the diagonal.
    """

    plus: np.ndarray
    minus: np.ndarray
    siemens_per_weight: float
    device: str
    report: Mapping[str, float] = field(default_factory=dict)
    gains: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_positive("`siemens_per_weight`", self.siemens_per_weight)
        check_name("`device`", self.device)
        check_texts("`report`", self.report, Real)
        size = np.shape(self.plus)[0] if np.ndim(self.plus) else 0
        if self.gains is not None:
            check_gains(self.gains, size)
        for name in ("plus", "minus"):
            side = getattr(self, name)
            if np.shape(side) != (size, size):
                raise InvalidValue(f"`{name}` must be {(size, size)}, but got {np.shape(side)}")
            check_numbers(f"`{name}`", side)
            if side.size and side.min() < 0:
                raise InvalidValue(f"`{name}` must not be negative, but its smallest conductance is {side.min():.3g} S")
            if side.diagonal().any():
                raise InvalidValue(
                    f"`{name}` must be zero on the diagonal, but {np.count_nonzero(side.diagonal())} conductances "
                    "there are not: no neuron couples with itself"
                )

    def weights(self) -> np.ndarray:
        """Return the weights (N, N) that the devices realise, [source, target]."""
        alike: np.ndarray = (self.plus - self.minus) / self.siemens_per_weight
        return alike if self.gains is None else alike * np.outer(self.gains, self.gains)
