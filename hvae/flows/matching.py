"""What a field is taught to be between noise x_0 and a sample x_1, x = (1 - t) x_0 + t x_1; how it is followed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hvae.config.flow import LENGTH, Teaching
from hvae.flows.ways import Denoising, Heun, Relaxation, Way


class Matching(Protocol):
    """A rule that says what the field is taught to be, c (x_1 - x_0)."""

    @property
    def length(self) -> float:
        """Time constants of the pixels from noise to image: how long dx/dt = v is followed."""
        ...

    def times(self, drawn: np.ndarray) -> np.ndarray:
        """Return the times t (n,) in [0, 1) at which the field is taught, from uniformly `drawn` numbers (n,)."""
        ...

    def share(self, t: np.ndarray) -> np.ndarray:
        """Return the share c (n,) of x_1 - x_0 that the field is taught at `t` (n,)."""
        ...

    def way(self, steps: int | None = None) -> Way:
        """Return how the field is followed, in so many `steps` or in as many as are enough."""
        ...


@dataclass(frozen=True)
class FlowMatching:
    """The field of the time, v(x, t) = x_1 - x_0 on average (Lipman et al., arXiv:2210.02747), followed from 0 to 1.

    >>> FlowMatching().way().steps
    30
    """

    length = 1.0

    def times(self, drawn: np.ndarray) -> np.ndarray:
        """Return `drawn`: any time is as likely."""
        return drawn

    def share(self, t: np.ndarray) -> np.ndarray:
        """Return 1 at every time."""
        return np.ones_like(t)

    def way(self, steps: int | None = None) -> Way:
        """Return Heun's method."""
        return Heun() if steps is None else Heun(steps=steps)


@dataclass(frozen=True)
class EquilibriumMatching:
    """A field without time, which vanishes at the samples: v(x) = c(t) (x_1 - x_0) on average, c(1) = 0.

    Equilibrium matching (Wang and Du, arXiv:2510.02300) leaves c open. Here c(t) = 1 - t, for then v = x_1 - x: what
    hidden neurons bring to the pixels is the clean sample, and the pixels' own leak does the rest. A steeper end is
    out of reach, since E* = min_h E is nowhere stiffer than the leak, d^2 E*/dx^2 <= 1.

    The chip follows dx/ds = x_1 - x, s in time constants of the pixels, so that 1 - t = exp(-s). It is taught where it
    will be, at s uniform from 0 to `length`. We depart from the paper in that: it draws t uniformly.

    Attributes
    ----------
    length : float
        When the pixels are read.

    Examples
    --------
    >>> rule = EquilibriumMatching(length=2.0)
    >>> rule.times(np.array([0.0, 0.5])).round(3).tolist(), rule.share(np.array([0.25])).tolist()
    ([0.0, 0.632], [0.75])
    """

    length: float = LENGTH

    def times(self, drawn: np.ndarray) -> np.ndarray:
        """Return 1 - exp(-length drawn)."""
        found: np.ndarray = -np.expm1(-self.length * drawn)
        return found

    def share(self, t: np.ndarray) -> np.ndarray:
        """Return 1 - t."""
        return 1 - t

    def way(self, steps: int | None = None) -> Way:
        """Return a descent of E*, by steps of half a time constant unless told otherwise."""
        return Relaxation(length=self.length, steps=steps or math.ceil(2 * self.length))


@dataclass(frozen=True)
class Denoised(FlowMatching):
    """Flow matching by a denoiser (`hvae.flows.denoiser`), whose velocity has no value at t = 1."""

    def way(self, steps: int | None = None) -> Way:
        """Return Heun's method, whose last step takes the clean sample."""
        return Denoising() if steps is None else Denoising(steps=steps)


def of(teaching: Teaching) -> Matching:
    """Return the rule of `teaching`."""
    rules: dict[str, Matching] = {
        "flow": FlowMatching(), "equilibrium": EquilibriumMatching(length=teaching.length), "denoiser": Denoised(),
    }  # fmt: skip
    return rules[teaching.matching]
