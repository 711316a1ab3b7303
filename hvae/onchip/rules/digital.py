"""Rules with a digital number a weight.

- ``mixed-precision``: changes summed digitally, whole steps sent. Nandakumar et al., Front. Neurosci. 14:406 (2020),
  doi:10.3389/fnins.2020.00406. The changes may be those of an optimizer (momentum, Muon), which keeps another number a
  weight.
- ``float``: an optimizer on exact weights, the baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossbar.arrays.array import CrossbarArray
from hvae.config.run import RunConfig
from hvae.learning import optimizers
from hvae.onchip.arrays import below
from hvae.onchip.pulses import give_pulses, wanted_change, weight_step

MOMENTS = "moments/"  # of a digital optimizer, in a checkpoint


@dataclass(frozen=True, kw_only=True)
class Digital:
    """What an optimizer in floats would change, from the signals of a batch.

    Attributes
    ----------
    optimizer : Optimizer
        Of one symmetric matrix, ``w``, in the blocks of its network.
    roles : int
        How often an example appears in the signals of a batch.
    """

    optimizer: optimizers.Optimizer
    roles: int

    @classmethod
    def of(cls, config: RunConfig, array: CrossbarArray, roles: int) -> Digital:
        """Return the optimizer that `config` names, for the weights of `array`."""
        return cls(optimizer=optimizers.make(config.optimizer, {"w": array.network.spans}), roles=roles)

    def step(
        self, weights: np.ndarray, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float
    ) -> np.ndarray:
        """Return `weights` (N, N), changed in place by one step; `rate` is the learning rate over the batch."""
        batch = len(response) / self.roles
        gradient = -wanted_change(array, response, mean, 1 / batch)
        self.optimizer.step({"w": weights}, {"w": gradient}, rate * batch)
        return weights


@dataclass(kw_only=True)
class MixedPrecision:
    """chi += wanted change, digitally; every whole `threshold` steps of chi are sent as pulses and taken off it.

    Attributes
    ----------
    threshold : float
        In steps of a weight, see `weight_step`.
    digital : Digital or None
        Makes the wanted changes; None for rate (R S^T + S R^T) itself.
    chi : ndarray (N, N) or None
        What has not been sent, weight units.
    """

    threshold: float
    digital: Digital | None = None
    chi: np.ndarray | None = None

    def learn(
        self, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float, rng: np.random.Generator
    ) -> None:
        """Collect, and send what is due."""
        if self.digital is None:
            wanted = wanted_change(array, response, mean, rate)
        else:
            wanted = self.digital.step(np.zeros_like(array.weights()), array, response, mean, rate)
        self.chi = wanted if self.chi is None else self.chi + wanted
        step = weight_step(array)
        pulses = self.chi / (self.threshold * step)
        np.trunc(pulses, out=pulses)
        pulses *= self.threshold
        np.rint(pulses, out=pulses)
        self.chi -= (pulses * step).astype(self.chi.dtype, copy=False)
        give_pulses(array, pulses, rng)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the digital memory."""
        moments = {} if self.digital is None else self.digital.optimizer.state
        own = {f"{MOMENTS}{name}": one for name, one in moments.items()}
        return own if self.chi is None else own | {"chi": self.chi}

    def hardware(self) -> dict[str, CrossbarArray]:
        """Return nothing: the memory is digital."""
        return {}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the digital memory."""
        self.chi = np.array(arrays["chi"]) if "chi" in arrays else None
        if self.digital is not None:
            moments = below(arrays, MOMENTS)
            self.digital.optimizer.state.update({name: np.array(one) for name, one in moments.items()})


@dataclass(kw_only=True)
class FloatRule:
    """An optimizer in floats, whose weights are then written exactly: the baselines Adam and SGD on an ideal array."""

    digital: Digital

    def learn(
        self, array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float, rng: np.random.Generator
    ) -> None:
        """Make one step of the optimizer; `rate` is the learning rate over the batch."""
        array.write(self.digital.step(np.array(array.weights()), array, response, mean, rate), rng)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the optimizer's moments."""
        return self.digital.optimizer.state

    def hardware(self) -> dict[str, CrossbarArray]:
        """Return nothing: the moments are floats."""
        return {}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the optimizer's moments."""
        self.digital.optimizer.state.update(arrays)
