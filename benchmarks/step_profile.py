"""Where the processor time of a training step goes, by samples of the stack; of this code, and of another checkout.

    python benchmarks/step_profile.py [--before CHECKOUT] [--images 20000] [--quick] [--json]

The full tied network at Table 3's values trains for one epoch of `--images` digits, batches of 128, on one thread,
while py-spy looks at its stack, native frames included, a hundred times a second. A sample inside a step counts by what
is at its end: the kernel of a matrix product, the copies that pack its matrices, or whose code runs. Every checkout
trains once before, so that its kernels are compiled. `--before` names a checkout of another commit (`git worktree add
--detach DIR COMMIT`), profiled in the same run. Needs MNIST (HOPBAR_DATA) unless `--quick`, and py-spy (PyPI).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import harness

BATCH, RATE = 128, 100
IN_A_STEP = re.compile(r"(advance|_step)\S* \(hvae/training")
OURS = re.compile(r"\((?:crossbar|hvae)/(?:\w+/)*(\w+)\.py:\d+\)")
PASSES = {
    "conjugate_gradient", "linear_response", "response", "settling", "energy", "neurons", "population", "couplings",
    "network", "landscape", "descent", "rho", "laws",
}  # fmt: skip
GRADIENT = {"equilibrium", "hopfield", "nudging", "hopfield_learner", "hopfield_vae", "eigenvalues", "unsettled"}


def kind(frames: list[str]) -> str:
    """Return which part of a step a sample is of, from its stack, outermost first."""
    last = frames[-1]
    if "gemm_kernel" in last:
        return "matrix products"
    if "gemm" in last and "copy" in last:
        return "packing their matrices"
    stems = [found[1] for found in map(OURS.search, frames) if found]
    inner = stems[-1] if stems else ""
    if inner in PASSES:
        return "passes over states and signals"
    if inner in GRADIENT:
        return "the rest of the gradient"
    return "optimizer" if "optimizers" in inner else "the rest of a step"


def command(checkout: Path, images: int, dataset: str, out: Path) -> list[str]:
    """Return the command of a training in `checkout`."""
    changes = (
        f"data.train_limit={images}", f"training.batch_size={BATCH}", "training.validation_samples=0",
        "training.eigenvalue_samples=0", "settling.tolerance=1e-3", "nudging.tolerance=1e-2",
    )  # fmt: skip
    given = [part for change in changes for part in ("--set", change)]
    return [sys.executable, str(checkout / "cli.py"), "train", "tdh-vae", "--out", str(out), "--epochs", "1",
            "--dataset", dataset, *given]  # fmt: skip


def profile(checkout: Path, images: int, dataset: str) -> dict[str, float]:
    """Return milliseconds a step by part, with the commit of `checkout`."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)} | dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
    )
    with tempfile.TemporaryDirectory() as place:
        samples = Path(place) / "samples"
        subprocess.run(command(checkout, 2 * BATCH, dataset, Path(place) / "warm"), cwd=checkout, env=environment,
                       check=True, capture_output=True)  # fmt: skip
        spy = ["py-spy", "record", "--native", "-r", str(RATE), "-f", "raw", "-o", str(samples), "--"]
        subprocess.run([*spy, *command(checkout, images, dataset, Path(place) / "run")], cwd=checkout, env=environment,
                       check=True, capture_output=True)  # fmt: skip
        found: Counter[str] = Counter()
        for line in samples.read_text().splitlines():
            stack, _, count = line.rpartition(" ")
            if IN_A_STEP.search(stack):
                found[kind(stack.split(";"))] += int(count)
    steps = -(-images // BATCH)
    return {name: 1e3 * count / RATE / steps for name, count in found.most_common()}


def main() -> None:
    """Profile, print, and keep."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--before", type=Path)
    asked.add_argument("--images", type=int, default=20000)
    options = asked.parse_args()
    if shutil.which("py-spy") is None:
        print("skipped: py-spy is missing (pip install py-spy)")
        return
    images, dataset = (2 * BATCH, "mnist-5k") if options.quick else (options.images, "mnist")
    here = Path(__file__).resolve().parent.parent
    checkouts = {"now": here} | ({"before": options.before.resolve()} if options.before else {})
    rows = {name: profile(checkout, images, dataset) for name, checkout in checkouts.items()}
    commits = {
        name: subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=checkout, check=True, capture_output=True,
                             text=True).stdout.strip()
        for name, checkout in checkouts.items()
    }  # fmt: skip
    figures = {f"{name}_ms_a_step": sum(row.values()) for name, row in rows.items()}
    result = harness.report(
        "step_profile", figures, {}, seed=0, quick=options.quick,
        notes=f"one epoch of {images} images of {dataset} from random weights, one thread",
        extra={"rows": rows, "commits": commits},
    )  # fmt: skip
    print(json.dumps(result if options.json else {**figures, **rows}))


if __name__ == "__main__":
    main()
