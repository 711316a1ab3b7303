"""Whether every benchmark still runs: each script of this folder with `--quick`, two at a time.

    python benchmarks/quick.py [NAME ...]          # `make bench-quick`

A small run is trained first, for those that measure a trained one. Times that scripts print of themselves tell nothing
here. A script that fails, or takes longer than
`SECONDS`, is named with the end of what it said, and the exit code is 1.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import small_run

HERE = Path(__file__).parent
SECONDS = 300
AT_ONCE = 2
LIBRARIES = {"gpu_adopt", "gpu_floor", "gpu_numba", "gpu_training", "harness", "peers", "quick", "settling_cases"}
OF_A_RUN = {
    "basins", "best_code", "drift", "epoch", "gradient_bound", "gradient_error", "noise_correlation", "onchip",
    "priors", "scaling", "settling", "sweep_cost", "wires_study",
}  # fmt: skip


def names() -> list[str]:
    """Return the names of all scripts."""
    return sorted({path.stem for path in HERE.glob("*.py")} - LIBRARIES)


def failure(name: str, run: Path) -> str | None:
    """Run a script; return the end of what it said where it failed, or None."""
    arguments = [str(run)] if name in OF_A_RUN else []
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [sys.executable, str(HERE / f"{name}.py"), *arguments, "--quick"],
            capture_output=True, text=True, check=False, timeout=SECONDS, env=environment, cwd=run.parent,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"took longer than {SECONDS} s"
    return None if done.returncode == 0 else "\n".join((done.stderr or done.stdout).splitlines()[-8:])


def main(chosen: list[str]) -> int:
    """Run the scripts `chosen`, all by default; return the exit code."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as workers:
        run = small_run(Path(folder) / "quick")
        for name, seconds, said in workers.map(lambda one: timed(one, run), chosen or names()):
            failed += said is not None
            print(f"{name:20s} {seconds:6.1f} s  {'ok' if said is None else 'FAILED: ' + said}", flush=True)
    return 1 if failed else 0


def timed(name: str, run: Path) -> tuple[str, float, str | None]:
    """Run a script; return its name, its seconds, and the end of what it said where it failed."""
    start = time.perf_counter()
    said = failure(name, run)
    return name, time.perf_counter() - start, said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
