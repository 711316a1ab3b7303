"""Langevin dynamics: a field followed with noise, whose states are samples of exp(-E*/T)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.numerics import checks
from hvae.flows.field import Field
from hvae.flows.matching import Matching
from hvae.flows.ways import Way, check_pace


@dataclass(frozen=True, kw_only=True)
class Langevin:
    """Overdamped Langevin dynamics dx = v(x, t) ds + sqrt(2 T) dw, at a temperature T that goes from `start` to `end`.

    At a constant temperature the states of a field without time come to be samples of exp(-E*(x) / T). Steps of size a
    are those of Leimkuhler and Matthews,

        x_k+1 = x_k + a v(x_k) + sqrt(2 T a) (xi_k + xi_k+1) / 2,

    whose stationary covariance is T H^-1 exactly where E* is quadratic, whatever the step; Euler's is larger, by
    (1 - a H / 2)^-1.

    Attributes
    ----------
    length : float
        In time constants of the pixels; the time of a field that has one goes from 0 to 1 meanwhile.
    steps : int
        At least as many.
    start, end : float
        Temperatures, linear in between.

    Raises
    ------
    InvalidValue
        Negative temperatures, or steps longer than a time constant.

    References
    ----------
    Leimkuhler and Matthews, Appl. Math. Res. eXpress 2013, 34, doi:10.1093/amrx/abs010.
    """

    length: float
    steps: int
    start: float
    end: float = 0.0

    def __post_init__(self) -> None:
        check_pace(self.length, self.steps)
        for name in ("start", "end"):
            checks.at_least(f"temperature {name}", getattr(self, name), 0)

    @property
    def settlings(self) -> int:
        """One a step."""
        return self.steps

    def follow(self, field: Field, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return where the states `x` (n, d) are after `length` time constants."""
        number = x.dtype.type
        size, hidden, before = number(self.length / self.steps), None, np.zeros_like(x)
        for step in range(self.steps):
            temperature = self.start + (self.end - self.start) * (step + 1) / self.steps
            rest = field.rest(x, np.full(len(x), step / self.steps, x.dtype), hidden)
            hidden = rest.settled.states
            noise = rng.standard_normal(x.shape, dtype=x.dtype)
            x = x + size * field.at_rest(rest) + number(np.sqrt(temperature * size / 2)) * (before + noise)
            before = noise
        return x


def warmed(rule: Matching, steps: int | None, temperature: float) -> Way:
    """Return the way of `rule` in so many `steps`; above a `temperature` of 0 Langevin dynamics of as many settlings.

    Raises
    ------
    InvalidValue
        A negative temperature, or too few steps.
    """
    way = rule.way(steps)
    checks.not_negative("temperature", temperature)
    return way if temperature == 0 else Langevin(length=rule.length, steps=way.settlings, start=temperature)
