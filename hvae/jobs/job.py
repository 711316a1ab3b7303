"""What a job is, who runs jobs, and what is heard of them meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from crossbar.errors import EngineError

Metrics = Mapping[str, float]
OnStep = Callable[[int, int, Metrics], None]
"""Is told a step, the number of all, and the step's metrics; what it raises ends the job."""

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


class Runner(Protocol):
    """Who runs jobs."""

    def run(self, jobs: Sequence[Job[T]], listener: Listener) -> Iterator[tuple[str, T]]:
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
