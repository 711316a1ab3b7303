"""Jobs on the workers of a dask.distributed cluster: as many at once as there are workers, who come and go."""

from __future__ import annotations

import pickle
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from crossbar.errors import EngineError, HopbarError
from hvae.jobs import site
from hvae.jobs.job import Job, JobsLost, Listener, Metrics, Results
from hvae.jobs.site import PACKAGES, Facts, Needs, Site, WorkerUnfit

if TYPE_CHECKING:
    from distributed import Client, Future, Worker

POLL_SECONDS, TELL_SECONDS, CONNECT_SECONDS = 0.1, 1.0, 10.0

T = TypeVar("T")


class Abandoned(HopbarError):
    """Nobody waits for this job any more: the command was stopped, or the scheduler has given it to another worker."""


@dataclass(frozen=True)
class Cluster:
    """Runs jobs on the cluster whose scheduler is at `address`.

    A job whose worker dies is begun again on another, from its last checkpoint. One that has lost more workers than the
    scheduler allows (``distributed.scheduler.allowed-failures``, 3) is given up. Workers that join get jobs at once.

    Raises
    ------
    EngineError
        There is no dask.distributed.
    """

    address: str
    needs: Needs

    def __post_init__(self) -> None:
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise EngineError("--scheduler needs dask.distributed: pip install 'hopbar[cluster]'") from error

    def run(self, jobs: Sequence[Job[T]], listener: Listener) -> Results[T]:
        """Yield name and result of each job, as they come.

        Raises
        ------
        EngineError
            No scheduler answers, or it is gone.
        WorkerUnfit
            A worker has other code, several threads, or does not see what it needs.
        JobsLost
            As `hvae.jobs.job.Runner` says.
        """
        if not jobs:
            return  # whether there is a cluster or not
        with site.opened(self.needs) as here, self._client() as client:
            carry, facts = _carrying(), site.describing()
            checking = pickle.dumps((_check, (here,)))
            for found in client.run(carry, facts, PACKAGES, here.facts, checking, on_error="return").values():
                _refuse_unfit(here, found)
            topic = f"hopbar-{uuid.uuid4().hex}"
            client.subscribe_topic(topic, lambda event: listener.on_step(*event[1]))
            lost: list[str] = []

            def submit(job: Job[T]) -> Future:
                payload = pickle.dumps((_attempt, (here, job, topic)))
                return client.submit(carry, facts, PACKAGES, here.facts, payload, key=f"{job.name}-{topic}")

            for job, future in self._ended(client, jobs, submit, listener):
                result = self._result(client, future, here)
                if result is None:
                    lost.append(job.name)
                else:
                    yield job.name, result[0]
        if lost:
            raise JobsLost(
                f"workers of the cluster died or were lost again and again at {', '.join(lost)}; the "
                f"{len(jobs) - len(lost)} others are finished: see the workers' logs, give them more memory or start "
                "fewer on a machine, and give the command again: it goes on where it stands",
                lost,
            )

    def _ended(
        self, client: Client, jobs: Sequence[Job[T]], submit: Callable[[Job[T]], Future], listener: Listener
    ) -> Iterator[tuple[Job[T], Future]]:
        """Yield jobs that have ended; no more of them wait at the scheduler than there are workers.

        When a worker dies, the scheduler suspects every job that it had been given: its queue would be suspected too.
        """
        waiting, running = list(jobs)[::-1], dict[Any, Job[T]]()
        asked = -TELL_SECONDS
        workers = 0
        while waiting or running:
            if time.monotonic() - asked >= TELL_SECONDS:
                workers, asked = len(self._workers(client)), time.monotonic()
                listener.on_wait(workers)
            while waiting and len(running) < max(workers, 1):
                job = waiting.pop()
                running[submit(job)] = job
            done = [future for future in running if future.done()]
            yield from ((running.pop(future), future) for future in done)
            if not done:
                time.sleep(POLL_SECONDS)

    def _result(self, client: Client, future: Future, here: Site) -> tuple[Any] | None:
        """Return what a job returned, in a tuple; None if its workers died again and again, or it was cancelled."""
        from distributed import CancelledError, KilledWorker

        try:
            worker, there, result = future.result()
        except (KilledWorker, CancelledError):
            self._workers(client)  # or the scheduler is gone
            return None
        _refuse_other_code(here, worker, there)
        return (result,)

    def _client(self) -> Client:
        from distributed import Client

        try:
            return Client(self.address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise EngineError(
                f"no dask scheduler answers at {self.address}: {error}; start one with `dask scheduler`, and name the "
                "address that it prints"
            ) from error

    def _workers(self, client: Client) -> list[str]:
        """Return the addresses of the workers that are there."""
        try:
            return list(client.nthreads())
        except OSError as error:
            raise EngineError(
                f"the dask scheduler at {self.address} is gone ({error}): start one, and give the command again: it "
                "goes on where it stands"
            ) from error


def _refuse_unfit(here: Site, found: Any) -> None:
    """Refuse now the worker that gave `found`, instead of at its first job."""
    if isinstance(found, OSError):
        return  # it died while it was asked
    if isinstance(found, Exception):
        raise found
    worker, there, _ = found
    _refuse_other_code(here, worker, there)


def _refuse_other_code(here: Site, worker: str, there: Facts) -> None:
    wrong = site.difference(here.facts, there)
    if wrong is not None:
        raise WorkerUnfit(
            f"the worker {worker} has {wrong}: install there what the command has, and start the worker again"
        )


def _carrying() -> Callable[..., Any]:
    """Return the function that brings a job to a worker; made anew, so that it travels by value.

    Only where the code is the same is the job unpacked at all, after what the command line does first.
    """

    def carry(describe: Any, packages: Any, here: Any, payload: bytes, dask_worker: Any = None) -> Any:
        import os
        import pickle

        from distributed import get_worker

        worker = dask_worker or get_worker()  # given by `Client.run`, where there is none to get
        there = describe(packages)
        if there != here:
            return worker.address, there, None
        from crossbar import caches

        caches.use_writable(os.environ)
        work, arguments = pickle.loads(payload)
        return worker.address, there, work(worker, *arguments)

    return carry


def _check(worker: Worker, here: Site) -> None:
    """Refuse `worker`, which this runs on, if it is unfit."""
    here.check(worker.address, worker.state.nthreads)


def _attempt(worker: Worker, here: Site, job: Job[T], topic: str) -> T:
    """Run `job` on `worker`, which this runs on."""
    _check(worker, here)
    voice = _Voice(worker, worker.get_current_task(), topic)
    return job.run_elsewhere(partial(voice.on_step, job.name))


@dataclass
class _Voice:
    """Tells the command of a job's steps, and ends the job when it is not wanted any more."""

    worker: Worker
    key: Any
    topic: str
    told: float = 0.0

    def on_step(self, name: str, step: int, total: int, metrics: Metrics) -> None:
        if time.monotonic() - self.told < TELL_SECONDS:
            return
        self.told = time.monotonic()
        task = self.worker.state.tasks.get(self.key)
        if task is None or task.state == "cancelled":
            raise Abandoned(f"{name} is not wanted any more")
        self.worker.log_event(self.topic, [name, step, total, {key: float(value) for key, value in metrics.items()}])
