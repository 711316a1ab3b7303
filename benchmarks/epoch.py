"""How long an epoch of TDH-VAE training takes: our solver, our Euler, and Euler in plain PyTorch, one thread each.

    OPENBLAS_NUM_THREADS=1 python benchmarks/epoch.py RUN [--torch-python PYTHON] [--quick] [--json]

One whole training step (encoder and decoder, free and nudged, the gradient of all weights) on a batch of 128 training
images, its processor time multiplied to the epoch of 54,000 images; the optimizer's step is left out everywhere. Beside
each time stands the cosine of the gradient to the converged one (1e-9, float64).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from harness import report
from settling_cases import BATCH, cosine, euler, exact, fast

from hvae import images, loading
from hvae.learners import EquilibriumPropagation

STEPS_AN_EPOCH = 54000 // BATCH
EULER = [(0.3, 200, 60), (0.2, 800, 240)]


def timed(learner: EquilibriumPropagation, weights: dict, pictures: np.ndarray, noise: np.ndarray) -> tuple:
    """Return the gradient of one step, and its processor time."""
    start = time.process_time()
    _, gradients = learner.gradients(weights, pictures, noise)
    return gradients["tied"], time.process_time() - start


def torch_step(python: str, weights: np.ndarray, pictures, noise, scheme: tuple, learner, reference) -> dict:
    """Return cosine and processor time of the PyTorch step, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        np.savez(
            path, weights=weights, images=pictures, noise=noise, steps=np.array(scheme[1:]), time_step=scheme[0],
            beta=0.05, beta_kl=learner.beta_kl, sigma=learner.vae.sigma, threads=1,
            n_hidden=dict(learner.vae.networks["tied"].blocks)["hidden"],
        )  # fmt: skip
        peer = Path(__file__).parent / "peers" / "torch_euler.py"
        done = subprocess.run([python, str(peer), str(path)], capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"PyTorch skipped: {done.stderr.strip()}", file=sys.stderr)
            return {}
        found = json.loads(done.stdout)
        return {"cpu_seconds": found["cpu_seconds"], "cosine": cosine(np.load(found["gradient"]), reference)}


def main() -> None:
    """Measure, print, and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    trained = loading.load(options.run)
    learner = replace(trained.learner, norm_limit=np.inf)
    pictures = images.load(trained.config.data).train_images[: 16 if options.quick else BATCH].astype(np.float32)
    noise = np.random.default_rng(0).standard_normal((len(pictures), learner.latent)).astype(np.float32)

    def scheme(parts: tuple) -> EquilibriumPropagation:
        return replace(learner, solver=parts[0], nudging=parts[1])

    weights = trained.parameters
    precise = {name: array.astype(np.float64) for name, array in weights.items()}
    reference, _ = timed(scheme(exact()), precise, pictures.astype(np.float64), noise.astype(np.float64))
    ours_as = scheme(fast(3e-4, 3e-3))
    timed(ours_as, weights, pictures, noise)  # compile
    found, seconds = min((timed(ours_as, weights, pictures, noise) for _ in range(3)), key=lambda pair: pair[1])
    ours = {"cpu_seconds": seconds, "cosine": cosine(found, reference)}
    peers = {}
    for parts in EULER[:1] if options.quick else EULER:
        found, seconds = timed(scheme(euler(*parts)), weights, pictures, noise)
        peers[f"euler {parts}"] = {"cpu_seconds": seconds, "cosine": cosine(found, reference)}
        plain = torch_step(options.torch_python, weights["tied"], pictures, noise, parts, learner, reference)
        peers |= {f"torch {parts}": plain} if plain else {}
    figures = {"epoch_seconds": ours["cpu_seconds"] * STEPS_AN_EPOCH, "cosine": ours["cosine"]}
    for kind in ("euler", "torch"):
        rows = [row for name, row in peers.items() if name.startswith(kind)]
        if rows:
            best = max(rows, key=lambda row: row["cosine"])
            figures[f"{kind}_best_cosine"] = best["cosine"]
            figures[f"speedup_over_{kind}"] = best["cpu_seconds"] / ours["cpu_seconds"]
    targets = {"cosine": 0.99, "speedup_over_euler": 8, "speedup_over_torch": 8}
    extra = {"run": options.run.name, "batch": len(pictures), "ours": ours, "peers": peers}
    notes = "one batch extrapolated to an epoch; Euler at the setting of its best cosine, which is below ours"
    name = f"epoch-{options.run.name}"
    result = report(name, figures, targets, seed=0, quick=options.quick, notes=notes, extra=extra)
    print(json.dumps(result if options.json else figures))


if __name__ == "__main__":
    main()
