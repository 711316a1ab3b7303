"""The commands that need many trainings: ``hopbar sweep`` and ``hopbar reproduce``."""

from __future__ import annotations

import json
from pathlib import Path

import rich_click as click

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


@click.command(short_help="Search for better hyperparameters, on one machine or many.")
@click.argument("sweep", metavar="SWEEP.toml", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder of study and runs; runs/NAME by default.")
@click.option("--storage", metavar="URL", help="An Optuna storage that machines share, such as a database.")
@click.option("--trials", type=click.IntRange(1), help="Trials of the whole study; as the file says by default.")
@_json
def sweep(sweep: Path, out: Path | None, storage: str | None, trials: int | None, as_json: bool) -> None:
    """Look for the configuration with the smallest validation Frechet distance, by Bayesian optimization.

    The same command continues an interrupted study; started on several machines with one --out (a shared folder) or
    one --storage, it shares the work. Then: `hopbar train MODEL --from-sweep DIR`.

    Example: `hopbar sweep examples/sweep-tiny.toml --out runs/sweep-tiny`
    """
    from hvae import sweep_file, sweep_watching

    plan = sweep_file.load(sweep)
    found = sweep_watching.watch(plan, out or Path("runs") / str(plan.name), storage, trials)
    click.echo(json.dumps(found) if as_json else _sentence(found))


def _sentence(found: dict) -> str:
    if "best" not in found:
        return "no trial has finished yet"
    best, counts = found["best"], found["trials"]
    values = [f"{key}={value:.4g}" for key, value in best["parameters"].items() if not isinstance(value, str)]
    values += [f"{key}={value}" for key, value in best["parameters"].items() if isinstance(value, str)]
    ended = f"{counts['complete']} finished, {counts['pruned']} pruned trials"
    return f"best of {ended}: number {best['number']}, Frechet distance {best['value']:.4g} with {', '.join(values)}"
