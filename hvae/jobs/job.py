"""What a job is, who runs jobs, and what is heard of them meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from crossbar.errors import EngineError, FolderInUse

Metrics = Mapping[str, float]
OnStep = Callable[[int, int, Metrics], None]
"""Is told a step, the number of all, and the step's metrics; what it raises ends the job."""

LOCK_SECONDS = 60.0

T = TypeVar("T")


@dataclass(frozen=True)
class Job(Generic[T]):
    """A piece of work that can be begun again anywhere: what it has made so far lies in a folder that all share.

    Attributes
    ----------
    name : str
        Told where it does not end; no two jobs of one call have the same.
    work : callable
        A function of a module, called as ``work(*arguments, on_step=...)``.
    arguments : tuple
        Paths among them are absolute: every process has a folder of its own.
    """

    name: str
    work: Callable[..., T]
    arguments: tuple[Any, ...]

    def run_elsewhere(self, on_step: OnStep) -> T:
        """Return what the work returns, after its folder is free: the worker before may still be going out.

        Raises
        ------
        FolderInUse
            It is not free after `LOCK_SECONDS`.
        """
        began = time.monotonic()
        while True:
            try:
                return self.work(*self.arguments, on_step=on_step)
            except FolderInUse:
                if time.monotonic() - began > LOCK_SECONDS:
                    raise
                time.sleep(1)


@dataclass
class Listener:
    """What a caller hears while jobs run; silent by default.

    Attributes
    ----------
    on_step : callable
        Is told job, step, number of steps and metrics; from a cluster about once a second, from other processes never.
    on_wait : callable
        Is told the number of workers about once a second, while jobs run elsewhere.
    """

    on_step: Callable[[str, int, int, Metrics], None] = lambda *_: None
    on_wait: Callable[[int], None] = lambda _: None


Results = Generator[tuple[str, T], None, None]
"""Names of jobs and what they returned."""


class Runner(Protocol):
    """Who runs jobs."""

    def run(self, jobs: Sequence[Job[T]], listener: Listener) -> Results[T]:
        """Yield name and result of each job, as they come.

        Raises
        ------
        JobsLost
            Jobs whose workers died again and again, after all others have been yielded.
        HopbarError
            What a job raised.
        """
        ...


class JobsLost(EngineError):
    """Jobs that have no result, as their workers died or left; `names` says which."""

    def __init__(self, message: str, names: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.names = tuple(names)


def silent(step: int, total: int, metrics: Metrics) -> None:
    """Hear a step, and do nothing."""
