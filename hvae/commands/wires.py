"""The command ``hopbar wires``: what the resistance of lines costs a trained model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from crossbar.wires.resistance import LineResistance
    from crossbar.wires.routes import RoutedLines
    from hvae.wires.placing import DeviceRange, Placed
    from hvae.wires.study import WireGrid

TILES = "64,128,256,512"
RESISTANCES = "0.1,1,10"
SHOWN = (
    "tile",
    "ohm",
    "compensation",
    "current_lost",
    "weight_error",
    "asymmetry",
    "sse_half",
    "frechet_distance",
    "unsettled",
)


@click.command(short_help="Tell what wire resistance costs, by tile size.")
@click.argument("run", metavar="RUN_OR_CHIP", type=click.Path(path_type=Path))
@click.option("--tiles", default=TILES, show_default=True, help="Rows and columns of a tile.")
@click.option("--resistances", help=f"Ohm per segment of a line; {RESISTANCES} by default.")
@click.option("--node", type=int, help="Or the technology (nm) whose low, typical and high resistance are taken.")
@click.option("--cell", default="1t1r", show_default=True, help="1t1r or 1r: whose pitch is a segment, with --node.")
@click.option(
    "--floor-plan", type=click.Path(path_type=Path),
    help="Or what `hopbar area MODEL --json` printed: segments and routes of its floor plan.",
)  # fmt: skip
@click.option(
    "--point", type=click.Choice(["low", "typical", "high"]), default="typical", show_default=True,
    help="Which resistances of --floor-plan.",
)  # fmt: skip
@click.option(
    "--compensation", default="none,both-ends+column-gains", show_default=True,
    help="Of none, both-ends, column-gains, sensitivity-order, corrected-targets; + joins them.",
)  # fmt: skip
@click.option("--symmetry", type=click.Choice(["shared", "two-device"]), help="The chip's own by default.")
@click.option("--g-min", type=float, default=1e-6, show_default=True, help="Siemens; for ideal weights.")
@click.option("--g-max", type=float, default=1e-4, show_default=True, help="Siemens; for ideal weights.")
@click.option("--weight-coverage", default=1.0, show_default=True, help="Share of ideal weights that the range holds.")
@click.option("--n-images", default=1000, show_default=True, help="Images reconstructed, and generated, a cell.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of latents and samples.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of pictures and page; RUN/wires by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def wires(run: Path, out: Path | None, as_json: bool, **options: Any) -> None:
    """Put RUN_OR_CHIP behind wires, and write each tile's loss and the scores: heat maps (PNG, SVG), a page, JSON.

    Example: `hopbar wires runs/tdh --tiles 64,128 --node 65 --n-images 500`, or with the lines of a floor plan,
    `hopbar area runs/tdh --json > area.json` and `hopbar wires runs/tdh --floor-plan area.json`
    """
    from hvae.wires.placing import DeviceRange

    line, lines = _line(options), _lines(options)
    grid = _grid(options, line, lines)
    range_ = DeviceRange(**{name: options[name] for name in ("g_min", "g_max", "weight_coverage")})
    folder = out or (run / "wires" if run.is_dir() else run.with_name(f"{run.name}.wires"))
    found, paths = _measured(run, options["symmetry"], range_, grid, line, folder)
    if as_json:
        click.echo(json.dumps(found))
        return
    _show(found)
    for path in paths:
        click.echo(path)


def _measured(
    run: Path, symmetry: str | None, range_: DeviceRange, grid: WireGrid, line: LineResistance | None, folder: Path
) -> tuple[dict[str, Any], list[Path]]:
    """Measure, draw and keep; return what wires.json holds, and the files."""
    from dataclasses import asdict

    from crossbar import console
    from hvae.learning import unsettled
    from hvae.runs import images
    from hvae.scores import evaluation
    from hvae.wires.figures import draw
    from hvae.wires.placing import open_placed
    from hvae.wires.study import Judge, measure

    log = console.stderr()
    total, done = len(grid.tiles) * len(grid.resistances) * len(grid.compensations), 0

    def tell(cell: dict[str, Any]) -> None:
        nonlocal done
        done += 1
        log.print(
            f"{done} of {total}: tiles of {cell['tile']}, {cell['ohm']:.3g} ohm, {cell['compensation']}: "
            f"weights off by {cell['weight_error']:.2%}, Frechet distance {cell['frechet_distance']:.1f}"
        )
        told = unsettled.warning({evaluation.UNSETTLED: cell["unsettled"]})
        if told:
            log.print(told)

    placed = open_placed(run, symmetry, range_)
    judge = Judge.make(placed, images.load(placed.trained.config.data), grid.images, grid.seed)
    found = measure(judge, grid, tell)
    facts = _facts(placed, run) | {"n_images": grid.images, "seed": grid.seed, "line": asdict(line) if line else None}
    facts |= {"floor_plan": asdict(grid.lines) if grid.lines else None}
    folder.mkdir(parents=True, exist_ok=True)
    paths = draw(found, facts, folder)
    kept = facts | {"ideal": found.ideal, "cells": found.cells}
    (folder / "wires.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return kept | {"out": str(folder)}, [*paths, folder / "wires.json"]


def _facts(placed: Placed, run: Path) -> dict[str, Any]:
    """Return what was put behind wires."""
    import numpy as np

    conductances = placed.conductances.values()
    planes = [plane[plane > 0] for one in conductances for plane in (one.plus, one.minus)]
    return {
        "source": str(run),
        "model": placed.trained.config.model.name,
        "dataset": placed.trained.config.data.name,
        "epochs": placed.trained.epochs if placed.trained.epochs == placed.trained.epochs else None,
        "prior": placed.trained.config.sampling.prior,
        "neurons": max(len(one.plus) for one in conductances),
        "symmetry": placed.symmetry,
        "device": next(iter(conductances)).device,
        "mean_siemens": float(np.concatenate(planes).mean()),
    }


def _line(options: dict[str, Any]) -> LineResistance | None:
    from crossbar.errors import InvalidValue
    from crossbar.wires.resistance import line_resistance

    if options["node"] is None:
        return None
    if options["resistances"] is not None:
        raise InvalidValue("give `--resistances` or `--node`, not both")
    return line_resistance(options["node"], options["cell"])


def _lines(options: dict[str, Any]) -> RoutedLines | None:
    from crossbar.errors import InvalidValue
    from crossbar.wires.routes import read_floor_plan

    if options["floor_plan"] is None:
        return None
    if options["resistances"] is not None or options["node"] is not None:
        raise InvalidValue("give `--floor-plan` alone: it has the resistances that `--resistances` and `--node` give")
    return read_floor_plan(options["floor_plan"])[options["point"]]


def _grid(options: dict[str, Any], line: LineResistance | None, lines: RoutedLines | None) -> WireGrid:
    from crossbar.arrays.wired_network import Compensation
    from crossbar.technology_parameters import POINTS
    from crossbar.wires.resistance import line_resistance
    from hvae.wires.study import WireGrid

    resistances = _numbers("--resistances", options["resistances"] or RESISTANCES, float)
    if line is not None:
        resistances = tuple(dict.fromkeys(line_resistance(line.node, line.cell, point).ohm for point in POINTS))
    if lines is not None:
        resistances = (lines.segment,)
    names = options["compensation"].split(",")
    return WireGrid(
        tiles=_numbers("--tiles", options["tiles"], int),
        resistances=resistances,
        compensations=tuple(Compensation.parse(name) for name in names),
        images=options["n_images"],
        seed=options["seed"],
        lines=lines,
    )


def _numbers(name: str, text: str, kind: Callable[[str], Any]) -> tuple[Any, ...]:
    from crossbar.errors import InvalidValue

    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise InvalidValue(f"`{name}` must be numbers with commas between them, but got {text!r}") from None


def _show(found: dict[str, Any]) -> None:
    """Print one row a cell."""
    from rich.table import Table

    from crossbar import console
    from hvae.scores import evaluation

    ideal = found["ideal"]
    drawn = evaluation.source(found["prior"])
    title = f"{found['source']}, {found['symmetry']} devices, {found['n_images']} images, z from {drawn}"
    without = f"without wires: SSE/2 {ideal['sse_half']:.4g}, Frechet distance {ideal['frechet_distance']:.4g}"
    table = Table(*(name.replace("_", " ") for name in SHOWN), title=title, caption=without)
    for cell in found["cells"]:
        table.add_row(*(f"{cell[name]:.4g}" if isinstance(cell[name], float) else str(cell[name]) for name in SHOWN))
    console.stdout().print(table)
