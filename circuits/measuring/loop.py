"""The loop of a memristor: its current under a triangle of voltage, which no other element pinches at 0 V."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.measuring import bench
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
        ngspice is missing, or does not follow it so far.
    """
    checks.positive("volts", volts)
    checks.positive("seconds", seconds)
    state = float(memristor.own.grid(3)[1])
    corners = [(0.0, 0.0), (0.25, volts), (0.75, -volts), (1.0, 0.0)]
    times, levels = np.array(corners).T
    told = " ".join(f"{time * seconds!r} {level!r}" for time, level in corners)
    placed = bench.Placed(states=(state,), sources=(f"PWL({told})",))
    found = bench.run(memristor, placed, seconds=seconds, step=seconds / 2000)
    voltage = np.interp(found.time, times * seconds, levels)
    return Loop(
        state=state, volts=volts, seconds=seconds, voltage=voltage, current=bench.currents(found, 1)[:, 0]
    )
