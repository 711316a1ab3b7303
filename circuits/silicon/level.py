"""The volts, ohms and farads of neurons, and what stands around their transistors: leak, resistors, rails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from circuits.silicon.bench import HOLD, Conditions, bias
from circuits.silicon.neuron import GAIN
from crossbar.numerics import checks


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """Volts, ohms and farads.

    Attributes
    ----------
    read : float
        Volts of rho = 1 on a word line, above `HOLD` or below; a resistor of `read` / current makes it.
    leak, capacitance : float
        Of a state: ohm and farad.
    line, keep : float
        Farad of a line, and of a sample-and-hold.

    Raises
    ------
    InvalidValue
        One that is not positive and finite.
    """

    read: float = 0.2
    leak: float = 40e6
    capacitance: float = 25e-12
    line: float = 0.1e-12
    keep: float = 10e-12

    def __post_init__(self) -> None:
        for field in fields(self):
            checks.positive(field.name, getattr(self, field.name))

    @property
    def time_constant(self) -> float:
        """Of a neuron, seconds."""
        return self.leak * self.capacitance

    def siemens_per_weight(self, conditions: Conditions) -> float:
        """Return G+ - G- of a weight of 1, W = 2 R v_read (G+ - G-) / (3 U): `circuits.cells.sky130.neuron`."""
        return GAIN * conditions.scale / (2 * self.leak * self.read)


def rails(conditions: Conditions) -> list[str]:
    """Return the two gates of the current mirrors, the middle of the state and the voltage of lines at rest."""
    return [*bias(conditions), f"Vref ref 0 {conditions.middle:.9g}", f"Vhold hold 0 {HOLD}"]


def mounted(name: str, conditions: Conditions, level: Level, errors: Mapping[str, float] | None = None) -> list[str]:
    """Return the neuron `name` with the resistors of its driver and the capacitances of its lines.

    Its nodes are `s_name`, `line_name`, and the word lines `above_name` and `below_name`.
    """
    told = "" if errors is None else "".join(f" e_{key}={value:.6g}" for key, value in errors.items())
    nodes = f"line_{name} s_{name} ref hold high_{name} low_{name} above_{name} below_{name} bias pbias vdd"
    resistor = level.read / conditions.current
    return [
        f"Xneuron_{name} {nodes} neuron{told}", f"Rhigh_{name} high_{name} hold {resistor:.9g}",
        f"Rlow_{name} low_{name} hold {resistor:.9g}",
        *(f"C{line}_{name} {line}_{name} 0 {level.line:.9g}" for line in ("line", "above", "below")),
    ]  # fmt: skip


def state(name: str, level: Level) -> list[str]:
    """Return the leak and the capacitance of the state of the neuron `name`."""
    return [f"Rleak_{name} s_{name} ref {level.leak:.9g}", f"Cstate_{name} s_{name} 0 {level.capacitance:.9g}"]
