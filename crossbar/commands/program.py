"""The command ``hopbar program``: a trained run written to devices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click
from click.core import ParameterSource

if TYPE_CHECKING:
    import numpy as np

    from crossbar.devices.stuck_map import StuckMap
    from crossbar.programming.arrays import ProgrammingReport
    from crossbar.programming.reach import Reach, WriteLines
    from crossbar.programming.spares import Placement
    from crossbar.wires.access import Access

PULSED = {"max_pulses", "verify_noise"}  # options that floats have no use for
SCALES = {"weight_limit", "siemens_per_weight", "weight_coverage"}
WRITING = {"wire_resistance", "tile_size", "write_scheme"}  # options that only --write-volts has a use for


@click.command("program", short_help="Write a trained run to devices, with verification.")
@click.argument("run", metavar="RUN_OR_CHIP")
@click.option("--device", required=True, help="Preset, law or TOML file (see `hopbar devices`), or `ideal`.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The chip file to write.")
@click.option("--force", is_flag=True, help="Replace the chip file if it exists.")
@click.option("--tolerance", default=0.01, show_default=True, help="Accepted miss of a device, fraction of its range.")
@click.option("--max-pulses", type=int, help="Pulse budget of a device; twice those across its range, at least 500.")
@click.option("--verify-noise", default=0.0, show_default=True, help="Noise of one verifying read, same unit.")
@click.option("--mapping", default="pair", show_default=True, help="`pair` or `reference`.")
@click.option("--symmetry", default="shared", show_default=True, help="`shared` or `two-device`.")
@click.option("--weight-limit", type=float, help="Weight that fills the range; by default the one that errs least.")
@click.option("--siemens-per-weight", type=float, help="The scale itself, S (instead of --weight-limit).")
@click.option("--weight-coverage", type=float, help="Share of the weights that the range holds (1: all of them).")
@click.option(
    "--line-gains", type=click.Choice(["equal", "largest", "mean-square", "best"]), default="equal", show_default=True,
    help="A scale for every neuron's line, so that all use the range of their devices (docs/array.md); `best` tries.",
)  # fmt: skip
@click.option("--levels", type=int, help="Conductances that a device can hold.")
@click.option("--variation", default=0.0, show_default=True, help="Relative device-to-device spread.")
@click.option("--stuck-low", default=0.0, show_default=True, help="Fraction of devices stuck at g_min.")
@click.option("--stuck-high", default=0.0, show_default=True, help="Fraction of devices stuck at g_max.")
@click.option(
    "--stuck-map", type=click.Path(path_type=Path), metavar="FILE",
    help="Devices known to be stuck: a table of plane, row, column, state (docs/array.md).",
)
@click.option(
    "--spare-lines", type=click.IntRange(0), default=0, show_default=True,
    help="Lines beyond the neurons', for those that stuck devices hurt most; needs --stuck-map, which counts lines.",
)  # fmt: skip
@click.option(
    "--access", metavar="KIND:NUMBERS",
    help="What every device stands behind: `transistor:R` or `selector:I_S,V_S[,R]`, in ohm, A, V (docs/wires.md).",
)  # fmt: skip
@click.option("--read-volts", default=0.1, show_default=True, help="Of reads through --access, V.")
@click.option("--write-volts", type=float, help="That a pulse must bring to a cell, V; needs --wire-resistance.")
@click.option("--wire-resistance", type=float, help="Of a segment of the lines that write pulses go through, ohm.")
@click.option("--tile-size", type=click.IntRange(1), help="Most rows and columns of a tile that is written.")
@click.option(
    "--write-scheme", type=click.Choice(["half", "third"]), default="half", show_default=True,
    help="Voltages of the lines beside those of the cell that is written.",
)  # fmt: skip
@click.option("--neuron-gain", default=0.0, show_default=True, help="Spread of the neurons' gains, of log gain.")
@click.option("--neuron-offset", default=0.0, show_default=True, help="Spread of their offsets, in units of the state.")
@click.option("--neuron-leak", default=0.0, show_default=True, help="Spread of their leaks, of log leak.")
@click.option("--neuron-pull", default=0.0, show_default=True, help="Spread of what pulls each, in units of W rho.")
@click.option("--neuron-limit", type=float, help="Supply of linear neurons, in units of the state (docs/neurons.md).")
@click.option("--programming-error", help="Law of the miss with `--device ideal`: pcm, pcm-joshi, rram-milo, rram-wan.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of devices, faults, pulses and neurons."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def program(
    context: click.Context, run: str, device: str, out: Path, force: bool, as_json: bool, **options: Any
) -> None:
    """Write the weights of RUN_OR_CHIP to devices by write-verify, and save the chip that results.

    Example: `hopbar program runs/tdh-vae --device epiram --tolerance 0.02 --out chip.h5`
    """
    from crossbar.errors import ExistingFile
    from crossbar.output_files import check_out

    _check_options(context, device)
    check_out(out)
    if out.exists() and not force:
        raise ExistingFile(f"{out} exists already; choose another --out, or --force to replace it")
    lines = _write_lines(options)
    _access(options)
    reports, placed = _programmed(run, device, out, options)
    met = {} if lines is None else _reached(out, lines, options)
    if as_json:
        networks = {name: report.as_dict() for name, report in reports.items()}
        spare = {name: _moves(one) for name, one in placed.items()}
        told = {"chip": str(out), "device": device, "seed": options["seed"], "networks": networks}
        writing = {name: one.as_dict() for name, one in met.items()}
        told |= ({"spare_lines": spare} if placed else {}) | ({"writing": writing} if met else {})
        click.echo(json.dumps(told))
        return
    _show(reports, device, out)
    for name, pulses in met.items():
        assert lines is not None
        click.echo(f"{name}: {_told(pulses, lines)}")
    for name, one in placed.items():
        click.echo(
            f"{name}: {one.moved} neurons on spare lines; stuck devices take {one.harm:.4g} from squared weights, "
            f"{one.harm_before:.4g} without them"
        )


def _check_options(context: click.Context, device: str) -> None:
    """Raise `InvalidValue` for an option that would have no say with `device`, or beside another."""
    from crossbar.errors import InvalidValue

    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    silent = given & (PULSED if device == "ideal" else {"programming_error"})
    if silent:
        name = "--" + min(silent).replace("_", "-")
        other = "devices that take pulses: name one" if device == "ideal" else "`--device ideal`, which takes no pulses"
        raise InvalidValue(f"`{name}` belongs to {other}, but got --device {device}")
    if device == "ideal" and "access" in given:
        raise InvalidValue("`--access` stands before devices that take pulses: name one, but got --device ideal")
    if "read_volts" in given and "access" not in given:
        raise InvalidValue("`--read-volts` is of reads through an access device: give --access too")
    idle = sorted("--" + name.replace("_", "-") for name in given & WRITING)
    if idle and "write_volts" not in given:
        raise InvalidValue(f"`{idle[0]}` belongs to write pulses through lines: give --write-volts too")
    if "write_volts" in given and "wire_resistance" not in given:
        raise InvalidValue("`--write-volts` is asked of lines with resistance: give --wire-resistance too")
    if "spare_lines" in given and context.params["stuck_map"] is None:
        raise InvalidValue("`--spare-lines` takes the place of lines with stuck devices: give --stuck-map FILE too")
    scales = sorted("--" + name.replace("_", "-") for name in given & SCALES)
    if len(scales) > 1:
        raise InvalidValue(f"give at most one scale, but got {' and '.join(scales)}")


def _write_lines(options: dict[str, Any]) -> WriteLines | None:
    """Return what `options` say of write pulses, None where they are not asked for."""
    from crossbar.programming.reach import WriteLines

    if options["write_volts"] is None:
        return None
    return WriteLines(
        volts=options["write_volts"], ohm=options["wire_resistance"], tile_size=options["tile_size"],
        scheme=options["write_scheme"],
    )  # fmt: skip


def _access(options: dict[str, Any]) -> Access | None:
    from crossbar.wires.access import access

    return None if options["access"] is None else access(options["access"], options["read_volts"])


def _reached(out: Path, lines: WriteLines, options: dict[str, Any]) -> dict[str, Reach]:
    """Return what write pulses meet in every network of the chip at `out`."""
    from crossbar.chip import load_chip
    from crossbar.programming.reach import reach

    chip, single = load_chip(out), options["mapping"] == "reference"
    found = {}
    for name, held in chip.conductances.items():
        planes = [held.plus] if single else [held.plus, held.minus]
        click.echo(f"{name}: solving write pulses; seconds for tiles of 256 lines, minutes for 1,024", err=True)
        found[name] = reach(
            chip.networks[name], planes, lines, symmetry=options["symmetry"], access=_access(options)
        )  # fmt: skip
    return found


def _told(met: Reach, lines: WriteLines) -> str:
    """Return in words what write pulses meet."""
    tile = f"the densest tile ({met.rows} x {met.columns}, {met.plane})"
    if not met.reached:
        return (
            f"{tile} cannot be written: of {lines.most:g} V {met.arrived:.3g} V arrive at its furthest cell, "
            f"{lines.volts:g} V are needed; smaller tiles, lines of less resistance, or a selector"
        )
    verdict = "" if met.margin > 1 else ", more than the cell that is meant: such a tile cannot be written alone"
    return (
        f"{tile} needs drivers of {met.near:.4g} V beside them and {met.far:.4g} V for its furthest cell "
        f"({met.power:.3g} W); other cells see {met.disturbed:.3g} V meanwhile{verdict}"
    )


def _moves(placed: Placement) -> dict[str, Any]:
    """Return which neuron took which line, and what that saves, in plain numbers."""
    moved = {str(neuron): int(line) for neuron, line in enumerate(placed.lines) if line != neuron}
    return {"moved": moved, "harm_before": placed.harm_before, "harm": placed.harm}


def _programmed(
    run: str, device: str, out: Path, options: dict[str, Any]
) -> tuple[dict[str, ProgrammingReport], dict[str, Placement]]:
    """Program and save the chip; return the reports, and where neurons are if there are spare lines."""
    from dataclasses import replace

    import numpy as np

    from crossbar.arrays.config import ArrayConfig
    from crossbar.chip import load_chip
    from crossbar.devices.nonidealities import FaultLaw
    from crossbar.devices.stuck_map import read
    from crossbar.hopfield.mismatch import Spread
    from crossbar.programming import spares
    from crossbar.programming.chip import best_scale, given_scale, program_chip
    from crossbar.programming.write_verify import WriteVerify

    faults = FaultLaw(**{name: options[name] for name in ("levels", "variation", "stuck_low", "stuck_high")})
    names = ["mapping", "symmetry", "weight_limit", "siemens_per_weight", "programming_error"]
    scale = best_scale
    if options["weight_coverage"] is not None:
        names, scale = [*names, "weight_coverage"], given_scale
    config = ArrayConfig(
        device=None if device == "ideal" else device, faults=faults, access=_access(options),
        **{name: options[name] for name in names},
    )  # fmt: skip
    spread = Spread(**{name: options[f"neuron_{name}"] for name in ("gain", "offset", "leak", "pull")})
    settings = WriteVerify(**{name: options[name] for name in ("tolerance", "max_pulses", "verify_noise")})
    rng = np.random.default_rng(options["seed"])
    ideal = load_chip(run)
    if options["neuron_limit"] is not None:
        ideal = ideal.with_limit(options["neuron_limit"])
    placed: dict[str, Placement] = {}

    def stuck(network: str) -> StuckMap | None:
        if options["stuck_map"] is None:
            return None
        known = read(options["stuck_map"], network)
        if options["spare_lines"]:
            placed[network] = spares.place(known, np.asarray(ideal.weights[network]), options["spare_lines"])
            return placed[network].stuck
        return known

    chip, reports = program_chip(ideal, config, settings, rng, scale, stuck, options["line_gains"])
    if spread != Spread():
        chip = chip.with_neurons(spread, rng)
    notes = {"programmed_on": device, "programmed_from": run, "programming_seed": str(options["seed"])}
    gains = {name: devices.gains for name, devices in chip.conductances.items()}
    notes |= {f"line_gains_{name}": _spread(own) for name, own in gains.items() if own is not None}
    if options["access"] is not None:
        notes |= {"access": options["access"], "read_volts": str(options["read_volts"])}
    if placed:
        notes["spare_lines"] = json.dumps({name: _moves(one)["moved"] for name, one in placed.items()})
    replace(chip, provenance={**chip.provenance, **notes}).save(out)
    return reports, placed


def _spread(gains: np.ndarray) -> str:
    """Return how far the gains of lines lie apart."""
    return f"{gains.min():.4g} to {gains.max():.4g}"


def _show(reports: dict[str, ProgrammingReport], device: str, out: Path) -> None:
    """Print one row a network."""
    from rich.table import Table

    from crossbar import console

    heads = (
        "network", "devices", "failed", "rms error", "worst", "range holds", "|dW| / |W|", "by clipping", "pulses",
        "verify reads", "energy (J)",
    )  # fmt: skip
    table = Table(*heads)
    for name, report in reports.items():
        table.add_row(
            name, f"{report.devices:,}", f"{report.failed_fraction:.2%}", f"{report.rms_error:.3%}",
            f"{report.worst_error:.2%}", f"{report.weight_limit:.3g}", f"{report.weight_error:.2%}",
            f"{report.clipping_error:.2%}", f"{report.pulses_up + report.pulses_down:,}",
            f"{report.verify_steps:,}", f"{report.energy:.3g}",
        )  # fmt: skip
    printed = console.stdout()
    printed.print(table)
    printed.print(f"Written to {out} on {device}; errors are fractions of a device's range.")
