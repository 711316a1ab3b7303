"""The bench: memristors one beside the other, each between a source of its own and ground, in one transient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from circuits.memristors.own import OwnDevice
from circuits.simulators.process import Limits
from crossbar.errors import EngineError

LIMITS = Limits(seconds=120.0, gigabytes=4.0)
RELTOL, ABSTOL, VNTOL = 1e-7, 1e-18, 1e-12

Corner = tuple[float, float]  # seconds, volts


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """Memristors on the bench: the state that each begins in, and the corners of its voltage over time, from 0 s on."""

    states: tuple[float, ...]
    sources: tuple[tuple[Corner, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """What flows into the memristors: `time` (n_times,) in s, `currents` (n_times, n) in A.

    Raises
    ------
    EngineError
        Currents that are no numbers.
    """

    time: np.ndarray
    currents: np.ndarray

    def __post_init__(self) -> None:
        if not np.isfinite(self.currents).all():
            raise EngineError("currents are no numbers; look at the memristor's expressions near 0 V")


class Bench(Protocol):
    """A simulator that takes memristors of one language."""

    def run(self, own: OwnDevice, placed: Placed, *, seconds: float, step: float, limits: Limits) -> Response:
        """Return the currents over `seconds`, in steps of at most `step`.

        Raises
        ------
        EngineError
            The simulator is missing, or does not run the text: the message has its words.
        """
        ...
