"""The command ``hopbar report``: one page about a run."""

from __future__ import annotations

import json
from pathlib import Path

import rich_click as click


@click.command(short_help="Write one HTML page about a run.")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The page; RUN/report.html by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def report(run: Path, out: Path | None, as_json: bool) -> None:
    """Write one self-contained HTML page about RUN: pictures, scores, its chips, SPICE, area, as far as they exist.

    Example: `hopbar report runs/demo --out demo.html`
    """
    from hvae.reports import page

    path = page.write(run, out or run / "report.html")
    click.echo(json.dumps({"run": str(run), "page": str(path)}) if as_json else path)


@click.command(short_help="Show runs in TensorBoard or MLflow.")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--tensorboard", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER", help="Event files.")
@click.option("--mlflow", metavar="URI", help="A store, such as sqlite:///mlflow.db, or a server's address.")
def track(runs: tuple[Path, ...], tensorboard: Path | None, mlflow: str | None) -> None:
    """Read metrics, configuration and scores of each RUN into TensorBoard or MLflow.

    Nothing of a run is changed, and it may be in training: give the command again to bring both up to date.

    Example: `hopbar track runs/a runs/b --tensorboard logs`
    """
    from crossbar.errors import InvalidValue
    from hvae.reports import tracking

    if (tensorboard is None) == (mlflow is None):
        raise InvalidValue("give --tensorboard FOLDER or --mlflow URI, one of them")
    tracker: tracking.Tracker = tracking.TensorBoard(tensorboard) if tensorboard else tracking.MLflow(str(mlflow))
    for told in dict.fromkeys([tracking.track(run, tracker) for run in runs]):
        click.echo(f"look with: {told}")


@click.command(short_help="Write a page on which the network can be drawn on and watched.")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="RUN/explore.html, or CHIP.html.")
def explore(run: Path, out: Path | None) -> None:
    """Write one self-contained page with the network of RUN, a run folder or a chip file, in it; no server is needed.

    Draw, and it encodes; move the latents, and it decodes; watch the neurons relax; disturb the devices.

    Example: `hopbar explore runs/demo`
    """
    from hvae.explore import page

    click.echo(page.write(run, out or (run.with_suffix(".html") if run.is_file() else run / "explore.html")))
