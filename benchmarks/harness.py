"""What every benchmark shares: the best of several timings, and a report that says where it was made."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import threadpoolctl

RESULTS = Path(__file__).parent / "results"
SMALL = (
    "model.hidden=24", "model.latent=6", "data.train_limit=640", "training.batch_size=64", "training.epochs=2",
    "training.validation_samples=0", "training.eigenvalue_samples=0", "data.image_size=14",
)  # fmt: skip
"""The run of `--quick`: 226 neurons, 20 steps."""


def best_time(function: Callable[[], object], repeats: int = 10) -> float:
    """Return the shortest of `repeats` wall times of `function`, in seconds, after one call that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


class _Parser(argparse.ArgumentParser):
    """A parser that trains a small run where `--quick` is given and no run."""

    def parse_args(self, args=None, namespace=None):
        """Return the options; `run` is a run folder."""
        options = super().parse_args(args, namespace)
        if "run" in options and options.run is None:
            if not options.quick:
                self.error("a RUN is needed, the folder of a trained run; only --quick makes a small one")
            options.run = small_run(Path(tempfile.mkdtemp()) / "quick")
        return options


def small_run(path: Path) -> Path:
    """Train a small TDH-VAE for a few seconds into a new folder at `path`, and return it."""
    from hvae.config import toml_file
    from hvae.runs.records import RunFolder
    from hvae.training import loop

    loop.train(RunFolder.create(path, toml_file.resolve("tdh-vae", [], SMALL)))
    return path


def parser(description: str | None, *, of_a_run: bool = True) -> argparse.ArgumentParser:
    """Return a parser of what all benchmarks take: `--quick`, `--json` and, where it is `of_a_run`, a run folder.

    With `--quick` the run may be left out: a small one is trained.
    """
    made = _Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if of_a_run:
        made.add_argument("run", type=Path, nargs="?", help="run folder of a trained Hopfield VAE")
    made.add_argument("--quick", action="store_true", help="a smaller case, under a minute, kept nowhere")
    made.add_argument("--json", action="store_true", help="print one JSON object")
    return made


def machine() -> dict[str, object]:
    """Return what the figures depend on: processor, threads, versions."""
    import numba
    import numpy

    cpu = platform.processor()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    pools = [
        {key: pool.get(key) for key in ("internal_api", "architecture", "num_threads", "version")}
        for pool in threadpoolctl.threadpool_info()
    ]
    versions = {"python": platform.python_version(), "numpy": numpy.__version__, "numba": numba.__version__}
    return {"cpu": cpu, "threads": pools, "versions": versions}


def commit() -> str:
    """Return the commit that is checked out, marked `+` when files differ from it."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    except FileNotFoundError:
        return "unknown, as git is not here"


def report(
    name: str, figures: dict, targets: dict, *, seed: int, quick: bool, notes: str = "", extra: dict | None = None
) -> dict:
    """Return the JSON object of a benchmark, and keep it in benchmarks/results/NAME.json unless `quick`.

    Parameters
    ----------
    figures, targets : dict of str to number
        What was measured, and what was asked for, under the same names.
    extra : dict, optional
        Curves and tables behind the figures.
    """
    result = {
        "name": name, "command": " ".join(["python", *sys.argv]), "figures": figures, "targets": targets,
        "machine": machine(), "commit": commit(), "seed": seed, "notes": notes, **(extra or {}),
    }  # fmt: skip
    if not quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    return result
