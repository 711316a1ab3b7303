"""How long an epoch of TDH-VAE training takes: our solver, our Euler, and Euler in plain PyTorch, one thread each.

    OPENBLAS_NUM_THREADS=1 python benchmarks/epoch.py RUN [--torch-python PYTHON] [--quick] [--json]

One whole training step (encoder and decoder, free and nudged, the gradient of all weights) on a batch of 128 training
images, its processor time multiplied to the epoch of 429 steps (55,000 images); the optimizer's step is left out
everywhere. Beside each time stand two cosines of the gradient: to the converged one (1e-9, float64) of our minima, and
to that of its own, which are found by going on from where the scheme stopped. Gradients are those of training,
contrasts longer than `norm_limit` medians shortened. Speed-ups compare our cheapest tolerances whose cosine is 0.99
with Euler's cheapest scheme whose cosine to its own converged gradient is, or with its best where none is, and with
its shortest. PyTorch is timed on those two schemes; its gradient is our Euler's, which `torch_agreement` compares
(without shortening).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from harness import parser, report
from settling_cases import BATCH, cosine, euler, exact, fast

from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.settling import Settled, Solver
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.runs import images, loading

STEPS_AN_EPOCH = 55000 // BATCH
WANTED = 0.99
OURS = ((1e-3, 1e-2), (3e-4, 3e-3), (1e-4, 1e-3))
LENGTHS = ((0.3, 200, 60), (0.4, 400, 120), (0.4, 800, 240), (0.4, 1600, 480))
EULER = [(*length, beta) for length in LENGTHS for beta in (0.05, 0.01)]


@dataclass(frozen=True)
class Onward:
    """Settles in single precision by one solver, and goes on from there by another."""

    first: Solver
    then: Solver

    def settle(self, landscape: Landscape, start: np.ndarray | None = None) -> Settled:
        """Settle from `start`, or from state zero."""
        couplings = replace(landscape.couplings, weights=landscape.couplings.matrix().astype(np.float32))
        single = replace(landscape, couplings=couplings, drive=landscape.drive.astype(np.float32))
        near = self.first.settle(single, start).states
        return self.then.settle(landscape, near.astype(landscape.drive.dtype))


def timed(learner: EquilibriumPropagation, weights: dict, pictures: np.ndarray, noise: np.ndarray) -> tuple:
    """Return the gradient of one step, and its processor time."""
    start = time.process_time()
    _, gradients = learner.gradients(weights, pictures, noise)
    return gradients["tied"], time.process_time() - start


def torch_step(python: str, weights: np.ndarray, pictures, noise, scheme: tuple, learner, same: np.ndarray) -> dict:
    """Return the processor time of the PyTorch step, in a process of its own, and its cosine to our Euler's, `same`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        np.savez(
            path, weights=weights, images=pictures, noise=noise, steps=np.array(scheme[1:3]), time_step=scheme[0],
            beta=scheme[3], beta_kl=learner.beta_kl, sigma=learner.vae.sigma, threads=1,
            n_hidden=dict(learner.vae.networks["tied"].blocks)["hidden"],
        )  # fmt: skip
        peer = Path(__file__).parent / "peers" / "torch_euler.py"
        done = subprocess.run([python, str(peer), str(path)], capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"PyTorch skipped: {done.stderr.strip()}", file=sys.stderr)
            return {}
        found = json.loads(done.stdout)
        return {"cpu_seconds": found["cpu_seconds"], "agreement": cosine(np.load(found["gradient"]), same)}


def cosines(found: np.ndarray, reference: np.ndarray, own: np.ndarray) -> dict[str, float]:
    """Return the cosines to the converged gradient of our minima, and to that of the scheme's own."""
    return {"cosine": cosine(found, reference), "cosine_to_own": cosine(found, own)}


def chosen(rows: list[dict]) -> dict:
    """Return the cheapest of `rows` whose gradient is as good as wanted, or the best."""
    good = [row for row in rows if row["cosine_to_own"] >= WANTED]
    return min(good, key=lambda row: row["cpu_seconds"]) if good else max(rows, key=lambda row: row["cosine_to_own"])


def main() -> None:
    """Measure, print, and keep the result."""
    asked = parser(__doc__)
    asked.add_argument("--torch-python", default=sys.executable)
    options = asked.parse_args()
    trained = loading.load(options.run)
    learner = trained.learner
    pictures = images.load(trained.config.data).train_images[: 16 if options.quick else BATCH].astype(np.float32)
    noise = np.random.default_rng(0).standard_normal((len(pictures), learner.latent)).astype(np.float32)

    def scheme(parts: tuple) -> EquilibriumPropagation:
        return replace(learner, solver=parts[0], nudging=parts[1])

    weights = trained.parameters
    precise = [{name: array.astype(np.float64) for name, array in weights.items()},
               pictures.astype(np.float64), noise.astype(np.float64)]  # fmt: skip
    reference, _ = timed(scheme(exact()), *precise)
    timed(scheme(fast(1e-2, 1e-1)), weights, pictures, noise)  # compile
    ours = []
    for tolerances in OURS:
        runs = [timed(scheme(fast(*tolerances)), weights, pictures, noise) for _ in range(3)]
        row = {"tolerance": tolerances[0], "response": tolerances[1], "cosine": cosine(runs[0][0], reference)}
        ours.append({**row, "cosine_to_own": row["cosine"], "cpu_seconds": min(seconds for _, seconds in runs)})
    slow = []
    for parts in EULER[:2] if options.quick else EULER:
        by_euler = euler(*parts)
        found, seconds = timed(scheme(by_euler), weights, pictures, noise)
        own, _ = timed(scheme((Onward(by_euler[0], exact()[0]), exact()[1])), *precise)
        slow.append({"scheme": parts, "cpu_seconds": seconds, **cosines(found, reference, own)})
    best, rival, shortest = chosen(ours), chosen(slow), slow[0]
    figures = {
        "epoch_seconds": best["cpu_seconds"] * STEPS_AN_EPOCH, "cosine": best["cosine"],
        "euler_cosine_to_own": rival["cosine_to_own"], "euler_best_cosine": max(row["cosine"] for row in slow),
        "shortest_euler_cosine_to_own": shortest["cosine_to_own"],
        "speedup_over_euler": rival["cpu_seconds"] / best["cpu_seconds"],
        "speedup_over_shortest_euler": shortest["cpu_seconds"] / best["cpu_seconds"],
    }  # fmt: skip
    raw = replace(learner, norm_limit=np.inf)
    peers = []
    for name, row in (("torch", rival), ("shortest_torch", shortest)):
        parts = euler(*row["scheme"])
        same, _ = timed(replace(raw, solver=parts[0], nudging=parts[1]), weights, pictures, noise)
        found = torch_step(options.torch_python, weights["tied"], pictures, noise, row["scheme"], learner, same)
        if found:
            peers.append({"scheme": row["scheme"], **found})
            figures[f"speedup_over_{name}"] = found["cpu_seconds"] / best["cpu_seconds"]
            figures["torch_agreement"] = found["agreement"]
    targets = {"cosine": WANTED, "speedup_over_euler": 8, "speedup_over_torch": 8}
    extra = {"run": options.run.name, "batch": len(pictures), "ours": ours, "euler": slow, "torch": peers}
    notes = "one batch extrapolated to an epoch; Euler from state zero, centred; its nudged phases from the free one"
    name = f"epoch-{options.run.name}"
    result = report(name, figures, targets, seed=0, quick=options.quick, notes=notes, extra=extra)
    print(json.dumps(result if options.json else figures))


if __name__ == "__main__":
    main()
