"""What a training step on the chip costs beside an ideal one of the same network.

    python benchmarks/onchip.py [--quick] [--json]

TDH-VAE of the paper's size (784 + 833 + 69 neurons; --quick: 14 x 14 pixels, 128 hidden), batch 64, random weights of
the start, random images. One step = all phases and the update. `noisy` has white read noise, so that phases run on the
fast path (`hvae.onchip_settling`, `warm`); `pulsed` is a quiet array of EpiRAM devices on the ideal solvers. Ratios of
times within one run; sweeps are products with W an example, both roles and all phases.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
from harness import report

from hvae import config_file, learners, optimizers
from hvae.learning_rules import make_chip_optimizer
from hvae.onchip import make_onchip
from hvae.streams import stream

CASES = {
    "pulsed": ["array.device=epiram"],
    "noisy": ["array.device=epiram", "array.read_noise=0.001"],
    "noisy_converters": ["array.device=epiram", "array.read_noise=0.001", "array.dac_bits=7", "array.adc_bits=9"],
    "mixed_precision": ["array.device=epiram", "array.rule=mixed-precision"],
}
COMMON = ["training.batch_size=64", "optimizer.name=sgd", "optimizer.learning_rate=0.2", "training.beta_kl=1.0"]
QUICK = ["data.image_size=14", "model.hidden=128", "model.latent=16"]
STEPS = 6


def measure(learner, optimizer, parameters, pixels: int, latent: int) -> dict[str, float]:
    """Return the median seconds of a step, and its sweeps an example, after one step that is not counted."""
    rng = np.random.default_rng(0)
    seconds, sweeps = [], []
    for _ in range(STEPS):
        images = np.sign(rng.standard_normal((64, pixels))).astype(np.float32)
        noise = rng.standard_normal((64, latent)).astype(np.float32)
        start = time.perf_counter()
        metrics, gradients = learner.gradients(parameters, images, noise)
        optimizer.step(parameters, gradients, 0.05)
        seconds.append(time.perf_counter() - start)
        sweeps.append(metrics["encoder_sweeps"] + metrics["decoder_sweeps"])
    return {"seconds": float(np.median(seconds[1:])), "sweeps": float(np.mean(sweeps[1:]))}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    size = QUICK if options.quick else []
    config = config_file.resolve("tdh-vae", [], [*COMMON, *size])
    pixels, latent = config.data.image_size**2, config.model.latent
    learner = learners.make(config)
    weights = learner.init(stream(0, "init"), np.float32)
    ideal = measure(learner, optimizers.make(config.optimizer), weights, pixels, latent)
    figures = {"ideal_seconds": ideal["seconds"], "ideal_sweeps": ideal["sweeps"]}
    for name, changes in CASES.items():
        case = config_file.resolve("tdh-vae", [], [*COMMON, *size, *changes])
        chip = make_onchip(case)
        found = measure(chip, make_chip_optimizer(case, chip), chip.weights(), pixels, latent)
        figures |= {f"{name}_seconds": found["seconds"], f"{name}_sweeps": found["sweeps"]}
        figures[f"{name}_over_ideal"] = found["seconds"] / ideal["seconds"]
        equal = (found["seconds"] / found["sweeps"]) / (ideal["seconds"] / ideal["sweeps"])
        figures[f"{name}_over_ideal_of_as_many_sweeps"] = equal
    targets = {f"{name}_over_ideal_of_as_many_sweeps": 3.0 for name in CASES}
    result = report("onchip", figures, targets, seed=0, quick=options.quick)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in figures.items():
            print(f"{name:45s} {value:.4g}")


if __name__ == "__main__":
    main()
