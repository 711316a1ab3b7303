"""Jobs on this machine: one after another in this process, or several at once in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from hvae.jobs.job import Job, JobsLost, Listener, Results, silent

ROUNDS = 3  # how often jobs whose worker died are started again, before each has a worker of its own

T = TypeVar("T")


@dataclass(frozen=True)
class InProcess:
    """Runs jobs one after another."""

    def run(self, jobs: Sequence[Job[T]], listener: Listener) -> Results[T]:
        """Yield name and result of each job."""
        for job in jobs:
            yield job.name, job.work(*job.arguments, on_step=partial(listener.on_step, job.name))


@dataclass(frozen=True)
class Processes:
    """Runs jobs in `workers` processes; one that is killed costs its jobs' time since their last checkpoint, no more.

    When a process dies, all jobs that are not done start again, so that nothing tells which of them it died at. Those
    that are left after `ROUNDS` deaths run one by one, and the ones whose process dies then are lost.
    """

    workers: int

    def run(self, jobs: Sequence[Job[T]], listener: Listener) -> Results[T]:
        """Yield name and result of each job, as they come."""
        left = {job.name: job for job in jobs}
        for _ in range(ROUNDS):
            for name, result in self._together(list(left.values()), listener):
                del left[name]
                yield name, result
        for job in list(left.values()):
            for name, result in self._together([job], listener):
                del left[name]
                yield name, result
        if left:
            raise JobsLost(
                f"workers died again and again at {', '.join(left)}; the {len(jobs) - len(left)} others are finished: "
                "start the command again with fewer --workers (memory?), it goes on where it stands",
                list(left),
            )

    def _together(self, jobs: Sequence[Job[T]], listener: Listener) -> Iterator[tuple[str, T]]:
        """Yield what is done before a process dies."""
        from joblib import Parallel, delayed
        from joblib.externals.loky.process_executor import BrokenProcessPool

        if not jobs:
            return
        options = {"return_as": "generator_unordered", "batch_size": 1, "pre_dispatch": self.workers}
        parallel = Parallel(n_jobs=self.workers, **options)
        listener.on_wait(self.workers)
        try:
            yield from parallel(delayed(_named)(job) for job in jobs)
        except BrokenProcessPool:
            return


def _named(job: Job[T]) -> tuple[str, T]:
    return job.name, job.run_elsewhere(silent)
