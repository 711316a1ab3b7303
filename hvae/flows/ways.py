"""How states follow a field from noise to a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.numerics import checks
from hvae.flows.field import Field, Velocity


class Way(Protocol):
    """A way to follow a field."""

    @property
    def steps(self) -> int:
        """Steps from noise to sample."""
        ...

    @property
    def settlings(self) -> int:
        """How often the hidden neurons settle for a sample."""
        ...

    def follow(self, field: Any, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return where `field` carries the states `x` (n, d) of noise; `rng` draws what noise there is on the way."""
        ...


@dataclass(frozen=True, kw_only=True)
class Heun:
    """Heun's method on dx/dt = v(x, t) from t = 0 to 1, two settlings a step."""

    steps: int = 30

    def __post_init__(self) -> None:
        checks.at_least("steps", self.steps, 1)

    @property
    def settlings(self) -> int:
        """Two a step."""
        return 2 * self.steps

    def follow(self, field: Velocity, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return where the states `x` (n, d) of t = 0 are at t = 1; nothing is drawn."""
        del rng
        size = x.dtype.type(1 / self.steps)
        for step in range(self.steps):
            now, then = (np.full(len(x), (step + k) / self.steps, x.dtype) for k in (0, 1))
            first = field.velocity(x, now)
            second = field.velocity(x + size * first, then)
            x = x + size * (first + second) / 2
        return x


@dataclass(frozen=True, kw_only=True)
class Denoising(Heun):
    """Heun's method on dx/dt = v(x, t), but for the last step, one of Euler's: it ends at the clean sample."""

    @property
    def settlings(self) -> int:
        """Two a step, one in the last."""
        return 2 * self.steps - 1

    def follow(self, field: Velocity, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return where the states `x` (n, d) of t = 0 are at t = 1; nothing is drawn."""
        del rng
        size = x.dtype.type(1 / self.steps)
        for step in range(self.steps):
            now, then = (np.full(len(x), (step + k) / self.steps, x.dtype) for k in (0, 1))
            velocity = field.velocity(x, now)
            if step + 1 < self.steps:
                velocity = (velocity + field.velocity(x + size * velocity, then)) / 2
            x = x + size * velocity
        return x


@dataclass(frozen=True, kw_only=True)
class Relaxation:
    """Descent of E*(x) by x <- x + v(x) length / steps, hidden neurons settling from where they were.

    E* = min_h E is nowhere stiffer than the pixels' leak, which is 1. A step of at most one time constant therefore
    never raises it, E*(x + a v) <= E*(x) - a (1 - a / 2) |v|^2 while the hidden neurons stay in their minimum; where
    they leave it, they fall to a lower one.

    Attributes
    ----------
    length : float
        In time constants of the pixels.
    steps : int

    Raises
    ------
    InvalidValue
        Steps longer than a time constant.
    """

    length: float
    steps: int

    def __post_init__(self) -> None:
        check_pace(self.length, self.steps)

    @property
    def settlings(self) -> int:
        """One a step."""
        return self.steps

    def follow(self, field: Field, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return where the states `x` (n, d) are after `length` time constants; nothing is drawn."""
        del rng
        size, hidden = x.dtype.type(self.length / self.steps), None
        never = np.zeros(len(x), x.dtype)
        for _ in range(self.steps):
            rest = field.rest(x, never, hidden)
            hidden = rest.settled.states
            x = x + size * field.at_rest(rest)
        return x


def check_pace(length: float, steps: int) -> None:
    """Raise `InvalidValue` unless `length` time constants are positive and no step of so many is longer than one."""
    checks.positive("length", length)
    if not steps >= length:
        raise InvalidValue(
            f"`steps` must be at least {length:g}, the time constants of the relaxation, but got {steps}"
        )
