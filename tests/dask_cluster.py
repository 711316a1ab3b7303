"""A dask cluster of this machine whose scheduler and workers are processes that a test can kill and start."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

from distributed import Client

from hvae.runs.records import RunFolder


class LocalCluster:
    """A scheduler, and workers of one thread each, without nannies: what is killed stays dead."""

    def __init__(self, folder, **environment):
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.processes = []
        command = ["scheduler", "--port", "0", "--scheduler-file", str(self.file), "--no-dashboard"]
        self._start(command, "scheduler", **environment)
        _await(self.file.exists)
        self.address = json.loads(self.file.read_text())["address"]

    def _start(self, command, name, **environment):
        environment = dict(os.environ) | {"OMP_NUM_THREADS": "1", "DASK_LOGGING__DISTRIBUTED": "error"} | environment
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *command], stdout=log, stderr=log, env=environment, cwd=self.folder
            )
        self.processes.append(process)
        return process

    def add_worker(self, *options, **environment):
        """Start a worker; it joins after some seconds."""
        command = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        return self._start([*command, *options], f"worker-{len(self.processes)}", **environment)

    def await_workers(self, count):
        """Wait until so many have joined."""
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=30)

    def close(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


@contextlib.contextmanager
def cluster(folder, workers=0, **environment):
    folder.mkdir()
    found = LocalCluster(folder, **environment)
    try:
        for _ in range(workers):
            found.add_worker()
        yield found
    finally:
        found.close()


class Killer(threading.Thread):
    """Kills the first worker that has a checkpoint of a run below `runs`, but not its end; then another one joins.

    The others stand still meanwhile, so that none of them ends before it has joined.
    """

    def __init__(self, cluster, runs, steps):
        super().__init__(daemon=True)
        self.cluster, self.runs, self.steps = cluster, runs, steps
        self.killed_at = self.joined = None
        self.start()

    def run(self):
        workers = self.cluster.processes[1:]
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for checkpoint in self.runs.glob("*/checkpoint.h5"):
                if self._step(checkpoint) > self.steps // 2:
                    continue
                for worker in workers:
                    worker.send_signal(signal.SIGSTOP)
                self._kill(checkpoint, {worker.pid: worker for worker in workers})
                for worker in workers:
                    worker.send_signal(signal.SIGCONT)
                if self.killed_at is not None:
                    return
            time.sleep(0.005)

    def _kill(self, checkpoint, workers):
        pid, step = holder(checkpoint.parent), self._step(checkpoint)
        if pid in workers and step < self.steps:
            workers[pid].kill()
            workers[pid].wait()
            joining = self.cluster.add_worker()
            self.cluster.await_workers(len(workers))
            self.killed_at, self.joined = step, joining.pid

    def _step(self, checkpoint):
        return RunFolder(checkpoint.parent).load().step


def holder(folder):
    """Return which process made the run in `folder`, or its end."""
    return int(re.match(r"process (\d+) on", (folder / "lock").read_text())[1])


def _await(happens, seconds=30):
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.02)
