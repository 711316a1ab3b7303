"""What a neuron does with its state: the paper's rho of appendix B.1, linear neurons, Hopfield's classical ones.

A neuron has a state s and gives a signal r = rho(s). Its own part of the energy, phi, is convex in r; with the pull
u = W r + drive that it receives, the energy of a network is E = sum phi(r) - r.W r / 2 - drive.r (eq. 1).

=============  ========================  ==========================  ======================================
neuron         signal r                  phi                         rests where
=============  ========================  ==========================  ======================================
`Sigmoid`      1 / (1 + exp(-gain s))    s^2 / 2                     s = rho'(s) u, the paper's eq. (2)
`Linear`       s                         s^2 / 2                     s = u
`Saturating`   s                         s^2 / 2 + s^10 / (10 L^8)   s + s (s / L)^8 = u, beside its supply at +-L
`Classical`    1 / (1 + exp(-gain s))    integral of s dr            s = u, Hopfield's own of 1984
=============  ========================  ==========================  ======================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from crossbar.errors import InvalidValue, unknown_name
from crossbar.numerics import checks

GAIN = 3.0
"""Slope parameter of the paper's compressed sigmoid (appendix B.1), without unit."""

REACH = 12.0
"""Largest gain |s| that the fast solvers consider: |s| = 4 at gain 3, which takes a pull of 2e5."""


def rho(states: np.ndarray, gain: float = GAIN) -> np.ndarray:
    """Return the signals rho(s) = 1 / (1 + exp(-gain s)), elementwise, without overflow.

    Examples
    --------
    >>> float(rho(np.array(0.0)))
    0.5
    """
    half = states.dtype.type(0.5)
    signals = np.multiply(states, half * states.dtype.type(gain))
    np.tanh(signals, out=signals)
    signals *= half
    signals += half
    return signals


def rho_slope(signals: np.ndarray, gain: float = GAIN) -> np.ndarray:
    """Return rho'(s) = gain rho (1 - rho), from the signals rho(s)."""
    return signals.dtype.type(gain) * signals * (1 - signals)


def state_of(signals: np.ndarray, gain: float = GAIN) -> np.ndarray:
    """Return the states s = log(rho / (1 - rho)) / gain that give `signals`."""
    return np.log(signals / (1 - signals)) / signals.dtype.type(gain)


class Neuron(Protocol):
    """A law of neurons; arrays of any shape, of float32 or float64.

    Attributes
    ----------
    name : str
        What files and configurations call it.
    kind : int
        What the kernels call it, see `crossbar.hopfield.kernels.laws`.
    follows : bool
        Whether the signal is the state itself: then neurons of one block have no couplings among themselves.
    gain : float
        Slope parameter of rho; 1 where rho has none.
    number : float
        The one number that a law has in files and kernels: gain or limit; 1 where it has none.
    """

    name: ClassVar[str]
    kind: ClassVar[int]
    follows: ClassVar[bool]

    @property
    def gain(self) -> float: ...  # noqa: D102

    @property
    def number(self) -> float: ...  # noqa: D102

    def signal(self, states: np.ndarray) -> np.ndarray:
        """Return r = rho(s)."""
        ...

    def slope(self, signals: np.ndarray) -> np.ndarray:
        """Return rho'(s), from the signals."""
        ...

    def state(self, signals: np.ndarray) -> np.ndarray:
        """Return the s that gives `signals`."""
        ...

    def energy(self, states: np.ndarray) -> np.ndarray:
        """Return phi, zero at s = 0."""
        ...

    def force(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return dE/ds, the pull given."""
        ...

    def curvature(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return the part of d2E/ds2 that no coupling makes."""
        ...

    def bend(self, signals: np.ndarray) -> np.ndarray:
        """Return rho''(s), from the signals."""
        ...

    def stiffness(self, states: np.ndarray, signals: np.ndarray) -> np.ndarray:
        """Return the curvature at rest, where dE/ds = 0 tells the pull; `states` may hold a force of errors too."""
        ...

    def twist(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return d curvature / ds, the pull held."""
        ...


@dataclass(frozen=True)
class _Logistic:
    """What neurons with rho(s) = 1 / (1 + exp(-gain s)) share."""

    gain: float = GAIN
    follows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check("gain", self.gain)

    @property
    def number(self) -> float:
        """The gain."""
        return self.gain

    def signal(self, states: np.ndarray) -> np.ndarray:
        """Return r = 1 / (1 + exp(-gain s))."""
        return rho(states, self.gain)

    def slope(self, signals: np.ndarray) -> np.ndarray:
        """Return gain r (1 - r)."""
        return rho_slope(signals, self.gain)

    def bend(self, signals: np.ndarray) -> np.ndarray:
        """Return gain^2 r (1 - r) (1 - 2 r)."""
        return self.gain * (1 - 2 * signals) * self.slope(signals)

    def third(self, signals: np.ndarray) -> np.ndarray:
        """Return the third derivative of rho, gain^3 r (1 - r) (1 - 6 r (1 - r))."""
        return self.gain**2 * (1 - 6 * signals * (1 - signals)) * self.slope(signals)

    def state(self, signals: np.ndarray) -> np.ndarray:
        """Return log(r / (1 - r)) / gain."""
        return state_of(signals, self.gain)


@dataclass(frozen=True)
class Sigmoid(_Logistic):
    """The paper's neuron: ds/dt = -s + rho'(s) u with rho(s) = sigmoid(gain s), eq. (2) and appendix B.1."""

    name: ClassVar[str] = "sigmoid"
    kind: ClassVar[int] = 0

    def energy(self, states: np.ndarray) -> np.ndarray:
        """Return s^2 / 2."""
        return 0.5 * states**2

    def force(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return s - rho'(s) u."""
        return states - self.slope(signals) * pull

    def curvature(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return 1 - rho''(s) u."""
        return 1 - self.bend(signals) * pull

    def stiffness(self, states: np.ndarray, signals: np.ndarray) -> np.ndarray:
        """Return 1 + gain s (2 r - 1), as u = s / rho'(s) there; at least 1."""
        return 1 + states.dtype.type(self.gain) * states * (2 * signals - 1)

    def twist(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return -rho''' u."""
        return -self.third(signals) * pull


@dataclass(frozen=True)
class Linear:
    """A neuron that gives its state as its signal: ds/dt = -s + u. On a chip a follower, no sigmoid and no multiplier.

    Neurons of a linear block have no couplings among themselves: nothing would bound them.
    """

    name: ClassVar[str] = "linear"
    kind: ClassVar[int] = 1
    follows: ClassVar[bool] = True
    gain: ClassVar[float] = 1.0
    number: ClassVar[float] = 1.0

    def signal(self, states: np.ndarray) -> np.ndarray:
        """Return s itself."""
        return states.copy()

    def slope(self, signals: np.ndarray) -> np.ndarray:
        """Return 1."""
        return np.ones_like(signals)

    def bend(self, signals: np.ndarray) -> np.ndarray:
        """Return 0."""
        return np.zeros_like(signals)

    def state(self, signals: np.ndarray) -> np.ndarray:
        """Return r itself."""
        return signals.copy()

    def energy(self, states: np.ndarray) -> np.ndarray:
        """Return s^2 / 2."""
        return 0.5 * states**2

    def force(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return s - u."""
        return states - pull

    def curvature(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return 1."""
        return np.ones_like(states)

    def stiffness(self, states: np.ndarray, signals: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return 1."""
        return np.ones_like(states)

    def twist(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return 0."""
        return np.zeros_like(states)


@dataclass(frozen=True)
class Saturating(Linear):
    """A linear neuron that has a supply: ds/dt = -s - s (s / limit)^8 + u, whose leak doubles at s = +-limit.

    Below half of the limit it is linear to 0.4 %; a pull of ten times the limit takes it to 1.26 times. That is a
    capacitor whose current sources and clamps end at the rails. phi is convex, so that an energy exists, and
    equilibrium propagation is as exact as on a linear neuron. The exponent 8 is ours: a diode's is sharper, a
    differential pair's tanh is softer.
    """

    limit: float

    name: ClassVar[str] = "saturating"
    kind: ClassVar[int] = 3

    def __post_init__(self) -> None:
        _check("limit", self.limit)

    @property
    def number(self) -> float:  # type: ignore[override]
        """The limit."""
        return self.limit

    def _beyond(self, states: np.ndarray) -> np.ndarray:
        """Return (s / limit)^8."""
        fourth = (states / states.dtype.type(self.limit)) ** 4
        return fourth * fourth

    def stiffening(self, states: np.ndarray) -> np.ndarray:
        """Return 9 (s / limit)^8, the curvature that the supply makes: it is without bound, unlike all else."""
        return 9 * self._beyond(states)

    def energy(self, states: np.ndarray) -> np.ndarray:
        """Return s^2 / 2 + s^2 (s / limit)^8 / 10."""
        return states**2 * (0.5 + 0.1 * self._beyond(states))

    def force(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return s + s (s / limit)^8 - u."""
        return states * (1 + self._beyond(states)) - pull

    def curvature(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return 1 + 9 (s / limit)^8."""
        return 1 + self.stiffening(states)

    def stiffness(self, states: np.ndarray, signals: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return 1 + 9 (s / limit)^8, s = r."""
        return 1 + self.stiffening(signals)

    def twist(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return 72 (s / limit)^7 / limit."""
        scaled = states / states.dtype.type(self.limit)
        return states.dtype.type(72 / self.limit) * scaled**7


@dataclass(frozen=True)
class Classical(_Logistic):
    """Hopfield's neuron of 1984: ds/dt = -s + u with rho(s) = sigmoid(gain s); no multiplier by rho' on the chip.

    Its phi is the integral of s dr, so that dE/ds = rho'(s) (s - u): the same rests as ds/dt has. Where it saturates,
    signals tell little of s: in float32 the fast solvers end at gain |s| = 14, in float64 at 34.

    References
    ----------
    Hopfield, Proc. Natl. Acad. Sci. USA 81, 3088 (1984), doi:10.1073/pnas.81.10.3088.
    """

    name: ClassVar[str] = "classical"
    kind: ClassVar[int] = 2

    def energy(self, states: np.ndarray) -> np.ndarray:
        """Return s r - log((1 + exp(gain s)) / 2) / gain, the integral of s dr."""
        scaled = self.gain * states
        return states * self.signal(states) - (np.logaddexp(0, scaled) - np.log(2)) / self.gain

    def force(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return rho'(s) (s - u)."""
        return self.slope(signals) * (states - pull)

    def curvature(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return rho'(s) + rho''(s) (s - u)."""
        return self.slope(signals) + self.bend(signals) * (states - pull)

    def stiffness(self, states: np.ndarray, signals: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Return rho'(s), as u = s there."""
        return self.slope(signals)

    def twist(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return 2 rho'' + rho''' (s - u)."""
        return 2 * self.bend(signals) + self.third(signals) * (states - pull)


LAWS: dict[str, type[Sigmoid] | type[Linear] | type[Saturating] | type[Classical]] = {
    law.name: law for law in (Sigmoid, Linear, Saturating, Classical)
}
"""The laws by their names."""


def neuron(name: str, number: float = GAIN) -> Neuron:
    """Return the neuron that files and configurations call `name`, with its gain or limit; a linear one has none.

    Raises
    ------
    UnknownName
        There is no such neuron.

    Examples
    --------
    >>> neuron("sigmoid"), neuron("linear"), neuron("saturating", 6.0)
    (Sigmoid(gain=3.0), Linear(), Saturating(limit=6.0))
    """
    if name not in LAWS:
        raise unknown_name("neuron", name, LAWS)
    return Linear() if name == Linear.name else LAWS[name](number)  # type: ignore[call-arg]


def named(law: str | Neuron, gain: float = GAIN) -> Neuron:
    """Return the law that a caller calls `law`, with its `gain`; or that which the caller gives.

    Raises
    ------
    UnknownName
        There is no such neuron.
    InvalidValue
        A name of a law that needs more than a gain.
    """
    if not isinstance(law, str):
        return law
    if law == Saturating.name:
        raise InvalidValue("a saturating neuron has a limit and no gain: give `Saturating(limit)` in place of its name")
    return neuron(law, gain)


def _check(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise InvalidValue(f"`{name}` must be positive and finite, but got a {type(value).__name__}")
    checks.positive(name, float(value))
