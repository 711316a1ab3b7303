"""Who computes the cells of a study: processes of this machine, or the workers of a dask.distributed cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from crossbar.errors import EngineError
from hvae.studies.cells import finished, run_cell
from hvae.studies.grid import Cell, Study

ROUNDS = 3  # how often cells whose worker died are started again
Result = dict[str, Any]


def run_study(
    study: Study, out: Path, *, workers: int, scheduler: str | None, on_cell: Callable[[Result], None]
) -> list[Result]:
    """Return the results of all cells, in their order; those that `out` holds already are not computed again.

    Raises
    ------
    EngineError
        Workers died again and again, or there is no dask.distributed, or no cluster at `scheduler`.
    """
    out.mkdir(parents=True, exist_ok=True)
    cells = study.cells()
    results = {one["name"]: one for one in finished_cells(study, out)}
    jobs = [(study, cell, _folder(out, cell)) for cell in cells if cell.name not in results]
    stream = _on_cluster(jobs, scheduler) if scheduler is not None else _locally(jobs, workers)
    for result in stream:
        results[result["name"]] = result
        on_cell(result)
    return [results[cell.name] for cell in cells]


def finished_cells(study: Study, out: Path) -> list[Result]:
    """Return the results of the cells that `out` holds finished, in the study's order."""
    found = [finished(study, cell, _folder(out, cell)) for cell in study.cells()]
    return [one for one in found if one is not None]


def _folder(out: Path, cell: Cell) -> Path:
    return out / "cells" / cell.name


Job = tuple[Study, Cell, Path]


def _locally(jobs: list[Job], workers: int) -> Iterator[Result]:
    """Yield results as they come; a worker that is killed costs its cell's time since the last checkpoint, no more."""
    if workers == 1:
        yield from (run_cell(*job) for job in jobs)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    seen: set[str] = set()
    for _ in range(ROUNDS):
        left = [job for job in jobs if job[1].name not in seen]
        if not left:
            return
        parallel = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1, pre_dispatch=workers)
        try:
            for result in parallel(delayed(run_cell)(*job) for job in left):
                seen.add(result["name"])
                yield result
        except BrokenProcessPool:
            continue
    lost = [job[1].name for job in jobs if job[1].name not in seen]
    if lost:
        raise EngineError(
            f"workers died {ROUNDS} times; {len(lost)} cells are not finished, {len(seen)} are: "
            "start the study again with fewer --workers (memory?), it goes on where it stands"
        )


def _on_cluster(jobs: list[Job], address: str) -> Iterator[Result]:
    """Yield results from the cluster at `address`, whose workers must see the same folders."""
    try:
        from distributed import CancelledError, Client, KilledWorker, as_completed
    except ImportError as error:
        raise EngineError("--scheduler needs dask.distributed: pip install 'hopbar[cluster]'") from error
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise EngineError(f"no dask scheduler answers at {address}: {error}") from error
    with client:
        futures = [client.submit(run_cell, *job, pure=False, retries=ROUNDS) for job in jobs]
        lost = 0
        for future in as_completed(futures):
            try:
                result = future.result()
            except (KilledWorker, CancelledError):
                lost += 1
                continue
            yield result
    if lost:
        raise EngineError(
            f"workers of the cluster died {ROUNDS} times or left; {lost} of {len(jobs)} cells are not finished: give "
            "its workers more memory or start fewer on a machine, and start the study again: it goes on where it stands"
        )
