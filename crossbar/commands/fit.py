"""The command `hopbar devices fit`: a device of one's own, from measured pulses and conductances."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from crossbar.devices.fitting import Fit


@click.command(short_help="Fit a law to measured pulses and conductances.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--law",
    "law_name",
    default="nonlinear",
    show_default=True,
    help="constant, linear, soft-bounds, power, exponential, nonlinear, piecewise, jump-table, or one that a package "
    "registers.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="TOML file for the device, to be used by its path."
)
@click.option(
    "--unit", type=click.Choice(["S", "mS", "uS", "nS"]), help="Of the conductances; by default the header's, else S."
)
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="Picture: data, residuals, the device in use."
)
@click.option("--accept-poor-fit", is_flag=True, help="Write the device though R^2 is below 0.9.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the error bars.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def fit(
    file: Path, law_name: str, out: Path | None, unit: str | None, plot: Path | None, accept_poor_fit: bool, seed: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Fit a law to FILE, a table with the columns pulse, conductance and, optionally, direction (up, down).

    Several devices, such as the columns G1 (uS), G2 (uS), ..., give the law their mean and their spread. A device
    pulsed up only is one-sided. A fit with R^2 below 0.9, of any of them, writes no device.

    `--plot` draws what was measured and fitted, the residuals, a small array that is programmed and one that is taught
    a linear map by pulses, beside floats: whether the device can hold weights, and whether it can learn them.

    Example: `hopbar devices fit measured.csv --law soft-bounds --out mine.toml --plot mine.png`
    """
    from crossbar.devices import fitting, measured, population, presets, tabulating
    from crossbar.devices.law import canonical
    from crossbar.devices.toml_file import fitted_toml
    from crossbar.errors import InvalidValue
    from crossbar.output_files import check_out, check_picture

    if out is not None:
        check_out(out)
    if plot is not None:
        check_picture(plot)
    curves = measured.read_devices(file, unit)
    many = population.fit_population(curves, canonical(law_name), seed=seed) if len(curves) > 1 else None
    result = many.fit if many is not None else tabulating.fit_curve(curves[0], canonical(law_name), seed=seed)
    if result.poor and out is not None and not accept_poor_fit:
        raise InvalidValue(
            f"the law {result.law.name!r} explains {result.r_squared:.1%} of the curve (R^2 below {fitting.GOOD}), so "
            "no device is written: try another --law, check `direction` and unit, or give --accept-poor-fit"
        )
    device = fitted_toml(result, file.name)
    if out is not None:
        out.write_text(device, encoding="utf-8")
    trial = None
    if plot is not None:
        from numpy.random import default_rng

        from crossbar.programming import fit_figure
        from crossbar.programming.trial import run

        trial = run(presets.parse("fitted", device), default_rng(seed))
        fit_figure.draw(curves, (result,) if many is None else many.devices, trial, plot)
    if as_json:
        facts = {**fit_described(result), "runs": curves[0].runs}
        if trial is not None:
            facts["in_use"] = trial.figures()
        if many is not None:
            facts |= {"devices": [fit_described(one) for one in many.devices], "untold_spreads": many.untold}
        click.echo(json.dumps(facts))
        return
    print_fit(result, curves[0].runs)
    if trial is not None:
        click.echo(f"{trial.told()}; picture in {plot}")
    if many is not None:
        told = ", ".join(f"{key} by {value:.2g}" for key, value in many.untold.items())
        worst = min(one.r_squared for one in many.devices)
        click.echo(f"{len(many.devices)} devices; the worst has R^2 {worst:.4f}")
        if told:
            click.echo(f"the law has no place for what else spreads: {told}")


def fit_described(result: Fit) -> dict[str, Any]:
    """Return a fit as JSON takes it."""
    estimates = {key: {"value": entry.value, "error": entry.error} for key, entry in result.parameters.items()}
    names = ("g_min", "g_max", "read_noise", "residual", "r_squared")
    tables = {key: getattr(result.law, key) for key in result.law.nodes}
    return {"law": result.law.name, "parameters": estimates, **tables, **{key: getattr(result, key) for key in names}}


def print_fit(result: Fit, runs: int) -> None:
    """Print a fit with its error bars."""
    from rich.table import Table

    from crossbar import console

    table = Table("parameter", "value", "+-", title=f"Fit of the law {result.law.name!r}")
    for key, entry in result.parameters.items():
        table.add_row(key, f"{entry.value:.5g}", f"{entry.error:.2g}")
    for key in result.law.nodes:
        table.add_row(key, f"{len(getattr(result.law, key))} nodes", "")
    printed = console.stdout()
    printed.print(table)
    low, high = (0, 2) if result.law.one_sided else (-1, 1)
    printed.print(
        f"conductance {result.g_min:.4g} to {result.g_max:.4g} S; weight units run from {low} to {high} over it"
    )
    if runs > 1:
        printed.print(f"{runs} runs of pulses, each followed from its own first point")
    if result.law.one_sided:
        printed.print("up-pulses only: a one-sided device, for pairs that are refreshed")
    if result.poor:
        printed.print("[bold]a poor fit: R^2 is below 0.9, this law is not this device[/bold]")
    printed.print(
        f"residual {result.residual:.3g} S rms, R^2 {result.r_squared:.5f}, read noise {result.read_noise:.3g} S"
    )
