"""A reproduction as a person watches it: which run is next, and what has been written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossbar import console
from crossbar.errors import DivergedError
from crossbar.output_files import write_json
from hvae.reproduction import figures, join, rows, table, yardsticks
from hvae.reproduction.rows import Plan
from hvae.runs import images
from hvae.training.engines import Choice
from hvae.training.watching import watch

_console = console.stderr()


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How the trainings of a reproduction ended.

    Attributes
    ----------
    interrupted : bool
        Ctrl-C came before the last was finished.
    diverged : dict of str to str
        Why, by path of the run; the other runs were trained all the same.
    """

    interrupted: bool = False
    diverged: dict[str, str] = field(default_factory=dict)


def train(planned: Plan, engine: Choice | None = None) -> Trained:
    """Train all runs that are not finished, seed by seed, until Ctrl-C comes.

    `engine` makes the steps of the runs that it can make, numpy those of the others; without it a run goes on as it
    began.
    """
    runs = sorted(planned.runs.items(), key=lambda item: item[1].training.seed)
    sizes: dict[object, int] = {}
    diverged: dict[str, str] = {}
    for number, (path, config) in enumerate(runs, start=1):
        if config.data not in sizes:
            sizes[config.data] = len(images.load(config.data).train_images)
        run = rows.open_run(path, config)
        if rows.is_finished(run, sizes[config.data]):
            _console.print(f"run {number} of {len(runs)}: {path} is finished")
            continue
        _console.print(f"run {number} of {len(runs)}: {path}")
        try:
            finished, _ = watch(run, engine=engine and engine.able(config))
        except DivergedError as error:
            _console.print(f"{path}: {error}")
            diverged[str(path)] = str(error)
            continue
        if not finished:
            _console.print("the same command goes on from here; with --table-only it tabulates what there is")
            return Trained(interrupted=True, diverged=diverged)
    return Trained(diverged=diverged)


def fit(names: Sequence[str], planned: Plan, folder: Path, count: int | None = None) -> None:
    """Fit and score the baselines `names`, which are no runs, where `folder` does not hold them yet."""
    yardsticks.make(names, folder, planned.seeds, planned.shared, count, _console.print)


def tabulate(
    planned: Plan,
    folder: Path,
    count: int | None = None,
    diverged: Mapping[str, str] | None = None,
    joined: Mapping[Path, Mapping[str, Any]] | None = None,
    baselines: Sequence[Sequence[Mapping[str, Any]]] = (),
) -> dict[str, Any]:
    """Evaluate what is trained, write table.json and the figures into `folder`, and return the table.

    Tables `joined`, by path, were made elsewhere; `baselines` are the scores of rows that are no runs.
    """
    found = join.join(table.table(planned, count, diverged, _console.print, baselines), joined or {})
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "table.json"
    write_json(path, found)
    for written in [path, *figures.draw(planned, found, folder)]:
        _console.print(f"written: {written}")
    return found
