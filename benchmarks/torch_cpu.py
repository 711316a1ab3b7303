"""The torch engine on a processor beside the numpy engine: the same gradients, the same weights, and time a step.

    python benchmarks/torch_cpu.py            full, writes benchmarks/results/torch_cpu.json (some minutes)
    python benchmarks/torch_cpu.py --quick    small networks, seconds

Tiny networks of the three models at tight tolerances: largest relative error of a gradient of either engine's, in
float64 to 1e-10, in float32 to 1e-5. Then the networks of Table 3 on one thread: both engines train from the same
weights on the same batches of MNIST, a step of one and a step of the other in turn, so that what else the machine does
hits both alike; time is the median over steps, `apart` how far weights are from each other at the end, over how far
they have come.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import json
import sys
import time
from importlib.util import find_spec

if find_spec("torch") is None:
    print("skipped: torch is not installed, pip install 'hopbar[torch]'")
    sys.exit(0 if "--quick" in sys.argv else 2)

import numpy as np
import torch
from gpu import SINGLE, SMALL, TIGHT, error, gradients, tiny_case
from gpu_training import configured
from harness import parser, report

from hvae.config import toml_file
from hvae.learning import learners, optimizers
from hvae.runs import images
from hvae.streams import stream
from hvae.tensors.propagation import Place
from hvae.training import step
from hvae.training.replicas import Replicas

MODELS = ("tdh-vae", "dh-vae", "h-vae")
WANTED = {"float64_error": 1e-10, "float32_error": 1e-5}
QUICK = ("data.name=mnist-5k", "data.image_size=7", "model.hidden=24", "model.latent=4", "training.batch_size=32")


def tiny() -> dict[str, float]:
    """Return the largest error of a gradient by precision, against the numpy engine in float64."""
    worst: dict[str, float] = {}
    for model in MODELS:
        case = tiny_case(model)
        weights, pictures, noise = case
        learner = learners.make(configured(model, SMALL, TIGHT), pictures.shape[2])
        for precision, tolerances in (("float64", TIGHT), ("float32", SINGLE)):
            found = gradients(configured(model, SMALL, tolerances), Place.of("cpu", precision), case)
            for k in range(len(pictures)):
                own = {name: array[k] for name, array in weights.items()}
                wanted = learner.gradients(own, pictures[k], noise[k])[1]
                far = max(error(found[name][k], wanted[name]) for name in wanted)
                worst[precision] = max(worst.get(precision, 0.0), far)
    return {f"{precision}_error": value for precision, value in worst.items()}


def side_by_side(model: str, steps: int, quick: bool) -> dict[str, float]:
    """Train `model` with both engines in turn; return their times and how far they come apart."""
    words = ("settling.tolerance=1e-3", "nudging.tolerance=1e-2", *(QUICK if quick else ("data.name=mnist",)))
    config = toml_file.resolve(model, [], words)
    pictures, training = images.load(config.data).train_images, config.training
    learner = learners.make(config)
    weights = learner.init(stream(training.seed, "init"), np.float32)
    first = {name: array.copy() for name, array in weights.items()}
    optimizer = optimizers.make(config.optimizer, learner.blocks())
    runs = Replicas([config], pictures, Place.of("cpu", "float32"))
    seconds: dict[str, list[float]] = {"numpy": [], "torch": []}
    for number in range(steps):
        begun = time.perf_counter()
        batch, noise = step.draw(pictures, training, number, learner.latent)
        rate = optimizers.learning_rate(config.optimizer, number / runs.total_steps)
        step.advance(learner, optimizer, weights, batch, noise, rate)
        between = time.perf_counter()
        runs.advance()
        seconds["numpy"].append(between - begun)
        seconds["torch"].append(time.perf_counter() - between)
    apart = max(error(runs.parameters(0)[name] - first[name], weights[name] - first[name]) for name in first)
    found = {f"{name}_ms": 1e3 * float(np.median(times[2:])) for name, times in seconds.items()}
    return found | {"times_numpy": found["torch_ms"] / found["numpy_ms"], "apart": apart}


def main() -> None:
    """Run, print, keep."""
    options = parser(__doc__, of_a_run=False).parse_args()
    torch.set_num_threads(1)
    figures = tiny()
    for model in MODELS:
        found = side_by_side(model, 4 if options.quick else 30, options.quick)
        figures |= {f"{model}_{name}": value for name, value in found.items()}
        if not options.json:
            print(model, json.dumps(found), flush=True)
    notes = f"torch {torch.__version__}, one thread; 30 steps from initial weights, medians of the last 28"
    result = report("torch_cpu", figures, WANTED, seed=0, quick=options.quick, notes=notes)
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
