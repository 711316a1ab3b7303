"""The loop of a memristor: its current under a triangle of voltage, which no other element pinches at 0 V."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.measuring import benches
from circuits.measuring.bench import Placed
from circuits.memristors.own import OwnMemristor
from crossbar.numerics import checks


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """A triangle from 0 V to `volts`, to its negative, and back, in `seconds`, by a device that began in `state`.

    Attributes
    ----------
    voltage, current : ndarray (n_times,)
        V, A.
    """

    state: float
    volts: float
    seconds: float
    voltage: np.ndarray
    current: np.ndarray


def measure(memristor: OwnMemristor, *, volts: float, seconds: float) -> Loop:
    """Return the loop of `memristor`, which begins in the middle of its states.

    Raises
    ------
    InvalidValue
        An amplitude or a time that is not positive.
    EngineError
        The simulator of its language is missing, or does not follow it so far.
    """
    checks.positive("volts", volts)
    checks.positive("seconds", seconds)
    state = float(memristor.own.grid(3)[1])
    corners = [(0.0, 0.0), (0.25, volts), (0.75, -volts), (1.0, 0.0)]
    times, levels = np.array(corners).T
    placed = Placed(states=(state,), sources=(tuple((time * seconds, level) for time, level in corners),))
    found = benches.run(memristor.own, placed, seconds=seconds, step=seconds / 2000)
    voltage = np.interp(found.time, times * seconds, levels)
    return Loop(state=state, volts=volts, seconds=seconds, voltage=voltage, current=found.currents[:, 0])
