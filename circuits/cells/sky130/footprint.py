"""What a transistor of sky130 measures when it is laid out by SkyWater's public design rules, and what a cell does.

A transistor of `units` gates, each W over L, side by side on one diffusion, with a contact at every source and drain:

    d = units L + (units - 1) (c + 2 g) + 2 (g + c + e),   A = (d + s_diffusion) (W + end + t + c + p + s_poly)

with c a contact, g from contact to gate, e diffusion around a contact, `end` gate beyond diffusion on one side; on the
other a contact c on poly, t from diffusion and p within poly. Each side of the footprint holds half the spacing to the
next one. A p transistor whose body is not the supply stands in an n well of its own:

    A = (d + 2 w + s_well) (W + 2 w + s_well)

A cell is the sum of its transistors over `utilisation`. That is an estimate: no layout was drawn. Taps, guard rings,
dummies and wiring are `utilisation`'s, an assumption with a range.

References
----------
SkyWater's design rules, each with its number in SkyWater's list: data/technology/sky130_rules.toml.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from circuits.cells.sky130.transistor import Transistor
from crossbar.technology_parameters import Parameter, read_parameter, shipped_tables

FILE = "sky130_rules.toml"
SUPPLY_NODE = "vdd"


@dataclass(frozen=True, kw_only=True, slots=True)
class CellArea:
    """What the transistors of a cell take, in um2.

    Attributes
    ----------
    transistors : int
    gates : float
        Area of the gates alone, a lower bound.
    drawn : float
        Sum of the footprints by the design rules.
    low, typical, high : float
        `drawn` over `utilisation` at its three points.
    """

    transistors: int
    gates: float
    drawn: float
    low: float
    typical: float
    high: float


def rule(name: str) -> Parameter:
    """Return the design rule `name` of data/technology/sky130_rules.toml."""
    return _rules()[name]


def footprint(transistor: Transistor) -> float:
    """Return the area of a transistor with half of every spacing to its neighbours, um2.

    Examples
    --------
    >>> from circuits.cells.sky130.footprint import footprint
    >>> from circuits.cells.sky130.transistor import Transistor
    >>> nodes = {"drain": "d", "gate": "g", "source": "0", "bulk": "0"}
    >>> round(footprint(Transistor(name="one", kind="nfet_01v8", width=2, length=16, **nodes)), 2)
    46.31
    """
    c, g, e = (rule(name).typical for name in ("contact", "contact_to_gate", "contact_in_diffusion"))
    units = transistor.units
    diffusion = units * transistor.length + (units - 1) * (c + 2 * g) + 2 * (g + c + e)
    if _own_well(transistor):
        around = 2 * rule("well_enclosure").typical + rule("well_spacing").typical
        return (diffusion + around) * (transistor.width + around)
    poly = rule("poly_contact_to_diffusion").typical + c + rule("contact_in_poly").typical
    across = transistor.width + rule("endcap").typical + poly + rule("poly_spacing").typical
    return (diffusion + rule("diffusion_spacing").typical) * across


def cell_area(transistors: Iterable[Transistor]) -> CellArea:
    """Return what `transistors` take as one cell.

    Examples
    --------
    >>> from circuits.cells.sky130.footprint import cell_area
    >>> from circuits.cells.sky130.neuron import neuron
    >>> found = cell_area(neuron().transistors)
    >>> found.gates < found.drawn < found.low < found.typical < found.high
    True
    """
    all_of_them = tuple(transistors)
    drawn = sum(footprint(one) for one in all_of_them)
    filled = rule("utilisation")
    return CellArea(
        transistors=len(all_of_them), gates=sum(one.area for one in all_of_them), drawn=drawn,
        low=drawn / filled.low, typical=drawn / filled.typical, high=drawn / filled.high,
    )  # fmt: skip


def capacitor_area(farad: float, point: str = "typical") -> float:
    """Return the area of a square MIM capacitor with half the spacing to its neighbours, um2.

        A = (sqrt(C / density) + 2 enclosure + spacing)^2

    It lies in the upper metals, over or beside transistors.

    Examples
    --------
    >>> from circuits.cells.sky130.footprint import capacitor_area
    >>> 12_500 < capacitor_area(25e-12) < 13_000
    True
    """
    side = (farad * 1e15 / getattr(rule("mim_density"), point)) ** 0.5
    return (side + 2 * rule("plate_enclosure").typical + rule("plate_spacing").typical) ** 2


def _own_well(transistor: Transistor) -> bool:
    return transistor.kind.startswith("pfet") and transistor.bulk != SUPPLY_NODE


@functools.cache
def _rules() -> dict[str, Parameter]:
    return {name: read_parameter(name, table, FILE) for name, table in shipped_tables(FILE).items()}
