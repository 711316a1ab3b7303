"""One transistor: its card, its size, and what two of one size differ by.

Below threshold I ~ exp((V_gate - V_threshold - V_offset) / (n U_T)), so that SkyWater's two spreads, of the threshold
(vth0) and of the offset below it (voff), both stand for a voltage at the gate. They are independent, and fall with the
root of the gate's area:

    sigma^2 = (A_threshold^2 + A_offset^2) / (W L)

of one transistor (of a pair's difference twice that). An n transistor over 7 um wide and from 4 to 8 um long has
another threshold coefficient at SkyWater, 7.356 mV um; no cell has one. SkyWater's third spread, of the oxide, 0.34 %
um, would move n by 0.03 % in a gate of 10 um2 and is left out.

References
----------
Pelgrom, Duinmaijer and Welbers, IEEE J. Solid-State Circuits 24, 1433 (1989), doi:10.1109/JSSC.1989.572629 (the law);
SkyWater's coefficients: data/technology/sky130.toml.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from crossbar.technology_parameters import read_parameter, shipped_tables

FILE = "sky130.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Transistor:
    """A transistor of a cell.

    Attributes
    ----------
    name : str
        Lower case; its card is `M<name>`.
    kind : str
        Such as ``"nfet_01v8"``.
    drain, gate, source, bulk : str
        Nodes.
    width, length : float
        Micrometres.
    units : int
        So many of that size side by side.
    """

    name: str
    kind: str
    drain: str
    gate: str
    source: str
    bulk: str
    width: float
    length: float
    units: int = 1

    @property
    def area(self) -> float:
        """Area of its gates, um2."""
        return self.width * self.length * self.units

    @property
    def sigma(self) -> float:
        """Standard deviation of the voltage at its gate that stands for its mismatch, volts."""
        return _coefficient(self.kind) / math.sqrt(self.area)

    def card(self) -> str:
        """Return the card of a transistor as it should be."""
        return self._card(self.gate)

    def uneven_card(self) -> str:
        """Return its card with a voltage `e_<name>` before its gate, a parameter of the subcircuit."""
        return f"V{self.name} {self.gate} g_{self.name} {{e_{self.name}}}\n{self._card(f'g_{self.name}')}"

    def _card(self, gate: str) -> str:
        model = f"sky130_fd_pr__{self.kind}__model"
        nodes = f"{self.drain} {gate} {self.source} {self.bulk}"
        many = "" if self.units == 1 else f" m={self.units}"
        return f"M{self.name} {nodes} {model} w={self.width:g}u l={self.length:g}u{many}\n"


@functools.cache
def _coefficient(kind: str) -> float:
    """Return sqrt(A_threshold^2 + A_offset^2) of a kind of transistor, V um."""
    tables = shipped_tables(FILE)
    names = (f"{kind}_threshold", f"{kind}_offset")
    return math.hypot(*(read_parameter(name, tables[name], FILE).typical for name in names))
