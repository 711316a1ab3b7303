"""Which BLAS kernels and how many threads are fastest here: measured once by `hopbar doctor --tune`, used ever after.

OpenBLAS picks kernels by the processor's name; on a virtual machine that is not always the fastest choice, and two
threads on one core's worth of time are slower than one. Kernels round differently: runs of one seed agree byte for byte
as long as the choice stays. `environment.json` of a run names it. What the user's environment says has precedence.
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from crossbar import caches

KERNELS = ("", "Nehalem", "Sandybridge", "Haswell", "Zen", "SkylakeX", "Cooperlake", "Sapphirerapids")
"""Names that `OPENBLAS_CORETYPE` takes on x86-64; the empty one is OpenBLAS's own choice."""

VARIABLES = ("OPENBLAS_CORETYPE", "OMP_NUM_THREADS")
_PATIENCE = "18"  # log2 of the cycles that OpenBLAS's threads wait for work before they sleep; its own 26 is in the way
_LIMIT_S = 20.0  # of one measurement, the start of the interpreter included
_PROGRAM = """
import json, time
import numpy as np
rng = np.random.default_rng(0)
worst = 1.0
for batch, width in ((128, 1632), (50, 1184)):
    signals, weights = (rng.standard_normal(shape).astype(np.float32) for shape in ((batch, width), (width, width)))
    out = np.empty_like(signals)
    times = []
    for _ in range(12):
        start = time.perf_counter()
        np.matmul(signals, weights, out=out)
        times.append(time.perf_counter() - start)
    worst *= min(times) / (2e-9 * batch * width**2)
print(json.dumps(worst**0.5))
"""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Kernels and threads, and how fast sweeps of the full tied network and of the demo's are with them.

    Attributes
    ----------
    kernel : str
        One of `KERNELS`; empty where OpenBLAS chooses.
    threads : int
    seconds_per_gflop : float
        Geometric mean over the two products, wall time.
    """

    kernel: str
    threads: int
    seconds_per_gflop: float

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment variables that make this choice."""
        named = {"OPENBLAS_CORETYPE": self.kernel} if self.kernel else {}
        return named | {"OMP_NUM_THREADS": str(self.threads)}


def place(environment: Mapping[str, str]) -> Path:
    """Return where the choice is kept."""
    return caches.user_folder(environment, ".config") / "hopbar" / "tuning.json"


def measure(environment: Mapping[str, str], threads: Sequence[int] = ()) -> Iterator[Choice]:
    """Time the products of a sweep with each of `KERNELS` and 1 to all cores, each in a process of its own.

    What the processor cannot run, or not within 20 s, takes infinitely long.
    """
    counts = threads or tuple(sorted({1, max(1, (os.cpu_count() or 1) // 2), os.cpu_count() or 1}))
    x86 = platform.machine().lower() in {"x86_64", "amd64"}
    bare = {name: value for name, value in environment.items() if name not in VARIABLES}
    for kernel in KERNELS if x86 else KERNELS[:1]:
        for count in counts:
            candidate = Choice(kernel=kernel, threads=count, seconds_per_gflop=0.0)
            try:
                done = subprocess.run(
                    [sys.executable, "-c", _PROGRAM], env=bare | candidate.variables, capture_output=True, text=True,
                    timeout=_LIMIT_S, check=True,
                )  # fmt: skip
                seconds = float(json.loads(done.stdout))
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                seconds = math.inf  # an instruction that is not there, or far too slow
            yield replace(candidate, seconds_per_gflop=seconds)


def keep(choice: Choice, environment: Mapping[str, str]) -> Path:
    """Write `choice` for this processor, and return where."""
    path = place(environment)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(choice) | {"processor": _processor()}) + "\n", encoding="utf-8")
    return path


def kept(environment: Mapping[str, str]) -> Choice | None:
    """Return what was chosen for this processor; None where nothing was, or the file is not of our making."""
    try:
        found = json.loads(place(environment).read_text(encoding="utf-8"))
        choice = Choice(
            kernel=str(found["kernel"]), threads=int(found["threads"]),
            seconds_per_gflop=float(found["seconds_per_gflop"]),
        )  # fmt: skip
        known = found["processor"] == _processor() and choice.kernel in KERNELS and 1 <= choice.threads <= 1024
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return choice if known else None


def use(environment: MutableMapping[str, str]) -> None:
    """Set the variables of the choice that was kept, those that `environment` does not have; before numpy is loaded.

    Threads of OpenBLAS that wait after a product, awake, take their core from the kernels that come next
    (`crossbar.numerics.threads`). They are sent to sleep after 0.1 ms instead of 30 ms.
    """
    choice = kept(environment)
    for name, value in (choice.variables if choice else {}).items():
        environment.setdefault(name, value)
    environment.setdefault("OPENBLAS_THREAD_TIMEOUT", _PATIENCE)


def _processor() -> str:
    """Return the processor's name and the number of cores."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {os.cpu_count()} cores"
