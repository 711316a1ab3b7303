"""The commands that need many trainings: ``hopbar sweep`` and ``hopbar reproduce``."""

from __future__ import annotations

import json
from pathlib import Path

import rich_click as click

DIVERGED, INTERRUPTED = 1, 130  # exit codes

_engine = click.option(
    "--engine", type=click.Choice(["numpy", "torch"]), default="numpy", show_default=True,
    help="What makes the steps; runs that torch cannot make are made by numpy.",
)  # fmt: skip
_device = click.option("--device", default="cpu", show_default=True, help="Of the engine torch, such as cuda.")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


@click.command(short_help="Search for better hyperparameters, on one machine or many.")
@click.argument("sweep", metavar="SWEEP.toml", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder of study and runs; runs/NAME by default.")
@click.option("--storage", metavar="URL", help="An Optuna storage that machines share, such as a database.")
@click.option("--trials", type=click.IntRange(1), help="Trials of the whole study; as the file says by default.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes on this machine.")
@click.option("--scheduler", metavar="ADDRESS", help="A dask.distributed scheduler, such as tcp://host:8786, instead.")
@_engine
@_device
@_json
def sweep(
    sweep: Path,
    out: Path | None,
    storage: str | None,
    trials: int | None,
    workers: int,
    scheduler: str | None,
    engine: str,
    device: str,
    as_json: bool,
) -> None:
    """Look for the configuration with the smallest validation Frechet distance, by Bayesian optimization.

    The same command continues an interrupted study. With `batch` in the file, so many trials run at once, by --workers
    processes or by the workers of a cluster (--scheduler), and come out as on one machine. Started on several machines
    with one --out (a shared folder) or one --storage, the command shares the work too, first come, first served. Then:
    `hopbar train MODEL --from-sweep DIR`.

    Example: `hopbar sweep examples/sweep-tiny.toml --out runs/sweep-tiny`
    """
    from hvae.sweeps import space
    from hvae.sweeps import watching as sweep_watching
    from hvae.training.engines import Choice

    plan, chosen = space.load(sweep), Choice(engine, device)
    folder = out or Path("runs") / str(plan.name)
    found = sweep_watching.watch(plan, folder, storage, trials, chosen, workers=workers, scheduler=scheduler)
    click.echo(json.dumps(found) if as_json else _sentence(found))


def _sentence(found: dict) -> str:
    if "best" not in found:
        return "no trial has finished yet"
    best, counts = found["best"], found["trials"]
    values = [f"{key}={value:.4g}" for key, value in best["parameters"].items() if not isinstance(value, str)]
    values += [f"{key}={value}" for key, value in best["parameters"].items() if isinstance(value, str)]
    ended = f"{counts['complete']} finished, {counts['pruned']} pruned trials"
    return f"best of {ended}: number {best['number']}, Frechet distance {best['value']:.4g} with {', '.join(values)}"


@click.command(short_help="Reproduce the paper's table and figures.")
@click.option(
    "--models", default="f-vae,h-vae,dh-vae,tdh-vae", show_default=True, help="Models of the paper, by comma."
)
@click.option(
    "--variants", multiple=True, type=click.Path(path_type=Path), help="TOML file of further rows; may be given twice."
)
@click.option(
    "--yardsticks", default="", metavar="NAMES",
    help="Rows to hold them against, by comma: pca (with a mixture), rbm (BernoulliRBM), f-vae (tuned).",
)
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Runs of each row: seeds 0 to n-1.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training set, of all rows.")
@click.option("--dataset", default="mnist", show_default=True, help="mnist, fashion-mnist or mnist-5k.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="A change of all rows.")
@click.option("--n", "count", type=click.IntRange(4), help="Generated images; as many as the test split by default.")
@click.option("--table-only", is_flag=True, help="Train nothing: tabulate the runs there as they are.")
@click.option(
    "--join",
    "joined",
    multiple=True,
    metavar="TABLE.json",
    type=click.Path(path_type=Path),
    help="A table made elsewhere, whose rows stand beside those made here; may be given twice.",
)
@click.option("--report", type=click.Path(path_type=Path), help="Write the table as Markdown too.")
@click.option("--out", type=click.Path(path_type=Path), default="runs/reproduction", show_default=True)
@_engine
@_device
@_json
def reproduce(
    models: str,
    variants: tuple[Path, ...],
    yardsticks: str,
    seeds: int,
    epochs: int | None,
    dataset: str,
    overrides: tuple[str, ...],
    count: int | None,
    table_only: bool,
    joined: tuple[Path, ...],
    report: Path | None,
    out: Path,
    engine: str,
    device: str,
    as_json: bool,
) -> None:
    """Train and evaluate the paper's four models at Table 3's values, and tabulate them with mean and spread.

    The same command goes on where it was stopped or killed: finished runs are kept, half-finished ones resumed. Runs,
    table.json, Figures 2 to 4 and learning curves come into --out. A run that diverges stops no other; the exit code is
    then 1.

    Example: `hopbar reproduce --dataset mnist-5k --models f-vae,tdh-vae --epochs 3 --out runs/reproduction-5k`
    """
    from hvae.reproduction import join
    from hvae.reproduction import rows as reproduction
    from hvae.reproduction import watching as reproduction_watching
    from hvae.reproduction import yardsticks as reproduction_yardsticks
    from hvae.reproduction.report import markdown
    from hvae.training.engines import Choice

    chosen = None if (engine, device) == ("numpy", "cpu") else Choice(engine, device)
    named = {"data.name": dataset, "training.epochs": epochs}
    shared = [f"{key}={value}" for key, value in named.items() if value is not None]
    rows = reproduction.rows_of_paper(_names(models))
    held_against = _names(yardsticks)
    reproduction_yardsticks.check(held_against)
    rows += [row for path in variants for row in reproduction.read_rows(path)]
    rows += reproduction_yardsticks.trained_rows(held_against)
    planned = reproduction.plan(rows, out, seeds, [*shared, *overrides])
    others = {path: join.read(path, planned.shared) for path in joined}
    trained = reproduction_watching.Trained() if table_only else reproduction_watching.train(planned, chosen)
    if trained.interrupted:
        raise SystemExit(INTERRUPTED)
    if not table_only:
        reproduction_watching.fit(held_against, planned, out, count)
    baselines = reproduction_yardsticks.rows(held_against, out, seeds, planned.shared, count)
    table = reproduction_watching.tabulate(planned, out, count, trained.diverged, others, baselines)
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(markdown(table), encoding="utf-8")
    click.echo(json.dumps(table) if as_json else markdown(table), nl=as_json)
    if table["diverged"]:
        raise SystemExit(DIVERGED)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
