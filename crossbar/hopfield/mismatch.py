"""Neurons that are not alike: gain, offset, leak and pull of each differ by what transistors of one size differ by.

A neuron of the chip gives rho(a (s - o)) where its law says rho(s), and leaks l s where its law says s: at rest
l s = a rho'(a (s - o)) u. An error of the multiplier by rho' is one of the leak, as only their quotient decides where
the neuron rests. So an energy exists all the same, phi = l s^2 / 2, and equilibrium propagation on such a chip is as
exact as on a perfect one: it learns with the neurons that there are. A neuron that is pulled by p where nothing pulls,
as by the offset of its sense amplifier, receives u + p: a constant field, -p.r in the energy.

In x = a (s - o), which the law itself has for its state, the energy of eq. (1) only gains a quadratic and a linear
term, (l / a^2 - 1) x^2 / 2 + (l o / a) x: to a solver a nudge that is always on.

References
----------
Pelgrom, Duinmaijer and Welbers, IEEE J. Solid-State Circuits 24, 1433 (1989), doi:10.1109/JSSC.1989.572629 (what
neighbouring transistors differ by).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.numerics import checks


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Standard deviations over the neurons of a chip.

    Attributes
    ----------
    gain : float
        Of log a: 0.05 makes gains differ by 5 %.
    offset : float
        Of o, in units of the state.
    leak : float
        Of log l, the multiplier by rho' included.
    pull : float
        Of p, in units of the drive u = W rho.

    Raises
    ------
    InvalidValue
        One that is negative or not finite; gains, offsets or leaks above 1, where no neuron would be of use.
    """

    gain: float = 0.0
    offset: float = 0.0
    leak: float = 0.0
    pull: float = 0.0

    def __post_init__(self) -> None:
        for name in ("gain", "offset", "leak", "pull"):
            checks.not_negative(name, value := getattr(self, name))
            if value > 1 and name != "pull":
                raise InvalidValue(f"spread of `{name}` must be at most 1, but got {value}: no neuron would be of use")

    def draw(self, size: int, rng: np.random.Generator) -> Mismatch:
        """Return the neurons of one chip, `size` of them."""
        normal = rng.standard_normal((3, size))
        pulls = self.pull * rng.standard_normal(size) if self.pull else None  # older draws stay what they were
        return Mismatch(
            gain=np.exp(self.gain * normal[0]), offset=self.offset * normal[1], leak=np.exp(self.leak * normal[2]),
            pull=pulls,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Mismatch:
    """What each neuron of a chip has of its own, in the order of their states; float64.

    Attributes
    ----------
    gain : ndarray (n,)
        a, 1 in a perfect neuron.
    offset : ndarray (n,)
        o, 0 in a perfect neuron, in units of the state.
    leak : ndarray (n,)
        l, 1 in a perfect neuron.
    pull : ndarray (n,)
        p, 0 in a perfect neuron and where none is given, in units of the drive.

    Raises
    ------
    InvalidValue
        Arrays of other shapes, numbers that are not finite, gains or leaks that are not positive.
    """

    gain: np.ndarray
    offset: np.ndarray
    leak: np.ndarray
    pull: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.pull is None:
            object.__setattr__(self, "pull", np.zeros(np.shape(self.gain)))
        for name in ("gain", "offset", "leak", "pull"):
            array = np.asarray(getattr(self, name), dtype=np.float64)
            if array.ndim != 1 or array.shape != np.shape(self.gain):
                raise InvalidValue(f"`{name}` of the neurons must be (n,) like `gain`, but got {array.shape}")
            signed = name in ("offset", "pull")
            if not np.isfinite(array).all() or not (signed or (array > 0).all()):
                raise InvalidValue(f"`{name}` of the neurons must be finite{', positive' * (not signed)}")
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.gain)

    def select(self, neurons: slice | np.ndarray) -> Mismatch:
        """Return that of the `neurons`."""
        return Mismatch(
            gain=self.gain[neurons], offset=self.offset[neurons], leak=self.leak[neurons], pull=self.pulls[neurons]
        )

    @property
    def pulls(self) -> np.ndarray:
        """`pull`, which is always there once this is made."""
        return np.asarray(self.pull)

    def inner(self, states: np.ndarray) -> np.ndarray:
        """Return x = a (s - o), what the law has for its state, (batch, n)."""
        return self._like(states, self.gain) * (states - self._like(states, self.offset))

    def outer(self, inner: np.ndarray) -> np.ndarray:
        """Return s = o + x / a, (batch, n)."""
        return inner / self._like(inner, self.gain) + self._like(inner, self.offset)

    def _like(self, states: np.ndarray, array: np.ndarray) -> np.ndarray:
        return array.astype(states.dtype, copy=False)

    def standing(self, linear: np.ndarray, quadratic: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return, for x in place of s, the linear and quadratic terms of a nudge and of the neurons' errors together.

        Parameters
        ----------
        linear : ndarray (batch or 1, n)
        quadratic : ndarray (n,)
            Of a nudge sum (quadratic s^2 / 2 + linear s), zero where there is none.
        """
        gain, offset, leak = (self._like(linear, one) for one in (self.gain, self.offset, self.leak))
        of_s = leak + quadratic
        return (of_s * offset + linear) / gain, of_s / gain**2 - 1
