"""Which runner a command's options mean."""

from __future__ import annotations

from collections.abc import Callable

from hvae.jobs.cluster import Cluster
from hvae.jobs.here import InProcess, Processes
from hvae.jobs.job import Runner
from hvae.jobs.site import Needs


def runner(workers: int, scheduler: str | None, needs: Callable[[], Needs]) -> Runner:
    """Return the cluster at `scheduler` if there is one, else `workers` processes, else this one.

    `needs` is asked for what the workers of a cluster must see.

    Raises
    ------
    EngineError
        There is no dask.distributed.
    """
    if scheduler is not None:
        return Cluster(scheduler, needs())
    return InProcess() if workers == 1 else Processes(workers)
