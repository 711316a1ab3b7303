"""The bench: cells between one supply, two bias currents and one sweep, run in ngspice; every node is watched.

Outputs end at a voltage of their own, LOAD, which stands for the mirror that takes the current on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from circuits.cells.sky130.cell import Cell
from circuits.cells.sky130.process import CORNERS, SUPPLY, models
from circuits.simulators.ngspice import Ngspice
from circuits.simulators.process import Limits
from circuits.simulators.waveforms import Waveforms
from circuits.simulators.workplace import workplace
from crossbar.errors import InvalidValue, unknown_name
from crossbar.numerics import checks

LOAD = 1.2  # V
HOLD = 0.9  # V of lines at rest
HELD = 1e-3  # V that a node may lie outside the supply by: the simulator's own tolerance
MODELS = "models.spice"
# gmin far below the currents; Gear's method, as the trapezoidal rule rings for ever on nodes of picoamperes
OPTIONS = ".option gmin=1e-15 method=gear"
CURVE, ROUGH = "reltol=1e-6 abstol=1e-16", "reltol=1e-4 abstol=1e-15"  # of a sweep, and of all else
LIMITS = Limits(seconds=120.0, gigabytes=4.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """Under what a cell is measured.

    Attributes
    ----------
    scale : float
        Volts of one unit of the state.
    middle : float
        Volts of a state of 0.
    reach : float
        Largest state that is used.
    current : float
        Amperes: the tail's, and the followers'.
    corner : str
    temperature : float
        Degrees Celsius.

    Raises
    ------
    InvalidValue
        States that leave the supply; a current or temperature that no transistor is meant for.
    UnknownName
        There is no such corner.
    """

    scale: float = 0.107
    middle: float = 0.8
    reach: float = 3.0
    current: float = 10e-9
    corner: str = "tt"
    temperature: float = 27.0

    def __post_init__(self) -> None:
        for name in ("scale", "reach", "current"):
            checks.positive(name, getattr(self, name))
        if self.corner not in CORNERS:
            raise unknown_name("corner", self.corner, CORNERS)
        low, high = self.middle - self.reach * self.scale, self.middle + self.reach * self.scale
        if not (low > 0 and high < SUPPLY):
            raise InvalidValue(
                f"states of {self.reach:g} lie at {low:g} and {high:g} V, outside the supply of 0 to {SUPPLY} V: take "
                "a smaller `scale` (volts of one unit)"
            )
        if not 1e-12 <= self.current <= 1e-5:
            raise InvalidValue(f"`current` must lie between 1e-12 and 1e-5 A, but got {self.current:g}")
        if not -55 <= self.temperature <= 150:
            raise InvalidValue(f"`temperature` must lie between -55 and 150 C, but got {self.temperature:g}")

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest voltage of a state."""
        return self.middle - self.reach * self.scale, self.middle + self.reach * self.scale


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One cell on the bench: its name there, and the errors of its transistors in volts by name, or None."""

    name: str
    cell: Cell
    errors: Mapping[str, float] | None = None

    def cards(self) -> str:
        """Return its cards: the cell, its supply, and what its output and the rest of its current end at."""
        name = self.name
        told = "" if self.errors is None else "".join(f" e_{key}={value:.9g}" for key, value in self.errors.items())
        nodes = f"s ref bias pbias vdd_{name} out_{name} rest_{name}"
        return (
            f"Vsupply_{name} vdd vdd_{name} 0\nX{name} {nodes} {self.cell.subcircuit}{told}\n"
            f"Vout_{name} load out_{name} 0\nVrest_{name} load rest_{name} 0\n"
        )


@dataclass(frozen=True, kw_only=True)
class Signals:
    """What ngspice found: each signal (n_points,) by its name, and the time or the sweep."""

    waveforms: Waveforms

    def __getitem__(self, name: str) -> np.ndarray:
        return self.waveforms.values[:, self.waveforms.names.index(name)]

    @property
    def time(self) -> np.ndarray:
        """Seconds."""
        return self.waveforms.time

    @property
    def swing(self) -> tuple[float, float]:
        """The lowest and the highest voltage of any node but the supplies'."""
        return self.swing_without(())

    def swing_without(self, nodes: Collection[str]) -> tuple[float, float]:
        """Return `swing`, of all nodes but `nodes` too."""
        names = self.waveforms.names
        inner = [_is_inner(name) and name not in nodes for name in names]
        volts = self.waveforms.values[:, inner]
        return float(volts.min()), float(volts.max())

    def hold_within(self, supply: float) -> None:
        """Raise `InvalidValue` where a node is outside 0 to `supply`, with its name."""
        for column, name in enumerate(self.waveforms.names):
            volts = self.waveforms.values[:, column]
            if _is_node(name) and (volts.min() < -HELD or volts.max() > supply + HELD):
                raise InvalidValue(
                    f"node {name} goes from {volts.min():.3f} to {volts.max():.3f} V, outside the supply of 0 to "
                    f"{supply} V: take a smaller `scale`, a lower `middle` or a smaller `current`"
                )


def _is_node(name: str) -> bool:
    """Return whether a signal is the voltage of a node; one behind a transistor's error (`uneven_card`) is none."""
    return name.startswith("v(") and name != "v(v-sweep)" and not name.rpartition(".")[2].startswith("g_")


def _is_inner(name: str) -> bool:
    return _is_node(name) and not name.startswith("v(vdd") and "#" not in name


def netlist(instances: list[Instance], conditions: Conditions, state: str, analysis: str) -> str:
    """Return the netlist of `instances`; `state` is the source of the state's voltage, without its nodes."""
    cells = {one.cell.subcircuit: one for one in instances}
    even = [one.cell.text() if one.errors is None else one.cell.uneven_text() for one in cells.values()]
    cards = [
        *head(conditions, analysis), *even, f"Vload load 0 {LOAD}", f"Vs s 0 {state}",
        f"Vref ref 0 {conditions.middle:.9g}",
        *bias(conditions), *(one.cards() for one in instances), analysis, ".end",
    ]  # fmt: skip
    return "\n".join(cards) + "\n"


def head(conditions: Conditions, analysis: str) -> list[str]:
    """Return the first cards of every netlist: title, models, options, supply."""
    options = f"{OPTIONS} {CURVE if analysis.startswith('.dc') else ROUGH} temp={conditions.temperature:.9g}"
    return ["cells of sky130", f".include {MODELS}", options, f"Vdd vdd 0 {SUPPLY}"]


def bias(conditions: Conditions) -> list[str]:
    """Return the gates of the n and p current mirrors, fed by ideal currents."""
    return [
        f"Ibias vdd bias {conditions.current:.9g}", "Mbias bias bias 0 0 sky130_fd_pr__nfet_01v8__model w=2u l=16u",
        f"Ipbias pbias 0 {conditions.current:.9g}",
        "Mpbias pbias pbias vdd vdd sky130_fd_pr__pfet_01v8__model w=2u l=16u",
    ]  # fmt: skip


def run(instances: list[Instance], conditions: Conditions, state: str, analysis: str) -> Signals:
    """Run `instances` in ngspice and return all signals, after a look at every node; errors as `simulate`."""
    return simulate(netlist(instances, conditions, state, analysis), conditions)


def simulate(text: str, conditions: Conditions, limits: Limits = LIMITS) -> Signals:
    """Run a netlist in ngspice within `limits` and return all signals, after a look at every node.

    Raises
    ------
    MissingFile
        The transistors' models are not installed.
    EngineError
        ngspice is missing, or found no solution.
    InvalidValue
        A node is outside the supply.
    """
    engine, source = Ngspice(), models(conditions.corner)
    engine.check()
    with tempfile.TemporaryDirectory(prefix="hopbar-cells-") as kept, workplace(Path(kept)) as private:
        (private / MODELS).symlink_to(source)  # a path is no text of a netlist
        path = private / engine.netlist
        path.write_text(text, encoding="ascii")
        found = Signals(waveforms=engine.run(path, limits))
    found.hold_within(SUPPLY)
    return found
