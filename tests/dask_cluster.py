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
    """Kills the first process that has a checkpoint of a run below `runs`, but not its end; then starts a worker."""

    def __init__(self, cluster, runs, checkpoints=1):
        super().__init__(daemon=True)
        self.cluster, self.runs, self.checkpoints = cluster, runs, checkpoints
        self.killed = None
        self.start()

    def run(self):
        mine = {process.pid for process in self.cluster.processes}
        deadline = time.monotonic() + 60
        while self.killed is None and time.monotonic() < deadline:
            for checkpoint in self.runs.glob("*/checkpoint.h5"):
                holder = re.match(r"process (\d+) on", (checkpoint.parent / "lock").read_text())
                if holder and int(holder[1]) in mine and not (checkpoint.parent / "result.json").exists():
                    os.kill(int(holder[1]), signal.SIGKILL)
                    self.killed = checkpoint.parent
                    self.cluster.add_worker()
                    return
            time.sleep(0.005)


def _await(happens, seconds=30):
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.02)
