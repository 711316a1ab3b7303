"""What an image costs to draw: a chain of Gibbs sampling, by thrml and by ours, and one settling of a decoder.

    python benchmarks/sampling.py RUN [--peers PYTHON] [--steps 100] [--quick] [--json]

A restricted Boltzmann machine of 69 units and as many pixels as RUN has, its weights random, as they decide no time,
draws a batch of images by `--steps` of Gibbs sampling from noise; 100 are what the baseline of
docs/results/generators.md is best with. RUN, a trained Hopfield VAE, decodes as many draws of N(0, I). Seconds of a
processor an image, one thread. `--peers` names an interpreter with thrml (Extropic, Apache-2.0): `python -m venv peers
&& peers/bin/pip install thrml`. thrml is made for sampling programs of any graph on accelerators, not for dense
products on one core.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path

import harness
import numpy as np
from sklearn.neural_network import BernoulliRBM

from hvae.baselines.rbm import BoltzmannMachine
from hvae.runs import loading

UNITS, BATCH, SEED = 69, 100, 0


def machine(pixels: int, rng: np.random.Generator) -> BoltzmannMachine:
    """Return a machine of `UNITS` units whose weights are random."""
    fitted = BernoulliRBM(n_components=UNITS)
    fitted.components_ = (0.1 * rng.standard_normal((UNITS, pixels))).astype(np.float32)
    fitted.intercept_visible_, fitted.intercept_hidden_ = np.zeros(pixels), np.zeros(UNITS)
    return BoltzmannMachine(fitted=fitted)


def timed(work) -> float:
    """Return the seconds of a processor that the second call of `work` takes: the first may compile."""
    work()
    begun = time.process_time()
    work()
    return time.process_time() - begun


def by_thrml(python: str, weights: np.ndarray, steps: int, folder: Path) -> dict:
    """Return what thrml, in the interpreter `python`, takes for a batch; its means say that it samples the same."""
    peer = Path(__file__).parent / "peers" / "thrml_chains.py"
    np.savez(folder / "problem.npz", weights=weights, batch=BATCH, steps=steps)
    subprocess.run([python, str(peer), str(folder / "problem.npz"), str(folder / "found.npz")], check=True)
    with np.load(folder / "found.npz") as found:
        return {"seconds": float(found["seconds"]), "mean": found["mean"], "version": str(found["version"])}


def main() -> None:
    """Draw, print, keep."""
    asked = harness.parser(__doc__)
    asked.add_argument("--peers", metavar="PYTHON", help="an interpreter that has thrml")
    asked.add_argument("--steps", type=int, default=100)
    options = asked.parse_args()
    steps = 3 if options.quick else options.steps
    trained, rng = loading.load(options.run), np.random.default_rng(SEED)
    pixels = trained.config.data.n_pixels
    ours, learner = machine(pixels, rng), trained.learner
    draws = rng.standard_normal((BATCH, learner.latent)).astype(np.float32)
    seconds = {
        f"Gibbs sampling, {steps} steps, numpy": timed(lambda: ours.generate(BATCH, np.random.default_rng(1), steps)),
        "one settling of the decoder": timed(lambda: learner.decode(trained.parameters, draws)),
    }
    notes = f"{BATCH} images at once, one thread; {UNITS} units, {pixels} pixels; decoder of {options.run.name}"
    if options.peers:
        with tempfile.TemporaryDirectory() as held:
            found = by_thrml(options.peers, ours.parameters["weights"], steps, Path(held))
        seconds[f"Gibbs sampling, {steps} steps, thrml {found['version']}"] = found["seconds"]
        apart = np.abs(found["mean"] - 0.5 * (1 + ours.generate(1000, rng, steps).mean(0)))
        notes += f"; mean pixels of thrml's and our chains differ by {apart.mean():.3f} in the mean"
    figures = {name: value / BATCH for name, value in seconds.items()}
    for name, value in figures.items():
        print(f"{1e3 * value:9.3f} ms an image  {name}")
    result = harness.report("sampling", figures, {}, seed=SEED, quick=options.quick, notes=notes)
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
