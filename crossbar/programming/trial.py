"""A device in use: a small array of it is programmed, and another is taught a linear map by pulses.

Ideal floats are taught beside it, with the same examples. That is the least that a device must do: a network on an
array learns no better than its devices learn a matrix (Gokmen and Vlasov 2016, doi:10.3389/fnins.2016.00333).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.devices.law import PulsedLaw
from crossbar.devices.presets import Preset
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import refresh_due, write_verify
from crossbar.programming.write_verify import WriteVerify

LINES = 24  # a side of the arrays
LARGEST = 0.5  # weight to be held or taught; the range holds 1
BATCH = 8
UPDATES = 600
RATE = 0.05  # falls to a tenth


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What came of it.

    Attributes
    ----------
    wanted, written : ndarray (LINES, LINES)
        Weights of the array that was programmed, and what it then held.
    pulses : float
        A device, of programming.
    taught, ideal : ndarray (UPDATES + 1,)
        Root mean square distance from the map while the array learns, and while floats do.
    """

    wanted: np.ndarray
    written: np.ndarray
    pulses: float
    taught: np.ndarray
    ideal: np.ndarray

    @property
    def programming_error(self) -> float:
        """Root mean square error of the weights that were written."""
        return float(np.sqrt(np.mean((self.written - self.wanted) ** 2)))

    @property
    def floor(self) -> float:
        """Root mean square distance over the last tenth of the updates."""
        return float(self.taught[-UPDATES // 10 :].mean())

    def figures(self) -> dict[str, float]:
        """Return what it comes to, by name."""
        return {
            "programming_error": self.programming_error, "programming_pulses": self.pulses,
            "distance_untaught": float(self.taught[0]), "distance_taught": self.floor,
        }  # fmt: skip

    def told(self) -> str:
        """Return it in words."""
        return (
            f"in use: written to {self.programming_error:.2g} rms by {self.pulses:.3g} pulses a device; learning a "
            f"linear map goes from {self.taught[0]:.2g} to {self.floor:.2g} (floats: {self.ideal[-1]:.1g})"
        )


def run(device: Preset | PulsedLaw, rng: np.random.Generator) -> Trial:
    """Return what becomes of arrays of `device`, mapped, compared and refreshed as its preset says."""
    network = Network((("rows", LINES), ("columns", LINES)), "layered")
    wanted = rng.uniform(-LARGEST, LARGEST, (LINES, LINES))
    ideal = ArrayConfig(weight_limit=1.0)
    own = replace(ideal, device=device)
    array = CrossbarArray.from_weights(network, symmetric(np.zeros_like(wanted)), own, rng)
    report = write_verify(array, symmetric(wanted), WriteVerify(), rng)
    examples = rng.normal(size=(UPDATES, BATCH, LINES)).astype(np.float32)
    return Trial(
        wanted=wanted, written=held(array), pulses=(report.pulses_up + report.pulses_down) / report.devices,
        taught=teach(network, wanted, own, examples, rng), ideal=teach(network, wanted, ideal, examples, rng),
    )  # fmt: skip


def symmetric(block: np.ndarray) -> np.ndarray:
    """Return the weights of the whole network, whose rows couple to its columns by `block`."""
    zero = np.zeros_like(block)
    return np.block([[zero, block], [block.T, zero]])


def held(array: CrossbarArray) -> np.ndarray:
    """Return the weights between the rows and the columns."""
    return np.array(array.matrix()[:LINES, LINES:])


def teach(
    network: Network, wanted: np.ndarray, config: ArrayConfig, examples: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the distance from `wanted` before each update of the delta rule, and after the last."""
    array = CrossbarArray.from_weights(network, symmetric(np.zeros_like(wanted)), config, rng)
    distance = [rms(held(array) - wanted)]
    for number, x in enumerate(examples):
        error = x @ (wanted - held(array))
        response, mean = (np.zeros((BATCH, network.size), np.float32) for _ in range(2))
        response[:, LINES:], mean[:, :LINES] = error / BATCH, x
        array.update(response, mean, rate=RATE * (1 - 0.9 * number / UPDATES), rng=rng)
        refresh_due(array, rng)
        distance.append(rms(held(array) - wanted))
    return np.array(distance)


def rms(values: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(values**2)))
