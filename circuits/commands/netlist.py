"""The commands ``hopbar netlist`` and ``hopbar verify``: the trained chip as a circuit, and the proof of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click
from click import get_current_context
from click.core import ParameterSource
from click.exceptions import Exit

if TYPE_CHECKING:
    from circuits.circuit.layout import Layout
    from circuits.verification.exporting import Request

SYMMETRIES = ("shared", "two-device")
ROLES = ("encode", "decode", "both", "generate")
NEURONS = ("behavioural", "opamp", "sky130")
WITH_TRANSISTORS = {"chip", "out", "sample", "seed", "as_json", "neuron", "timeout", "keep"}
"""Options that have a say where neurons are of sky130's transistors; `hopbar silicon` has the others."""
DIALECTS = ("ngspice", "ltspice", "xyce", "spectre", "hspice", "vacask")


def _choices(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how a chip is laid out."""
    options = [
        click.option("--device", metavar="NAME|FILE.toml", default="linear", show_default=True,
                     help="Memristor: linear, vteam, yakopcic, stanford, jart-vcm-1b, or one of your own."),
        click.option("--wires", is_flag=True, help="Lines with resistance, in tiles."),
        click.option("--r-wire", type=float, help="Ohm per segment, with --wires: 1 unless given."),
        click.option("--tile", type=int, help="Lines of a tile, with --wires: 128 unless given."),
        click.option("--symmetry", type=click.Choice(SYMMETRIES), help="One device per pair of neurons, or two."),
        click.option("--neuron", type=click.Choice(NEURONS), default="behavioural", show_default=True,
                     help="Ideal amplifiers, operational amplifiers of finite gain, or sky130's transistors."),
        click.option("--offset-spread", type=float, default=0.0, show_default=True,
                     help="V, standard deviation of the amplifiers' own offsets; with --neuron opamp."),
        click.option("--g-min", type=float, default=1e-6, show_default=True, help="Siemens; for ideal weights."),
        click.option("--g-max", type=float, default=1e-4, show_default=True, help="Siemens; for ideal weights."),
        click.option("--slow", type=float,
                     help="Of a flow: how many times slower its pixels are than hidden neurons; 200, without time 4."),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of latents' noise."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _layout(
    chip: Path, *, device: str, wires: bool, r_wire: float | None, tile: int | None, symmetry: str | None, neuron: str,
    g_min: float, g_max: float, offset_spread: float,
) -> Layout:  # fmt: skip
    """Return the circuits of the chip at `chip` under the options of `_choices`."""
    from circuits.circuit.electrical import Wires
    from circuits.circuit.layout import Choices, Layout
    from circuits.measuring.own import memristor
    from crossbar.chip import load_chip
    from crossbar.errors import InvalidValue

    if not wires and (r_wire is not None or tile is not None):
        raise InvalidValue("--r-wire and --tile are of lines with resistance: give --wires too, or leave them out")
    ohm = 1.0 if r_wire is None else r_wire
    lines = Wires(r_word_line=ohm, r_bit_line=ohm, tile=128 if tile is None else tile) if wires else None
    found = load_chip(chip)
    chosen = memristor(device)
    choices = Choices(symmetry=symmetry, device=chosen, amplifier=neuron, wires=lines, g_min=g_min, g_max=g_max,
                      offset_spread=offset_spread)  # fmt: skip
    return Layout(chip=found, choices=choices)


@click.command("netlist", short_help="Write a trained chip as a SPICE netlist, or check one.")
@click.argument("chip", metavar="RUN_OR_CHIP", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@click.option("--check", "checked", type=click.Path(path_type=Path),
              help="Write nothing: compare this netlist's weights, neurons and clamps with the chip's.")  # fmt: skip
@click.option("--role", type=click.Choice(ROLES),
              help="One role, or the single chip with both (default if tied); of a flow generate.")  # fmt: skip
@click.option("--sample", type=int, default=0, show_default=True, help="Which of the chip's example images.")
@click.option("--phase", type=click.Choice(("free", "nudged")), default="free", show_default=True,
              help="Free phase alone, or free, +beta and -beta in one transient.")  # fmt: skip
@click.option("--beta", type=float, default=0.05, show_default=True, help="Strength of the nudge.")
@click.option("--beta-kl", type=float, default=1.9, show_default=True, help="Weight of the KL term (eq. 11).")
@click.option("--dialect", type=click.Choice(DIALECTS), default="ngspice", show_default=True,
              help="The simulator that it is for. All but ngspice and vacask were never run.")  # fmt: skip
@_choices
def netlist(
    chip: Path, out: Path | None, checked: Path | None, role: str | None, sample: int, phase: str, beta: float,
    beta_kl: float, dialect: str, slow: float | None, seed: int, as_json: bool, **choices: Any,
) -> None:  # fmt: skip
    """Write the chip of RUN_OR_CHIP as self-contained netlists that `ngspice -n -b` runs without Python.

    Every memristor is one card named by its neurons: `Rp_hidden_3__pixel_0_12` is the positive device of that weight.

    With --check, a netlist is read back and compared with the chip, without a simulator; give the --sample and --seed
    that it was written with. Exit code 1 if it is not the chip. A netlist for LTspice, Xyce, Spectre or HSPICE is
    compared with the one for ngspice, card by card: give the --dialect and --role that it was written with.

    A flow (`hopbar flow learn`) is one transient from noise to an image: --seed and --sample choose the noise.

    Example: `hopbar netlist runs/demo --out netlists --role encode --sample 3`
    """
    from circuits.verification.exporting import Request, export_chip
    from crossbar.errors import InvalidValue

    if choices["neuron"] == "sky130":
        _write_transistors(chip, out, sample, seed, as_json)
        return
    if (out is None) == (checked is None):
        raise InvalidValue("give either --out FOLDER to write netlists, or --check FILE to compare one with the chip")
    request = Request(
        role=role, phase=phase, sample=sample, seed=seed, beta=beta, beta_kl=beta_kl, dialect=dialect, slowness=slow
    )
    layout = _layout(chip, **choices)
    if checked is not None and dialect not in ("ngspice", "vacask"):
        _check_as(layout, request, checked, as_json)
        return
    if checked is not None:
        _check(layout, checked, request, as_json)
        return
    assert out is not None
    report = export_chip(layout, request, out, str(chip), lambda said: click.echo(f"warning: {said}", err=True))
    if as_json:
        click.echo(json.dumps(report))
        return
    for file in report["files"]:
        click.echo(f"{file['path']}: {file['n_memristors']:,} memristors, {file['bytes'] / 1e6:.1f} MB", err=True)
        if "run" in file:
            read = "read back, the same as the ngspice netlist" if file["compared"] else "not read back (--check does)"
            click.echo(f"  {file['dialect']}: {read}; never run in its own simulator", err=True)


def _check_as(layout: Layout, request: Request, path: Path, as_json: bool) -> None:
    from circuits.verification.dialects import check_as
    from circuits.verification.exporting import posed

    found = check_as(posed(layout, request)[0], path, request.dialect)
    if as_json:
        click.echo(json.dumps({"path": str(path), "dialect": request.dialect, "passed": not found, "problems": found}))
    else:
        click.echo(f"{path}: {'is NOT' if found else 'is'} the ngspice netlist in the language of {request.dialect}")
        for problem in found:
            click.echo(f"  {problem}")
    if found:
        raise Exit(1)


def _check(layout: Layout, path: Path, request: Request, as_json: bool) -> None:
    from circuits.verification.read_back import check

    found = check(layout, path, sample=request.sample, seed=request.seed, slowness=request.slowness)
    if as_json:
        click.echo(json.dumps({"path": str(path), **found.summary()}))
    else:
        counts = f"{found.n_neurons} neurons, {found.n_memristors:,} memristors, role {found.role}"
        unread = f"; not compared: {', '.join(found.unread)}" if found.unread else ""
        click.echo(f"{path}: {'is the chip' if found.passed else 'is NOT the chip'} ({counts}{unread})")
        for problem in found.problems:
            click.echo(f"  {problem}")
    if not found.passed:
        raise Exit(1)


@click.command("verify", short_help="Prove in a circuit simulator that the netlist is the chip.")
@click.argument("chip", metavar="RUN_OR_CHIP", type=click.Path(path_type=Path))
@click.option("--engine", "engine_name", default="ngspice", show_default=True,
              help="ngspice, pyspice, inspice or vacask.")  # fmt: skip
@click.option("--mode", type=click.Choice(("coupled", "fixed-rail", "tile")),
              help="Default: coupled up to 800 neurons and in VACASK (with --wires 200, else one tile).")  # fmt: skip
@click.option("--analysis", type=click.Choice(("tran", "op", "tran-op")),
              help="Default: tran up to 200 neurons. tran-op (VACASK): coarse tran, then op from its end.")  # fmt: skip
@click.option("--role", type=click.Choice(ROLES),
              help="Default: encode, then decode; both: the single chip; of a flow generate.")  # fmt: skip
@click.option("--n-samples", type=int, default=1, show_default=True, help="How many of the chip's example images.")
@click.option("--timeout", type=float, default=900.0, show_default=True, help="Seconds a simulation may take.")
@click.option("--memory", type=float, default=12.0, show_default=True, help="GiB a simulation may take (Linux).")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Folder for netlists, logs, pictures.")
@_choices
def verify(
    chip: Path, engine_name: str, mode: str | None, analysis: str | None, role: str | None, n_samples: int,
    timeout: float, memory: float, keep: Path | None, slow: float | None, seed: int, as_json: bool, **choices: Any,
) -> None:  # fmt: skip
    """Settle the exported circuit in a circuit simulator and compare it with the chip, neuron by neuron.

    The chip's side is its own weights, neurons and examples, settled by `crossbar`; the export has no part in it. With
    --wires they are the weights that currents find through the lines' resistance.

    Exit code 0 if every state agrees within the tolerance, the rest point is stable, and the netlist read back
    (of linear devices) has the chip's weights, neurons and clamps; 1 if not. Pictures, waveforms and
    verification.json go to --keep, the circuit, log and raw file of each simulation to a folder SAMPLE-ROLE in it.

    Example: `hopbar verify runs/demo --engine ngspice --n-samples 2 --keep proof`
    """
    if choices["neuron"] == "sky130":
        _run_transistors(chip, seed, timeout, keep, as_json)
        return
    from circuits.verification.exporting import Proof, prove

    proof = Proof(
        engine=engine_name, mode=mode, analysis=analysis, role=role, n_samples=n_samples, seed=seed, seconds=timeout,
        gigabytes=memory, keep=keep, slowness=slow,
    )  # fmt: skip
    summary = prove(_layout(chip, **choices), proof)
    if as_json:
        click.echo(json.dumps(summary))
    else:
        _show(summary)
    if not summary["passed"]:
        raise Exit(1)


def _check_options() -> None:
    """Raise `InvalidValue` for an option that would have no say beside `--neuron sky130`."""
    from crossbar.errors import InvalidValue

    context = get_current_context()
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    silent = sorted(given - WITH_TRANSISTORS)
    if silent:
        named = next(one.opts[0] for one in context.command.params if one.name == silent[0])
        raise InvalidValue(
            f"`{named}` has no say with --neuron sky130: a tied chip encodes, samples and decodes in one transient; "
            "`hopbar silicon` takes its corner, temperature and leak"
        )


def _write_transistors(chip: Path, out: Path | None, sample: int, seed: int, as_json: bool) -> None:
    """Write the netlist of a chip whose neurons are sky130's transistors, nominal corner, 27 C."""
    from circuits.circuit.layout import Layout
    from circuits.commands.beside import count, write
    from circuits.silicon.bench import Conditions
    from circuits.silicon.chip import Times, task
    from circuits.silicon.level import Level
    from crossbar.chip import load_chip
    from crossbar.errors import InvalidValue
    from crossbar.output_files import check_out

    _check_options()
    if out is None:
        raise InvalidValue("give --out FOLDER: chips of transistors are written, and not read back")
    check_out(out)
    layout = Layout(chip=load_chip(chip))
    conditions, level = Conditions(), Level()
    posed = task(layout.chip, layout.image(sample), layout.noise(seed, sample), conditions, level)
    out.mkdir(exist_ok=True)
    path = write(posed, conditions, level, Times(), out)
    told = {"path": str(path), "neurons": posed.array.size, "memristors": count(posed.array)}
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo(f"{path}: {told['neurons']} neurons of sky130, {told['memristors']:,} memristors", err=True)
        click.echo("  `hopbar verify --neuron sky130` runs it beside the simulator", err=True)


def _run_transistors(chip: Path, seed: int, timeout: float, keep: Path | None, as_json: bool) -> None:
    """Run a chip whose neurons are sky130's transistors, beside the simulator: `hopbar silicon`."""
    from circuits.commands.silicon import silicon

    _check_options()
    context = get_current_context()
    context.invoke(silicon, chip=chip, seed=seed, timeout=timeout, out=keep, as_json=as_json)


def _told_flow(summary: dict) -> str:
    if "slowness" not in summary:
        return f"softest mode {summary['softest_mode']:.2g}, "
    return f"{summary['image_error']:.1e} of a pixel's range, {summary['flow_seconds']:.3g} s of the chip's time, "


def _show(summary: dict) -> None:
    verdict = "passed" if summary["passed"] else "FAILED"
    click.echo(
        f"{verdict}: {summary['engine']} {summary['engine_version']}, {summary['mode']} {summary['analysis']}, "
        f"{summary['simulated']}: {summary['n_neurons']} neurons, {summary['n_memristors']:,} memristors simulated, "
        f"largest error {summary['max_abs_error']:.1e} {summary.get('unit', 'V')} from the chip, "
        f"{summary['tolerance']:.0e} allowed, {_told_flow(summary)}{summary['seconds']:.1f} s"
    )
    for reason in summary["reasons"]:
        click.echo(f"  {reason}")
    own = summary.get("max_abs_error_of_own_weights")
    if own is not None:
        click.echo(f"  from where the circuit's own weights rest: {own:.1e}")
    if summary.get("read_back"):
        right = [text["passed"] for text in summary["read_back"]]
        click.echo(f"  read back: {sum(right)} of {len(right)} netlists have the chip's numbers")
    own = summary.get("device_measured")
    if own is not None:
        click.echo(
            f"  {summary['device']}: {own['g_min']:.3g} to {own['g_max']:.3g} S at {own['read_voltage']:g} V measured, "
            f"relative errors: table {own['table_error']:.0e}, bend {own['bend']:.0e}, other sign "
            f"{own['asymmetry']:.0e}, {own['held']:g} s of reading {own['drift']:.0e}"
        )
    if "current_kept" in summary:
        click.echo(f"  wires let {summary['current_kept']:.1%} of the tile's current through")
    for name, error in summary["blocks"].items():
        click.echo(f"  {name}: max {error['max']:.1e}, rms {error['rms']:.1e}")
