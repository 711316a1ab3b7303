"""The chip that relaxes from noise to an image: slow pixels, fast hidden neurons, a clock if any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crossbar.chip import FLOW, Chip
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.numerics import checks

SLOWNESS = 200.0
"""How many times slower pixels are unless told otherwise: at it a digit is what it is with infinitely slow ones."""
UNHURRIED = 4.0
"""The same where the field has no time: no clock goes on while hidden neurons lag behind (docs/flows.md)."""
_EXTRA = 1e-3  # of the flow's length: how much further the transient goes, as a measurement needs points around it


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """What makes a network flow, tau dx/dt = (-x + W rho) / slowness on the pixels, from 0 to length slowness tau.

    Attributes
    ----------
    slow : ndarray (N,) of bool
        Neurons on large capacitors: the pixels.
    slowness : float
        Their capacitance, in that of a hidden neuron.
    length : float
        Of the flow, in time constants of the pixels.
    half_turns, sine : ndarray (N,)
        A time neuron holds cos(pi k t / T), or sin where `sine`, with k its `half_turns`; others have none.
    """

    slow: np.ndarray
    slowness: float
    half_turns: np.ndarray
    sine: np.ndarray
    length: float = 1.0

    def __post_init__(self) -> None:
        checks.positive("slow", self.slowness)
        timed = bool(self.sine.any())
        if timed and self.slowness < 2:
            raise InvalidValue(f"`slow` must be at least 2, or hidden neurons lag behind, but got {self.slowness:g}")
        if self.slowness < 1:
            raise InvalidValue(f"`slow` must be at least 1, a hidden neuron's own pace, but got {self.slowness:g}")

    @classmethod
    def of(cls, network: Network, slowness: float = SLOWNESS, length: float = 1.0) -> Generation:
        """Return the generation of the flow `network`: the first half of its times are cosines, the others sines."""
        size, pixels, time = network.size, network.block("pixels"), clock_of(network)
        half = (time.stop - time.start) // 2
        slow, sine, turns = np.zeros(size, bool), np.zeros(size, bool), np.zeros(size)
        slow[pixels] = True
        sine[time.start + half : time.stop] = True
        turns[time] = [*range(half), *range(1, half + 1)]
        return cls(slow=slow, slowness=slowness, half_turns=turns, sine=sine, length=length)

    @property
    def duration(self) -> float:
        """From noise to image, in time constants of a hidden neuron."""
        return self.slowness * self.length

    def clock(self, index: int, name: str, time_constant: float, volt: float = 1.0) -> str:
        """Return the source that holds time neuron `index`, called `name`, at `volt` a state of 1; no sine has 0 Hz."""
        if self.half_turns[index] == 0:
            return f"Vclamp_{name} s_{name} 0 {volt!r}\n"
        hertz = float(self.half_turns[index] / (2 * self.duration * time_constant))
        return f"Vtime_{name} s_{name} 0 SIN(0 {volt:.17g} {hertz!r} 0 0 {0 if self.sine[index] else 90})\n"

    def capacitors(self, names: tuple[str, ...], c_state: float, start: np.ndarray) -> Iterator[str]:
        """Yield what every slow neuron has beside its own capacitor."""
        extra = float((self.slowness - 1) * c_state)
        if extra == 0:
            return
        for index in np.flatnonzero(self.slow).tolist():
            yield f"Cslow_{names[index]} s_{names[index]} 0 {extra!r} ic={float(start[index])!r}\n"

    def stop(self) -> float:
        """Return the end of the transient in time constants: a little after the flow's."""
        return self.duration * (1 + _EXTRA)


def clock_of(network: Network) -> slice:
    """Return the time neurons of a flow's `network`, between pixels and hidden ones; none where it has no time."""
    return slice(network.block("pixels").stop, network.block("hidden").start)


def usual_slowness(network: Network) -> float:
    """Return how many times slower the pixels of a flow's `network` are unless told otherwise."""
    return SLOWNESS if "time" in network.names else UNHURRIED


def slowness_of(chip: Chip, asked: float | None) -> float:
    """Return how many times slower the pixels of `chip` are: as `asked`, or the usual."""
    return usual_slowness(chip.networks[FLOW]) if asked is None else asked
