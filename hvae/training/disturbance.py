"""Hardware-aware training: the gradient is taken at weights as devices would hold them, and changes the exact ones.

At each step every pair of neurons has its weight written anew: W' = W + e L n with n from N(0, 1), symmetric, and e the
error of one device, as a fraction of its range, that `crossbar.programming` finds by writing a pilot array of that
device. L is the weight that fills the range; as in programming, the one that errs least: a range that holds the largest
weight wastes its resolution on a few. Larger weights are not clipped here, as programming does: where their growth
changes nothing, nothing holds it. What such a network learns lies where small errors of the weights matter little.

References
----------
Joshi et al., Nat. Commun. 11, 2473 (2020), doi:10.1038/s41467-020-16108-9 (noise on the weights in each forward pass,
in proportion to the largest, which they hold down by clipping). We draw one error for a pair of neurons, as W = W^T
needs one device a pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossbar.arrays.config import ArrayConfig
from crossbar.devices.nonidealities import FaultLaw
from crossbar.programming.chip import FINEST, device_error
from crossbar.programming.write_verify import WriteVerify
from hvae.config.run import RunConfig
from hvae.models.hopfield import Parameters
from hvae.streams import stream

_BINS = 1024
_PILOT = 2**30  # index of the stream that the pilot array is drawn from


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """What the weights of a run are disturbed by.

    Attributes
    ----------
    error : float
        Standard deviation, as a fraction of the weight that fills the range.
    seed : int
        Of the run.
    """

    error: float
    seed: int

    @classmethod
    def of(cls, config: RunConfig) -> Disturbance | None:
        """Return that of the device that `config` names; None where it names none."""
        aware = config.aware
        if aware.device is None:
            return None
        array = ArrayConfig(device=aware.device, faults=FaultLaw(levels=aware.levels, variation=aware.variation))
        rng = stream(config.training.seed, "device", _PILOT)
        error = device_error(array, WriteVerify(tolerance=aware.tolerance), rng)
        return cls(error=aware.strength * error, seed=config.training.seed)

    def at(self, parameters: Mapping[str, np.ndarray], step: int) -> Parameters:
        """Return `parameters`, symmetric, as the devices would hold them at `step`; those that are zero stay."""
        rng = stream(self.seed, "device", step)
        return {name: self._disturbed(parameters[name], rng) for name in sorted(parameters)}

    def _disturbed(self, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        number = weights.dtype.type
        limit = best_limit(weights, self.error)
        drawn = np.triu(rng.standard_normal(weights.shape, dtype=np.float32), 1)
        errors = number(self.error * limit) * (drawn + drawn.T).astype(weights.dtype, copy=False)
        return weights + errors * (weights != 0)


def best_limit(weights: np.ndarray, error: float) -> float:
    """Return the L that makes e^2 L^2 + E (|W| - L)_+^2 least, of max |W| 2^(-k/2) down to the median weight.

    As `crossbar.programming.chip.best_scale` does by writing pilots. Weights are counted in bins of their size, so that
    one pass through them does for all limits.
    """
    sizes = np.abs(weights[weights != 0])
    if not sizes.size:
        return 0.0
    largest = float(sizes.max())
    count = np.bincount((sizes * (_BINS / largest)).astype(np.int32), minlength=_BINS + 1) / sizes.size
    middle = (np.arange(_BINS + 1) + 0.5) * (largest / _BINS)
    limits = largest * 2.0 ** (-0.5 * np.arange(FINEST))
    limits = limits[limits >= middle[int(np.searchsorted(np.cumsum(count), 0.5))]]
    beyond = np.maximum(middle - limits[:, None], 0) ** 2 @ count
    return float(limits[int(np.argmin((error * limits) ** 2 + beyond))])
