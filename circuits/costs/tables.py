"""An area study as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.table import Table
from rich.text import Text

from circuits.area.estimate import COMPONENTS, Interval
from circuits.costs.records import inventory_record
from circuits.costs.study import AreaStudy
from circuits.energy.cost import PARTS, Cost


def study_tables(study: AreaStudy) -> Iterator[Table]:
    """Yield the tables of `study`: inventory, areas, ratios, energies."""
    yield inventory_table(study)
    yield area_table(study)
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
