"""Measure how long write-verify of a full-size array takes, and how well it holds the weights.

Pairs of shared devices for 1686 neurons, 2.84 million of them, written within 2 % of the range: random initial weights
(the largest fills the range), or, with --run, the weights of a trained chip, at the scale that `hopbar program` would
choose, and at the one that holds them all.

    python benchmarks/crossbar_program.py [--run RUN] [--device epiram,reram-es] [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
from harness import report
from threadpoolctl import threadpool_limits

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.chip import load_chip
from crossbar.hopfield.couplings import random_weights
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import ProgrammingReport, write_verify
from crossbar.programming.chip import best_scale
from crossbar.programming.write_verify import WriteVerify

SEED = 1


def programmed(
    network: Network, weights: np.ndarray, config: ArrayConfig, settings: WriteVerify
) -> tuple[ProgrammingReport, float]:
    """Return the report of writing `weights`, and the seconds that write-verify alone took."""
    rng = np.random.default_rng(SEED)
    array = CrossbarArray.from_weights(network, weights, config, rng)
    array.write(np.zeros_like(weights), rng)
    start = time.perf_counter()
    told = write_verify(array, weights, settings, rng)
    return told, time.perf_counter() - start


def figures_of(name: str, told: ProgrammingReport, seconds: float) -> dict[str, float]:
    """Return the figures of one run by name."""
    return {
        f"{name}_seconds": seconds,
        f"{name}_failed_percent": 100 * told.failed_fraction,
        f"{name}_rms_percent": 100 * told.rms_error,
        f"{name}_weight_error_percent": 100 * told.weight_error,
        f"{name}_clipping_error_percent": 100 * told.clipping_error,
        f"{name}_pulses_per_device": (told.pulses_up + told.pulses_down) / told.devices,
        f"{name}_weight_limit": told.weight_limit,
    }


def main() -> None:
    """Run, print, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", help="a trained run or chip, instead of random weights")
    parser.add_argument("--device", default="epiram,reram-es", help="presets, separated by commas")
    parser.add_argument("--quick", action="store_true", help="a sixth of the neurons")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    settings, figures = WriteVerify(tolerance=0.02), {}
    with threadpool_limits(1):
        network = Network((("pixels", 131), ("hidden", 138), ("latent", 12)) if options.quick else
                          (("pixels", 784), ("hidden", 833), ("latent", 69)))  # fmt: skip
        weights = random_weights(network, np.random.default_rng(SEED))
        if options.run:
            chip = load_chip(options.run)
            name = next(iter(chip.networks))
            network, weights = chip.networks[name], np.asarray(chip.weights[name], np.float32)
        small = Network((("pixels", 12), ("hidden", 9), ("latent", 3)))
        for device in options.device.split(","):
            config = ArrayConfig(device=device)
            programmed(small, random_weights(small, np.random.default_rng(SEED)), config, settings)  # compiles
            if options.run:
                start = time.perf_counter()
                best = best_scale(weights, config, settings, np.random.default_rng(SEED))
                figures[f"trained_{device}_choice_seconds"] = time.perf_counter() - start
                figures |= figures_of(f"trained_{device}_best", *programmed(network, weights, best, settings))
            case = f"trained_{device}_all" if options.run else f"random_{device}"
            figures |= figures_of(case, *programmed(network, weights, config, settings))
    notes = f"{network.size} neurons, shared pairs, tolerance 2 % of the range, one thread"
    name = "crossbar_program_trained" if options.run else "crossbar_program"
    result = report(name, figures, {}, seed=SEED, quick=options.quick, notes=notes)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in figures.items():
            print(f"{name:48s} {value:10.3g}")


if __name__ == "__main__":
    main()
