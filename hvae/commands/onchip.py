"""The commands about training on chips: ``hopbar study`` and ``hopbar gradient-quality``."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from hvae.onchip.gradient_quality import GradientQuality

DIVERGED = 1  # exit code


@click.command(short_help="Compare chips with ideal runs over a grid of settings.")
@click.argument("file", metavar="STUDY.toml", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder of the study; goes on if it exists."
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes on this machine.")
@click.option("--scheduler", metavar="ADDRESS", help="A dask.distributed scheduler, such as tcp://host:8786, instead.")
@click.option("--forecast", "forecast_only", is_flag=True, help="Tell what is left to do, in cells and hours, and end.")
@click.option("--table-only", is_flag=True, help="Compute nothing: tabulate the cells that are finished.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def study(
    file: Path,
    out: Path,
    workers: int,
    scheduler: str | None,
    forecast_only: bool,
    table_only: bool,
    as_json: bool,
) -> None:
    """Train (or program) every cell of STUDY.toml beside its ideal run, and write the table, curves and page to --out.

    On this machine what it will take is told first, from a few steps of its first cells. A study that was interrupted
    goes on with the same command; what is finished is not done again. A cell that diverges stops no other; the exit
    code is then 1.

    Example: `hopbar study examples/study-devices.toml --out studies/devices --workers 2`
    """
    from crossbar import console
    from crossbar.errors import MissingFile
    from hvae.jobs import bars
    from hvae.studies import grid
    from hvae.studies.forecast import forecast
    from hvae.studies.report import failures, write_report
    from hvae.studies.workers import finished_cells, run_study

    log = console.stderr()
    plan = grid.load(file)
    results = finished_cells(plan, out)
    total, done = len(plan.cells()), {one["name"] for one in results}
    log.print(f"{plan.title}: {len(done)} of {total} cells are finished")

    if table_only and not results:
        raise MissingFile(f"{out} holds no finished cell of this study: leave --table-only out to compute them")
    if forecast_only or (scheduler is None and not table_only):
        expected = forecast(plan, [cell for cell in plan.cells() if cell.name not in done])
        log.print(f"to do: {expected.told(workers)}")
    if forecast_only:
        if as_json:
            click.echo(json.dumps({"title": plan.title, "finished": len(done), **asdict(expected)}))
        return
    if not table_only:
        with bars.shown("cells", total, len(done), log) as shown:
            told = itertools.count(len(done) + 1)

            def tell(result: dict[str, Any]) -> None:
                score = result.get("failed") or f"Frechet distance {result['frechet_distance']:.1f}"
                shown.say(f"{result['name']}: {score}")
                shown.end(result["name"])
                shown.done(next(told))

            results = run_study(
                plan, out, workers=workers, scheduler=scheduler, on_cell=tell, listener=shown.listener
            )
    found = write_report(plan, results, out)
    if as_json:
        click.echo(json.dumps({"title": plan.title, "out": str(out), "rows": found["rows"]}))
    else:
        _show_rows(found["rows"])
        for name, reason in failures(results).items():
            log.print(f"no scores of {name}: {reason}")
        click.echo(out / "study.html")
    if any("failed" in one for one in results):
        raise SystemExit(DIVERGED)


@click.command("gradient-quality", short_help="How good is the gradient that devices receive?")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--array", metavar="PRESET", help="Devices to try; the run's own chip if it has one.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One change, such as array.read_noise=0.01."
)
@click.option("--batch", type=click.IntRange(1), default=32, show_default=True, help="Validation images.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Learning rate of the update; the run's own.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of latents and pulses.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def gradient_quality(
    run: Path, array: str | None, overrides: tuple[str, ...], batch: int, rate: float | None, seed: int, as_json: bool
) -> None:
    """Compare what devices receive with the exact EP gradient at the checkpoint of RUN, by block and by cause.

    Example: `hopbar gradient-quality runs/tdh --array epiram --set array.read_noise=0.002 --json`
    """
    found = _quality(run, array, overrides, batch, rate, seed)
    if as_json:
        click.echo(json.dumps({"run": str(run), "seed": seed, **found.as_dict()}))
    else:
        _show_quality(found)


def _quality(
    run: Path, array: str | None, overrides: tuple[str, ...], batch: int, rate: float | None, seed: int
) -> GradientQuality:
    from crossbar.errors import InvalidValue
    from hvae.config import toml_file
    from hvae.onchip.chip import OnChip, by_sgd, for_array
    from hvae.onchip.gradient_quality import quality_of_run
    from hvae.runs import images, loading

    trained = loading.load(run)
    chip = trained.learner if isinstance(trained.learner, OnChip) else None
    given = [*([] if array is None else [f"array.device={array}"]), *overrides]
    devices = [change for change in given if change.startswith("array.")]
    config = by_sgd(toml_file.changed(trained.config, devices))  # the run's own Adam was never meant for an array
    config = toml_file.changed(config, [change for change in given if change not in devices])
    if config.array.device is None:
        raise InvalidValue(f"{run} was not trained on a chip: name its devices with --array, such as --array epiram")
    pictures = images.load(config.data).validation_images[:batch]
    return quality_of_run(
        for_array(config), trained.parameters, None if given else chip, pictures, rate=rate, seed=seed
    )


def _show_rows(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from crossbar import console
    from hvae.studies.report import shown

    kept = (
        "label",
        "model",
        "verdict",
        "frechet_ideal",
        "frechet",
        "difference",
        "difference_interval",
        "sse_half_mean_ideal",
        "sse_half_mean",
        "unsettled",
        "failed",
        "pulses",
        "seconds",
        "way",
    )
    table = Table(*(name.replace("_", " ") for name in kept))
    for row in rows:
        table.add_row(*(shown(row[name]) for name in kept))
    console.stdout().print(table)


def _show_quality(found: GradientQuality) -> None:
    from rich.table import Table

    from crossbar import console

    blocks = list(found.causes["realised"])
    table = Table("cause", "relative error", *blocks, title=f"cosine to the exact gradient; phases: {found.way}")
    for cause, cosines in found.causes.items():
        table.add_row(cause, f"{found.errors[cause]:.3f}", *(f"{cosines[block]:.4f}" for block in blocks))
    console.stdout().print(table)
