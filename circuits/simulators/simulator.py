"""The protocol that all circuit simulators fulfil."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from circuits.circuit.circuit import Circuit
from circuits.simulators.process import Limits
from circuits.simulators.waveforms import Waveforms


class Engine(Protocol):
    """A circuit simulator, run in a process of its own.

    Attributes
    ----------
    netlist : str
        Name of the file that `settle` writes.
    """

    netlist: str

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def remedy(self) -> str:
        """How to install it."""
        ...

    def version(self) -> str | None:
        """Return its version, or None where it is not installed."""
        ...

    def settle(self, circuit: Circuit, folder: Path, limits: Limits) -> Waveforms:
        """Write `circuit` to `folder`, simulate it within `limits`, and return its waveforms.

        Raises
        ------
        EngineError
            It is missing, too old, crashed, hung, or did not converge; the message names the remedy.
        """
        ...
