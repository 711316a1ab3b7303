"""A neuron's area from its transistors: sky130's 82 of them in place of the numbers that data/technology assumes.

    neuron_core = sum of all footprints - n_lines follower,   line_buffer = follower

The neuron (`circuits.cells.sky130.neuron`) holds its bit line, obeys eq. (2) and drives a pair of word lines by two
followers. The inventory counts a buffer a line, so followers are taken out of the core as often as the layout has
lines, and core and buffers add up to one neuron. Footprints are those of SkyWater's design rules over a utilisation
(`circuits.cells.sky130.footprint`). The capacitor is that of its time constant of 1 ms, in MIM.

Transistors that are to differ less are larger: what two of one size differ by falls with the root of their gates' area
(Pelgrom). `matching` makes widths and lengths so many times as large: currents stay, spreads fall by as much.

Not counted: the leak of 40 megohm and the driver's two resistors of 20, which are memristors there. Output stages stay
as they are: a follower carries 0.1 uA, and the lines of the technology's devices carry milliamperes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from circuits.area.architecture import Architecture
from circuits.area.technology import Technology
from circuits.cells.sky130.follower import follower
from circuits.cells.sky130.footprint import CellArea, capacitor_area, cell_area
from circuits.cells.sky130.neuron import neuron
from circuits.cells.sky130.transistor import Transistor
from crossbar.errors import InvalidValue, unknown_name
from crossbar.numerics import checks
from crossbar.technology_parameters import POINTS

NEURONS = ("assumed", "sky130")
NAME = NEURONS[1]
NODE = 130
"""Of sky130, nm."""
CAPACITANCE = 25e-12
"""Farad of a state, `circuits.silicon.level.Level`."""
_SOURCE = (
    "82 transistors of circuits/cells/sky130 by SkyWater's design rules over utilisation (data/technology/"
    "sky130_rules.toml, circuits/cells/sky130/footprint.py); no layout was drawn"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NeuronArea:
    """What one neuron takes with the buffers of its lines and its capacitor, um2 at low, typical and high."""

    circuits: Mapping[str, float]
    capacitor: Mapping[str, float]


def with_neuron(
    name: str, technology: Technology, architecture: Architecture, node: int, matching: float = 1.0
) -> Technology:
    """Return `technology` with the neuron `name`: as it is, or with that of sky130's transistors.

    These differ `matching` times less than those of `circuits.cells.sky130`.

    Raises
    ------
    UnknownName
        Another neuron.
    InvalidValue
        sky130 at a node that is not 130 nm: its transistors do not shrink; a `matching` that is not positive, or of
        the assumed neuron.

    Examples
    --------
    >>> from circuits.area.architecture import Architecture
    >>> from circuits.area.technology import load_technology
    >>> from circuits.area.transistor_neuron import with_neuron
    >>> found = with_neuron("sky130", load_technology(), Architecture(), 130)
    >>> round(found.parameter("neuron_core").typical + found.parameter("line_buffer").typical)
    6109
    """
    if name not in NEURONS:
        raise unknown_name("neuron", name, NEURONS)
    checks.positive("matching", matching)
    if name == "assumed":
        if matching != 1:
            raise InvalidValue(f"`matching` is of sky130's transistors, but `neuron` is assumed: give --neuron {NAME}")
        return technology
    if node != NODE:
        raise InvalidValue(f"the neuron sky130 is of {NODE} nm, but `node` is {node}: give --node {NODE}")
    core, buffer = _parts(architecture, matching)
    farads = {point: CAPACITANCE * 1e15 for point in POINTS}
    density = {point: farads[point] / capacitor_area(CAPACITANCE, point) for point in POINTS}
    values = {
        "neuron_core": core, "line_buffer": buffer, "integrator_capacitance": farads, "capacitor_density": density,
    }  # fmt: skip
    replaced = {
        key: replace(
            technology.parameter(key), low=found["low"], typical=found["typical"], high=found["high"],
            source=_SOURCE, status="assumed",
        )
        for key, found in values.items()
    }  # fmt: skip
    return replace(technology, parameters={**technology.parameters, **replaced})


def neuron_area(technology: Technology, architecture: Architecture) -> NeuronArea:
    """Return what one neuron of `technology` takes at the node of its analog areas."""
    circuits, capacitor = {}, {}
    for point in POINTS:
        values = technology.values(point)
        circuits[point] = float(values["neuron_core"] + architecture.n_rails * values["line_buffer"])
        capacitor[point] = float(values["integrator_capacitance"] / values["capacitor_density"])
    return NeuronArea(circuits=circuits, capacitor=capacitor)


def record(assumed: Technology, architecture: Architecture, matching: float = 1.0) -> dict[str, object]:
    """Return sky130's neuron of such `matching` beside that of the technology `assumed`, um2."""
    whole = cell_area(_larger(neuron().transistors, matching))
    made = with_neuron(NAME, assumed, architecture, NODE, matching)
    return {
        "matching": matching,
        "transistors": whole.transistors, "gates_um2": whole.gates, "by_rules_um2": whole.drawn,
        "sky130_um2": asdict(neuron_area(made, architecture)),
        "assumed_um2": asdict(neuron_area(assumed, architecture)),
    }  # fmt: skip


def _parts(architecture: Architecture, matching: float) -> tuple[dict[str, float], dict[str, float]]:
    """Return core and buffer, by point."""
    whole, one = (cell_area(_larger(cell.transistors, matching)) for cell in (neuron(), follower()))
    buffer = {point: _at(one, point) for point in POINTS}
    return {point: _at(whole, point) - architecture.n_rails * buffer[point] for point in POINTS}, buffer


def _larger(transistors: Iterable[Transistor], factor: float) -> list[Transistor]:
    return [replace(one, width=factor * one.width, length=factor * one.length) for one in transistors]


def _at(area: CellArea, point: str) -> float:
    return float(getattr(area, point))
