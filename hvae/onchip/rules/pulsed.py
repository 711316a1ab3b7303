"""Rules without a memory beside the devices.

- ``pulsed-sgd``: the contrast sent as pulses by its encoding. Gokmen and Vlasov, Front. Neurosci. 10:333 (2016),
  doi:10.3389/fnins.2016.00333.
- ``sign``: one pulse where the batch's wanted change exceeds a threshold, the Manhattan rule with a dead zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossbar.arrays.array import CrossbarArray
from hvae.onchip.pulses import give_pulses, wanted_change


@dataclass(kw_only=True)
class PulsedSGD:
    """The contrast of every batch sent as it is, by the array's own encoding."""

    def learn(
        self, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float, rng: np.random.Generator
    ) -> None:
        """Send the contrast."""
        if response.any() and rate > 0:  # the first step of a warm-up asks for nothing
            array.update(response, mean, rate=rate, rng=rng)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return nothing: the devices remember."""
        return {}

    def hardware(self) -> dict[str, CrossbarArray]:
        """Return nothing: the array that learns is all."""
        return {}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take nothing."""


@dataclass(kw_only=True)
class Sign(PulsedSGD):
    """One pulse, by the sign of the batch's wanted change, where that exceeds `threshold` times its own rms.

    The learning rate has no say: a pulse is a pulse. (At threshold 0 every device is pulsed in every batch.)
    """

    threshold: float

    def learn(
        self, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float, rng: np.random.Generator
    ) -> None:
        """Give at most one pulse a device."""
        wanted = wanted_change(array, response, mean, rate)
        limit = self.threshold * float(np.sqrt(np.mean(wanted**2)))
        give_pulses(array, np.sign(wanted) * (np.abs(wanted) > limit), rng)
