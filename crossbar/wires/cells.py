"""Cells whose current is no multiple of their voltage: what a device of conductance G carries at V, and its slope.

G is the conductance at 0 V, in S, so that every law is Ohm's at small voltages. All laws rise: I(G, V) with dI/dV > 0.
Each of these also has `written(currents, volts)`, the G to write so that a cell carries the current at that voltage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.numerics import checks

NEWTON_STEPS = 60


class Cell(Protocol):
    """A law of cells."""

    def current(self, conductances: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return I in A of cells of `conductances` (S) at `volts`, of one shape."""
        ...

    def slope(self, conductances: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return dI/dV in S."""
        ...

    def volts(self, conductances: np.ndarray, currents: np.ndarray) -> np.ndarray:
        """Return V of cells that carry `currents` (A); 0 where nothing conducts."""
        ...


class SeparableCell(Cell, Protocol):
    """A law in which every device bends alike: I = G f(V)."""

    def drive(self, volts: np.ndarray) -> np.ndarray:
        """Return f in V, of any shape."""
        ...


@dataclass(frozen=True, slots=True)
class OhmicCell:
    """I = G V.

    Examples
    --------
    >>> import numpy as np
    >>> OhmicCell().current(np.array([1e-6]), np.array([0.5])).tolist()
    [5e-07]
    """

    def current(self, conductances: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return I."""
        return conductances * volts

    def slope(self, conductances: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return G."""
        return np.broadcast_to(conductances, np.broadcast_shapes(conductances.shape, volts.shape))

    def volts(self, conductances: np.ndarray, currents: np.ndarray) -> np.ndarray:
        """Return I / G."""
        return _over(currents, conductances)

    def written(self, currents: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return I / V."""
        return _conductances(currents, volts)


@dataclass(frozen=True, slots=True)
class SinhCell:
    """I = G v_0 sinh(V / v_0): hopping and tunnelling, as in the Stanford-PKU and Yakopcic models.

    Attributes
    ----------
    v_0 : float
        Volts at which the current is 17.5 % above Ohm's.

    Raises
    ------
    InvalidValue
        A `v_0` that is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> float(SinhCell(0.25).current(np.array(1e-6), np.array(0.25)) / (1e-6 * 0.25))
    1.1752011936438014
    """

    v_0: float

    def __post_init__(self) -> None:
        checks.positive("v_0", self.v_0)

    def drive(self, volts: np.ndarray) -> np.ndarray:
        """Return v_0 sinh(V / v_0)."""
        return self.v_0 * np.sinh(volts / self.v_0)

    def current(self, conductances: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return I."""
        return conductances * self.drive(volts)

    def slope(self, conductances: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return G cosh(V / v_0)."""
        return conductances * np.cosh(volts / self.v_0)

    def volts(self, conductances: np.ndarray, currents: np.ndarray) -> np.ndarray:
        """Return v_0 asinh(I / (G v_0))."""
        return self.v_0 * np.arcsinh(_over(currents, conductances) / self.v_0)

    def written(self, currents: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return I / f(V)."""
        return _conductances(currents, self.drive(volts))


@dataclass(frozen=True, slots=True)
class PolynomialCell:
    """I = G (V + b V^2 + c V^3), as measured curves are often given.

    Attributes
    ----------
    b, c : float
        1/V and 1/V^2. The current must rise: b^2 < 3 c, or both are 0.

    Raises
    ------
    InvalidValue
        A law that falls somewhere.

    Examples
    --------
    >>> import numpy as np
    >>> float(PolynomialCell(0.0, 2.0).current(np.array(1e-6), np.array(0.5)))
    7.5e-07
    """

    b: float
    c: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.b, self.c]).all() and (self.b**2 < 3 * self.c or self.b == self.c == 0)):
            raise InvalidValue(f"the current must rise with V (b^2 < 3 c), but got b = {self.b} and c = {self.c}")

    def drive(self, volts: np.ndarray) -> np.ndarray:
        """Return V + b V^2 + c V^3."""
        return volts * (1 + volts * (self.b + volts * self.c))

    def current(self, conductances: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return I."""
        return conductances * self.drive(volts)

    def slope(self, conductances: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return G (1 + 2 b V + 3 c V^2)."""
        return conductances * (1 + volts * (2 * self.b + volts * (3 * self.c)))

    def volts(self, conductances: np.ndarray, currents: np.ndarray) -> np.ndarray:
        """Return the one real root of the cubic, in hyperbolic form."""
        ohmic = _over(currents, conductances)
        if self.c == 0:
            return ohmic
        shift = self.b / (3 * self.c)
        p = 1 / self.c - 3 * shift**2
        q = 2 * shift**3 - shift / self.c - ohmic / self.c
        return -2 * np.sqrt(p / 3) * np.sinh(np.arcsinh(1.5 * q / p * np.sqrt(3 / p)) / 3) - shift

    def written(self, currents: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return I / f(V)."""
        return _conductances(currents, self.drive(volts))


@dataclass(frozen=True, slots=True)
class SelectedCell:
    """A device of G behind a selector or a transistor: V = I / G + r I + v_s asinh(I / i_s).

    A transistor that is on is `r`; a selector that both signs open is `i_s` and `v_s`, without one `v_s` = 0. Here G is
    the device's own conductance: through its selector a cell conducts less.

    Attributes
    ----------
    r : float
        Ohm in series.
    i_s, v_s : float
        A and V: below `i_s` the selector is a resistor of v_s / i_s, above it takes v_s ln(2 I / i_s).

    Raises
    ------
    InvalidValue
        A negative resistance or voltage, a current that is not positive.

    Examples
    --------
    One megohm behind another:

    >>> import numpy as np
    >>> float(SelectedCell(r=1e6).current(np.array(1e-6), np.array(1.0)))
    5e-07
    """

    r: float = 0.0
    i_s: float = 1e-9
    v_s: float = 0.0

    def __post_init__(self) -> None:
        checks.not_negative("r", self.r)
        checks.not_negative("v_s", self.v_s)
        checks.positive("i_s", self.i_s)

    def current(self, conductances: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return I, by Newton's method on x = asinh(I / i_s), in which no step overshoots for long.

        Raises
        ------
        InvalidValue
            It was not found in `NEWTON_STEPS`; no finite numbers do that.
        """
        conductances, volts = np.broadcast_arrays(conductances, volts)
        ohm = np.divide(1.0, conductances, out=np.zeros(volts.shape), where=conductances > 0) + self.r
        linear = volts / np.where(ohm > 0, ohm, 1.0)
        if self.v_s == 0:
            return np.where(conductances > 0, linear, 0.0)
        size = np.abs(volts)
        x = np.minimum(np.arcsinh(np.abs(linear) / self.i_s), size / self.v_s)  # from above: f is convex, so it falls
        for _ in range(NEWTON_STEPS):
            step = (ohm * self.i_s * np.sinh(x) + self.v_s * x - size) / (ohm * self.i_s * np.cosh(x) + self.v_s)
            x = x - step
            if (np.abs(step) <= 1e-15 * (1 + x)).all():
                return np.where(conductances > 0, np.copysign(self.i_s * np.sinh(x), volts), 0.0)
        raise InvalidValue(f"no current was found for a cell of {self} in {NEWTON_STEPS} steps; check its numbers")

    def slope(self, conductances: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return 1 / (dV/dI)."""
        current = self.current(conductances, volts)
        through = conductances * (self.r + self.v_s / np.sqrt(self.i_s**2 + current**2))
        return conductances / (1 + through)

    def volts(self, conductances: np.ndarray, currents: np.ndarray) -> np.ndarray:
        """Return V."""
        return _over(currents, conductances) + self.r * currents + self.v_s * np.arcsinh(currents / self.i_s)

    def written(self, currents: np.ndarray, volts: np.ndarray) -> np.ndarray:
        """Return I / (V - r I - v_s asinh(I / i_s)): what is left for the device.

        Raises
        ------
        InvalidValue
            Nothing is left: behind such a selector no device carries the current.

        Examples
        --------
        Two megohms in all, one of them the transistor's:

        >>> import numpy as np
        >>> float(SelectedCell(r=1e6).written(np.array(5e-7), np.array(1.0)))
        1e-06
        """
        return _conductances(currents, volts - self.r * currents - self.v_s * np.arcsinh(currents / self.i_s))


def _conductances(currents: np.ndarray, volts: np.ndarray) -> np.ndarray:
    """Return I / V of one sign, 0 for no current; raise where the device's voltage has another sign or is none."""
    currents, volts = np.broadcast_arrays(currents, volts)
    carries = currents != 0
    if (np.sign(volts) != np.sign(currents))[carries].any():
        worst = float(np.abs(currents[carries]).max())
        raise InvalidValue(
            f"no device carries up to {worst:.3g} A at this voltage: nothing is left for it; take a higher voltage, or "
            "smaller currents of its sign"
        )
    return np.divide(currents, volts, out=np.zeros(currents.shape), where=carries)


def _over(currents: np.ndarray, conductances: np.ndarray) -> np.ndarray:
    """Return I / G, and 0 where G is 0."""
    shape = np.broadcast_shapes(np.shape(currents), np.shape(conductances))
    return np.divide(currents, conductances, out=np.zeros(shape), where=np.broadcast_to(conductances, shape) > 0)
