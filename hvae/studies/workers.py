"""The cells of a study as jobs: processes of this machine, or the workers of a cluster, compute them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hvae.jobs import choice
from hvae.jobs.job import Job, Listener
from hvae.jobs.site import Needs
from hvae.runs.records import RunFolder
from hvae.studies.cells import finished, run_cell
from hvae.studies.grid import Cell, Study

Result = dict[str, Any]


def run_study(
    study: Study,
    out: Path,
    *,
    workers: int,
    scheduler: str | None,
    on_cell: Callable[[Result], None],
    listener: Listener | None = None,
) -> list[Result]:
    """Return the results of all cells, in their order; those that `out` holds already are not computed again.

    Raises
    ------
    JobsLost
        Workers died again and again at some cells; all others are finished.
    EngineError
        There is no dask.distributed, or no cluster at `scheduler`.
    WorkerUnfit
        A worker of it has another Hopbar, or does not see the folders.
    """
    out.mkdir(parents=True, exist_ok=True)
    cells = study.cells()
    results = {one["name"]: one for one in finished_cells(study, out)}
    jobs = [_job(study, cell, out) for cell in cells if cell.name not in results]
    runner = choice.runner(workers, scheduler, lambda: _needs(study, out))
    for name, result in runner.run(jobs, listener or Listener()):
        results[name] = result
        on_cell(result)
    return [results[cell.name] for cell in cells]


def finished_cells(study: Study, out: Path) -> list[Result]:
    """Return the results of the cells that `out` holds finished, in the study's order."""
    found = [finished(study, cell, _folder(out, cell)) for cell in study.cells()]
    return [one for one in found if one is not None]


def _job(study: Study, cell: Cell, out: Path) -> Job[Result]:
    return Job(cell.name, run_cell, (study, cell, _folder(out.resolve(), cell)))


def _needs(study: Study, out: Path) -> Needs:
    if study.inference is not None:
        run = RunFolder.open(Path(study.inference))
        return Needs(out=out.resolve(), data=(run.config().data,), runs=(run.path,))
    return Needs(out=out.resolve(), data=tuple({cell.config().data: None for cell in study.cells()}))


def _folder(out: Path, cell: Cell) -> Path:
    return out / "cells" / cell.name
