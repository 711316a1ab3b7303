"""A flow from N(0, I) to samples: drawn from by Heun's steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hvae.flows.field import Field
from hvae.flows.lessons import Units

STEPS = 30  # of Heun's method, two settlings each
_PORTION = 2000


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A generator: noise that follows a field from t = 0 to 1.

    Attributes
    ----------
    field : Field
    units : Units
    """

    field: Field
    units: Units

    @property
    def devices(self) -> int:
        """Pairs of devices that a chip holds for it."""
        return self.field.devices

    def sample(self, count: int, rng: np.random.Generator, steps: int = STEPS) -> np.ndarray:
        """Return samples (count, d), float64, by `steps` of Heun's method."""
        noise = rng.standard_normal((count, len(self.units.mean))).astype(self.field.weights.dtype)
        parts = [self.follow(noise[first : first + _PORTION], steps) for first in range(0, count, _PORTION)]
        return self.units.outward(np.concatenate(parts))

    def follow(self, x: np.ndarray, steps: int = STEPS) -> np.ndarray:
        """Return where the states `x` (n, d) of t = 0 are at t = 1."""
        size = x.dtype.type(1 / steps)
        for step in range(steps):
            now, then = (np.full(len(x), (step + k) / steps, x.dtype) for k in (0, 1))
            first = self.field.velocity(x, now)
            second = self.field.velocity(x + size * first, then)
            x = x + size * (first + second) / 2
        return x
