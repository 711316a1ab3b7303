"""An area study as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from circuits.area import wire_lengths
from circuits.area.blocks import Block
from circuits.area.estimate import COMPONENTS, Interval
from circuits.costs.records import inventory_record, neuron_record
from circuits.costs.study import AreaStudy
from circuits.energy.cost import PARTS, Cost
from crossbar.technology_parameters import POINTS


def study_tables(study: AreaStudy) -> Iterator[Table]:
    """Yield the tables of `study`: inventory, areas, floor plan and its wires, neurons, ratios, energies."""
    yield inventory_table(study)
    yield area_table(study)
    yield floor_plan_table(study)
    if study.neuron != "assumed":
        yield neuron_table(study)
    yield ratio_table(study)
    for name, found in study.energies.items():
        kind = "simulated settling" if found.simulated else "assumed settling"
        yield energy_table(f"Energy and latency of {name} ({kind})", found.costs, found.idle_off)


def inventory_table(study: AreaStudy) -> Table:
    """Return how many of each circuit every model has."""
    table = _table("Inventory", "circuit", list(study.estimates))
    records = [inventory_record(study, found) for found in study.estimates.values()]
    for name in records[0]:
        table.add_row(name.replace("_", " "), *(f"{record[name]:,}" for record in records))
    return table


def area_table(study: AreaStudy) -> Table:
    """Return the typical area of each component, and the totals."""
    conditions = study.conditions
    title = f"Area in mm2 at {conditions.node} nm, untied: {study.sharing}"
    if note := conditions.technology.note(conditions.node):
        title += f"\n{note}"
    table = _table(title, "component (typical)", list(study.estimates))
    estimates = list(study.estimates.values())
    for name in COMPONENTS:
        table.add_row(name.replace("_", " "), *(f"{found.components[name].typical:.3f}" for found in estimates))
    table.add_section()
    table.add_row("total, typical", *(f"{found.total.typical:.2f}" for found in estimates))
    table.add_row("low to high", *(f"{found.total.low:.2f} to {found.total.high:.1f}" for found in estimates))
    table.add_row("median [5-95 %]", *(interval_text(found.total, ".1f") for found in estimates))
    return table


def floor_plan_table(study: AreaStudy) -> Table:
    """Return sizes of the blocks of every die, lengths of its wires, and what resistances these have."""
    conditions = study.conditions
    named = {die.name: die for plan in study.plans.values() for die in plan}
    table = _table("Floor plan, typical areas", "", list(named))
    table.add_row("die (mm)", *(f"{die.width * 1e-6:.3f} x {die.height * 1e-6:.3f}" for die in named.values()))
    for name in ("tile", "neuron", "adc", "dac"):
        found = [[one.block for one in die.placements if one.block.name == name] for die in named.values()]
        table.add_row(f"{name} (um)", *(_size(blocks) for blocks in found))
    measured = [wire_lengths.measure(die) for die in named.values()]
    table.add_row("cell to cell (um)", *("-" if one is None else f"{one.pitch:.3f}" for one in measured))
    for name in ("word", "bit"):
        routes = [None if one is None else getattr(one, name) for one in measured]
        row = ("-" if one is None else f"{one.mean:.0f}, {one.longest:.0f}" for one in routes)
        table.add_row(f"{name} line to neuron (um): mean, longest", *row)
    told = [
        None if one is None else wire_lengths.lines(one, conditions.technology, conditions.node) for one in measured
    ]
    for name in ("segment", "word_route", "bit_route"):
        shown = ("-" if one is None else _points([getattr(one[point], name) for point in POINTS]) for one in told)
        table.add_row(f"  {name.replace('_', ' ')} (ohm)", *shown)
    return table


def neuron_table(study: AreaStudy) -> Table:
    """Return the neuron of transistors beside the one that the shipped tables assume."""
    found: Any = neuron_record(study)
    title = (
        f"A neuron with the buffers of its lines, um2 at 130 nm: {found['transistors']} transistors, gates "
        f"{found['gates_um2']:.0f}, by design rules {found['by_rules_um2']:.0f}"
        + (f"; they differ {found['matching']:g} times less than as drawn" if found["matching"] != 1 else "")
    )
    table = _table(title, "low, typical, high", ["circuits", "capacitor"])
    for name in ("sky130", "assumed"):
        one = found[f"{name}_um2"]
        table.add_row(name, *(_points(list(one[part].values())) for part in ("circuits", "capacitor")))
    return table


def _size(blocks: list[Block]) -> str:
    return " and ".join(f"{one.width * 1e-3:.1f} x {one.height * 1e-3:.1f}" for one in blocks) or "-"


def _points(values: list[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def ratio_table(study: AreaStudy) -> Table:
    """Return the tied/untied ratios, a row an accounting."""
    names = [comparison.name for comparison in study.comparisons]
    table = _table("Tied area / untied area, median [5-95 %]", "accounting", names)
    for accounting, row in study.ratios.items():
        table.add_row(accounting, *(interval_text(row[name], ".2f").replace(" ", "\n") for name in names))
    return table


def energy_table(title: str, costs: Mapping[str, Cost], idle_off: Mapping[str, Cost]) -> Table:
    """Return energy and latency by task; energy also with idle columns and neurons switched off."""
    table = _table(title, "", list(costs))
    found = list(costs.values())
    table.add_row("settling (time constants)", *(interval_text(cost.settle, ".0f") for cost in found))
    table.add_row("latency (us)", *(_range(cost.latency, 1e6) for cost in found))
    table.add_row("energy (uJ)", *(_range(cost.energy, 1e6) for cost in found))
    table.add_row("  idle columns off (uJ)", *(_range(idle_off[name].energy, 1e6) for name in costs))
    table.add_row("  in the devices (uJ)", *(_range(cost.dissipated, 1e6) for cost in found))
    table.add_row("power while settling (W)", *(_range(cost.power, 1.0) for cost in found))
    for part in PARTS:
        table.add_row(f"  {part}, typical (uJ)", *(f"{cost.parts[part].typical * 1e6:.3g}" for cost in found))
    table.add_row("not settled", *(_unsettled(cost) for cost in found))
    return table


def interval_text(interval: Interval, form: str) -> str:
    """Return an interval as "median [5 % - 95 %]"."""
    return f"{interval.p50:{form}} [{interval.p5:{form}}-{interval.p95:{form}}]"


def cell(text: str) -> str:
    """Return `text` for a table of Markdown: on one line, and with nothing that Markdown or HTML would act on."""
    line = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "\\|[]*_`<>" else letter for letter in line)


def _unsettled(cost: Cost) -> str:
    return f"{cost.n_unsettled} of {cost.n_simulated}" if cost.n_simulated else "not simulated"


def _range(interval: Interval, unit: float) -> str:
    return f"{interval.p50 * unit:.3g} [{interval.p5 * unit:.2g}-{interval.p95 * unit:.2g}]"


def _table(title: str, first: str, names: list[str]) -> Table:
    """Return an empty table; `Text` keeps names as they are, whatever markup they may look like."""
    table = Table(title=Text(title), title_justify="left", header_style="bold")
    table.add_column(first, no_wrap=True)
    for name in names:
        table.add_column(Text(name), justify="right")
    return table
