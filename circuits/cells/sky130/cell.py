"""A cell: transistors between ports; and cells whose output current should obey a law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from circuits.cells.sky130.transistor import Transistor

PORTS = "s ref bias pbias vdd out rest"
"""Ports of cells of a law: state, its middle, the gates of the n and p current mirrors, supply, output, and what is
left of the tail current."""


def rho(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x))."""
    return expit(x)


def slope(x: np.ndarray) -> np.ndarray:
    """Return rho (1 - rho), a quarter at its peak."""
    return expit(x) * expit(-x)


@dataclass(frozen=True, kw_only=True)
class Subcircuit:
    """Transistors between ports.

    Attributes
    ----------
    name : str
    transistors : tuple of Transistor
    ports : str
    """

    name: str
    transistors: tuple[Transistor, ...]
    ports: str = PORTS

    @property
    def subcircuit(self) -> str:
        """Name of its subcircuit."""
        return self.name.replace("-", "_")

    @property
    def gate_area(self) -> float:
        """Area of all its gates, um2: a lower bound of what it measures."""
        return sum(one.area for one in self.transistors)

    def text(self) -> str:
        """Return its subcircuit."""
        return self._text("", "".join(one.card() for one in self.transistors))

    def uneven_text(self) -> str:
        """Return the subcircuit of one whose transistors have errors of their own, the parameters `e_<name>`."""
        parameters = "".join(f" e_{one.name}=0" for one in self.transistors)
        return self._text(parameters, "".join(one.uneven_card() for one in self.transistors))

    def _text(self, parameters: str, body: str) -> str:
        return f".subckt {self.subcircuit} {self.ports}{parameters}\n{body}.ends {self.subcircuit}\n"


def placed(cell: Subcircuit, name: str, nodes: str) -> tuple[Transistor, ...]:
    """Return the transistors of `cell` as a part `name` of a larger one, its ports at `nodes`, in their order."""
    at = dict(zip(cell.ports.split(), nodes.split(), strict=True)) | {"0": "0"}
    moved = []
    for one in cell.transistors:
        drain, gate, source, bulk = (
            at.get(node, f"{name}_{node}") for node in (one.drain, one.gate, one.source, one.bulk)
        )
        moved.append(replace(one, name=f"{name}_{one.name}", drain=drain, gate=gate, source=source, bulk=bulk))
    return tuple(moved)


@dataclass(frozen=True, kw_only=True)
class Cell(Subcircuit):
    """A cell whose output sinks `share` times its tail current times `law` of k (v_s - v_ref).

    Attributes
    ----------
    law : callable
        `rho` or `slope`.
    share : float
    peak : float
        The law's largest value, which errors are told by.
    """

    law: Callable[[np.ndarray], np.ndarray]
    share: float
    peak: float

    def current(self, volts: np.ndarray, amplitude: float, gain: float, offset: float) -> np.ndarray:
        """Return its output over its tail current, amplitude share law(gain (volts - offset)); gain per volt."""
        return amplitude * self.share * self.law(gain * (np.asarray(volts) - offset))
