"""The command `hopbar devices series`: drift and read noise of devices that were read again and again."""

from __future__ import annotations

import json
from pathlib import Path

import rich_click as click


@click.command(short_help="Find drift and read noise in conductances over time.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--g-max", type=float, help="Siemens that read noise is a share of; the largest reading unless given.")
@click.option(
    "--unit", type=click.Choice(["S", "mS", "uS", "nS"]), help="Of the conductances; by default the header's, else S."
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Picture: readings, lines, what is left.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def series(file: Path, g_max: float | None, unit: str | None, plot: Path | None, as_json: bool) -> None:
    """Fit power-law drift and read noise to FILE: a column time (s since writing), and one of conductances a device.

    The last line are the settings of an array of such devices, for `hopbar train --array` and `hopbar program`.

    Example: `hopbar devices series retention.csv --g-max 2.5e-5 --plot retention.svg`
    """
    from crossbar.devices.series import figure, read_noise, reading, retention
    from crossbar.numerics import checks
    from crossbar.output_files import check_picture

    if plot is not None:
        check_picture(plot)
    found = reading.read(file, unit)
    largest = float(found.conductances.max()) if g_max is None else g_max
    checks.positive("g_max", largest)
    drift = retention.fit(found)
    noise = read_noise.fit(found, drift.line(found.time), largest)
    if plot is not None:
        figure.draw(found, drift, noise, plot)
    law = drift.law
    settings: dict[str, float | str] = {
        "drift_nu": law.nu if drift.significant else 0.0, "drift_nu_std": law.nu_std if drift.significant else 0.0,
        "read_noise": noise.additive, "read_noise_relative": noise.relative,
    }  # fmt: skip
    if noise.spectrum is not None and noise.spectrum != "other":
        settings["spectrum"] = noise.spectrum
    if as_json:
        told = {
            "devices": len(drift.exponents), "nu": drift.mean, "nu_std": drift.spread, "t0": drift.t0,
            "significant": drift.significant, "explained": drift.explained, "g_max": largest,
            "read_noise": noise.additive, "read_noise_relative": noise.relative, "spectrum_slope": noise.slope,
            "array": settings,
        }  # fmt: skip
        click.echo(json.dumps(told))
        return
    sure = "" if drift.significant else ", which is no more than chance: taken as none"
    click.echo(f"{len(drift.exponents)} devices over {found.time[0]:g} to {found.time[-1]:g} s")
    click.echo(
        f"drift: nu {drift.mean:.4g}, {drift.spread:.2g} from device to device{sure}; the lines explain "
        f"{drift.explained:.1%} of what changes"
    )
    click.echo(f"read noise: {noise.additive:.3g} of {largest:.3g} S, and {noise.relative:.3g} of a device's own")
    click.echo(f"  {told_spectrum(noise.slope, noise.spectrum)}")
    said = {key: value if isinstance(value, str) else f"{value:.4g}" for key, value in settings.items()}
    click.echo(" ".join(f"--set array.{key}={value}" for key, value in said.items()))


def told_spectrum(slope: float | None, spectrum: str | None) -> str:
    """Return what the spectrum is, in words."""
    if slope is None:
        return "no spectrum: it needs 64 readings at equal steps of time"
    words = {"white": "white", "pink": "pink (1/f)"}
    other = "neither white nor 1/f: a single fluctuator, or a drift of another law"
    return f"its spectrum falls as 1 / f^{slope:.2f}: {words.get(spectrum or '', other)}"
