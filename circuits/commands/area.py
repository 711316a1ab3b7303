"""The command ``hopbar area``: what a chip measures and draws, and how much of it tying saves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from circuits.area.architecture import CELLS, DEAD_BLOCKS, LAYOUTS, PHASES, WEIGHTS

if TYPE_CHECKING:
    from circuits.costs.study import AreaStudy

SHARINGS = ("two-chips", "shared-io", "shared-neurons")  # as circuits.area.sharing.SHARING, which costs numpy to import
NEURONS = ("assumed", "sky130")  # as circuits.area.transistor_neuron.NEURONS
MODELS = ("f-vae", "h-vae", "dh-vae", "tdh-vae")


@click.command("area", short_help="Chip area and energy, tied against untied.")
@click.argument("targets", metavar="[MODEL_OR_RUN_OR_CHIP]...", nargs=-1)
@click.option("--node", type=int, default=65, show_default=True, help="Technology node in nm: 130, 65, 32 or 22.")
@click.option("--tile", type=int, default=256, show_default=True, help="Rows and columns of a crossbar tile.")
@click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default="full",
    show_default=True,
    help="Devices: both directions apart, or one a pair.",
)
@click.option(
    "--weights",
    type=click.Choice(WEIGHTS),
    default="pair",
    show_default=True,
    help="Differential pairs, or a reference column a tile.",
)
@click.option("--cell", type=click.Choice(CELLS), default="1t1r", show_default=True, help="Memory cell.")
@click.option(
    "--untied",
    type=click.Choice(SHARINGS),
    default="two-chips",
    show_default=True,
    help="What the two networks of an untied model share.",
)
@click.option(
    "--dead-blocks",
    type=click.Choice(DEAD_BLOCKS),
    default="drop",
    show_default=True,
    help="Devices and neurons that clamping leaves idle.",
)
@click.option(
    "--phases",
    type=click.Choice(PHASES),
    default="sequential",
    show_default=True,
    help="One circuit for both phases of a contrast, or two.",
)
@click.option(
    "--neuron",
    type=click.Choice(NEURONS),
    default="assumed",
    show_default=True,
    help="Neurons as the technology assumes them, or of sky130's transistors (--node 130).",
)
@click.option(
    "--matching", type=float, default=1.0, show_default=True,
    help="How many times less sky130's transistors differ than those drawn: their gates are as much larger, squared.",
)  # fmt: skip
@click.option(
    "--technology", type=click.Path(path_type=Path), help="TOML file whose parameters replace the shipped ones."
)
@click.option("--energy", is_flag=True, help="Energy and latency of models too (of chips they are always given).")
@click.option(
    "--images", type=click.IntRange(1, 1000), default=8, show_default=True, help="Images whose settling is simulated."
)
@click.option("--draws", type=click.IntRange(10, 10**6), default=4000, show_default=True, help="Monte Carlo draws.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all draws.")
@click.option(
    "--gds", type=click.Path(dir_okay=False, path_type=Path), help="GDS file to write the floor plan to, a cell a die."
)
@click.option("--force", is_flag=True, help="Replace the GDS file if it exists.")
@click.option(
    "--pictures", type=click.Path(file_okay=False, path_type=Path), help="Folder to write pictures and area.json to."
)
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Folder with evaluated runs, for Frechet distance against area; may be repeated.",
)
@click.option(
    "--report", type=click.Path(file_okay=False, path_type=Path), help="Folder to write area.md and its pictures to."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def area(targets: tuple[str, ...], node: int, tile: int, untied: str, neuron: str, matching: float,
         technology: Path | None, energy: bool, images: int, draws: int, seed: int, gds: Path | None, force: bool,
         pictures: Path | None, runs: tuple[Path, ...], report: Path | None, as_json: bool,
         **choices: Any) -> None:  # fmt: skip
    """Show what a chip measures and draws, and how much of it tying saves.

    Models are f-vae, h-vae, dh-vae and tdh-vae at the sizes of the paper's table 3 (all four if none is named); run
    folders and chip files are measured as they are. Areas come as low, typical and high, and as 5, 50 and 95 % of
    draws that all chips share; ratios are given under every accounting, whatever --untied says.

    \b
    Examples:
      hopbar area
      hopbar area tdh-vae runs/tied --node 130 --untied shared-io
      hopbar area --json | jq '.ratios["shared-io"]'
      hopbar area tdh-vae --gds tdh.gds
      hopbar area tdh-vae --node 130 --neuron sky130 --matching 3
      hopbar area --report docs/results --runs runs
    """  # noqa: D301 (click wants the character)
    from circuits.area.architecture import Architecture
    from circuits.area.technology import load_technology
    from circuits.costs.study import resolve, study

    if gds is not None:
        _check_gds(gds, force)
    found = study(
        resolve(targets or MODELS), Architecture(tile=tile, **choices), untied, load_technology(technology),
        node=node, n_draws=draws, seed=seed, n_images=images, energy=energy, neuron=neuron,
        matching=matching,
    )  # fmt: skip
    if gds is not None:
        from circuits.area.gds import write

        write([die for plan in found.plans.values() for die in plan], gds, force=force)
    _write(found, runs, pictures, report)
    _show(found, as_json)


def _check_gds(path: Path, force: bool) -> None:
    """Refuse a GDS file that could not be written, before the work."""
    from circuits.area.gds import check
    from crossbar.errors import InvalidValue

    if not path.parent.is_dir():
        raise InvalidValue(f"the folder {str(path.parent)!r} of `--gds` does not exist; make it first")
    check(path, force=force)


def _write(found: AreaStudy, runs: tuple[Path, ...], pictures: Path | None, report: Path | None) -> None:
    from circuits.costs.records import study_record
    from circuits.costs.report import write_pictures, write_report
    from crossbar.errors import InvalidValue

    if runs and pictures is None and report is None:
        raise InvalidValue("`--runs` needs `--pictures FOLDER` or `--report FOLDER`, but got neither")
    if pictures is not None:
        write_pictures(found, pictures, runs)
        (pictures / "area.json").write_text(json.dumps(study_record(found), indent=1) + "\n", encoding="utf-8")
    if report is not None:
        write_report(found, report, runs)


def _show(found: AreaStudy, as_json: bool) -> None:
    from circuits.costs.records import study_record
    from circuits.costs.tables import study_tables
    from crossbar import console

    if as_json:
        click.echo(json.dumps(study_record(found)))
        return
    printed = console.stdout()
    for table in study_tables(found):
        printed.print(table)
