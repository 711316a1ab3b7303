"""The command ``hopbar memristor``: a memristor of one's own, checked and measured before a chip is built of it."""

from __future__ import annotations

import json
from pathlib import Path

import rich_click as click


@click.command("memristor", short_help="Check and measure a memristor of your own, in SPICE or Verilog-A.")
@click.argument("device", metavar="FILE.toml|NAME")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Picture of its states and its loop.")
@click.option("--volts", type=float, default=1.0, show_default=True, help="Amplitude of the loop, with --plot.")
@click.option("--seconds", type=float, default=1e-3, show_default=True, help="Length of the loop, with --plot.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def memristor(device: str, plot: Path | None, volts: float, seconds: float, as_json: bool) -> None:
    """Check the memristor that FILE.toml describes, and measure what it conducts.

    A SPICE subcircuit is measured in ngspice, a module in Verilog-A in VACASK.

    NAME is one that comes with Hopbar: jart-vcm-1b, jart-vcm-1b-va. `hopbar netlist` and `hopbar verify` take the same
    with --device.
    docs/your_circuit.md says what the file holds.

    Example: `hopbar memristor jart-vcm-1b --plot jart.svg`
    """
    from circuits.measuring import own
    from circuits.memristors.own import OwnMemristor
    from circuits.verification.device_error import measured
    from crossbar.errors import InvalidValue
    from crossbar.output_files import check_picture

    if plot is not None:
        check_picture(plot)
    found = own.memristor(device)
    if not isinstance(found, OwnMemristor):
        raise InvalidValue(f"{found} is no text of one's own, but equations (docs/netlist.md): give a FILE.toml")
    told = measured(found)
    assert told is not None
    if plot is not None:
        from circuits.measuring.figure import draw
        from circuits.measuring.loop import measure

        draw(found, measure(found, volts=volts, seconds=seconds), plot)
    if as_json:
        click.echo(json.dumps({"device": str(found), "state": found.own.state, **told, "picture": plot and str(plot)}))
        return
    click.echo(f"{found}: {told['g_min']:.4g} to {told['g_max']:.4g} S at {told['read_voltage']:g} V")
    click.echo(f"  between the measured states a conductance is known within {told['table_error']:.1e}")
    click.echo(f"  at an eighth of the read voltage and above it differs by up to {told['bend']:.1e}")
    click.echo(f"  at negative voltages it differs by up to {told['asymmetry']:.1e}")
    click.echo(f"  reading for {told['held']:g} s changes it by up to {told['drift']:.1e}")
    if plot is not None:
        click.echo(f"  {plot}")
