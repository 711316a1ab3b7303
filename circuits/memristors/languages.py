"""The languages in which a memristor of one's own is given: SPICE for ngspice, Verilog-A for VACASK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from circuits.memristors import subcircuit, verilog
from circuits.memristors.subcircuit import Subcircuits
from circuits.memristors.verilog import Modules

Parameters = tuple[tuple[str, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SpiceText:
    """A subcircuit in ngspice's language.

    Attributes
    ----------
    subcircuits : Subcircuits
        The text, checked.
    memristor : str
        The subcircuit that is the memristor.
    state : str
        Its parameter that sets the state.
    parameters : tuple of (str, float)
        Other parameters that are given.
    """

    subcircuits: Subcircuits
    memristor: str
    state: str
    parameters: Parameters
    language: ClassVar[str] = "SPICE"
    elsewhere: ClassVar[str] = (
        "text for ngspice alone: take --engine ngspice (hopbar verify) or --dialect ngspice (hopbar netlist), or for "
        "VACASK give it in Verilog-A (`verilog_a = ...`)"
    )

    def subcircuit(self, first: float) -> str:
        """Return the definitions, and `memristor p q x0=first` around them; a third pin ends in a node of its own."""
        pins = self.subcircuits.definitions[self.memristor].pins
        nodes = ["p", "q", "shown"][: len(pins)]
        told = [f"{self.state}={{x0}}", *(f"{name}={value!r}" for name, value in self.parameters)]
        card = " ".join(["Xown", *nodes, subcircuit.PREFIX + self.memristor, *told])
        return f"{self.subcircuits.text}.subckt memristor p q x0={first!r}\n{card}\n.ends memristor\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModuleText:
    """A module in Verilog-A, as VACASK compiles it.

    It must be in its state at an operating point, which begins every transient: by `V(x) <+ idt(rate, x0)`, or by
    `V(x) <+ x0` where `analysis("static")`.

    Attributes
    ----------
    modules : Modules
        The text, checked.
    memristor : str
        The module that is the memristor.
    state : str
        Its parameter that sets the state.
    parameters : tuple of (str, float)
        Other parameters that are given.
    """

    modules: Modules
    memristor: str
    state: str
    parameters: Parameters
    language: ClassVar[str] = "Verilog-A"
    elsewhere: ClassVar[str] = (
        "Verilog-A for VACASK alone: take --engine vacask (hopbar verify) or --dialect vacask (hopbar netlist), or for "
        "ngspice give it as SPICE text (`spice = ...`)"
    )

    def cards(self, names: list[str], heads: list[str], tails: list[str], states: np.ndarray) -> str:
        """Return two lines a device: a model with its state, and the instance `xNAME` of it, a third pin left open.

        Parameters of a module are its model's, unless its text says otherwise: hence a model for each device.
        """
        told = "".join(f" {name}={value!r}" for name, value in self.parameters)
        module = f"{verilog.PREFIX}{self.memristor} {self.state}"
        rows = zip(names, heads, tails, states.tolist(), strict=True)
        return "".join(
            [
                f"model of_{name} {module}={state!r}{told}\nx{name} ({head} {tail}) of_{name}\n"
                for name, head, tail, state in rows
            ]
        )
