"""A flow from N(0, I) to samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hvae.flows.field import Velocity
from hvae.flows.lessons import Units
from hvae.flows.matching import FlowMatching, Matching
from hvae.flows.ways import Way

_PORTION = 2000


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A generator: noise that follows a field.

    Attributes
    ----------
    field : Velocity
    units : Units
    matching : Matching
        What the field was taught to be.
    """

    field: Velocity
    units: Units
    matching: Matching = FlowMatching()  # noqa: RUF009 - it is frozen

    @property
    def devices(self) -> int:
        """Pairs of devices that a chip holds for it."""
        return self.field.devices

    def sample(self, count: int, rng: np.random.Generator, way: Way | None = None) -> np.ndarray:
        """Return samples (count, d), float64; by the matching's own `way` unless told otherwise."""
        noise = rng.standard_normal((count, len(self.units.mean))).astype(self.field.weights.dtype)
        chosen = way or self.matching.way()
        portions = (noise[first : first + _PORTION] for first in range(0, count, _PORTION))
        parts = [chosen.follow(self.field, portion, rng) for portion in portions]
        return self.units.outward(np.concatenate(parts))
