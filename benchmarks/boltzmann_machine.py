"""Which learning rate the baseline of a restricted Boltzmann machine has: chosen on a validation split.

    HOPBAR_DATA=/path/to/mnist python benchmarks/boltzmann_machine.py --out benchmarks/results/boltzmann_machine.json

Each rate trains a machine of 69 units, the tied model's latents. It is judged by the Frechet distance of 2,000 images
from Gibbs chains of two lengths to as many validation images; SSE/2 is of mean-field reconstructions.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from hvae.baselines import rbm
from hvae.config.run import DataConfig
from hvae.learning import costs
from hvae.runs import images
from hvae.runs.records import environment
from hvae.scores import distances, features

RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
STEPS = (100, rbm.GIBBS_STEPS)
UNITS, IMAGES = 69, 2000


def main() -> None:
    """Print, and keep in `--out`; with `--quick` two rates on a few images of mnist-5k."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--quick", action="store_true", help="two rates, 200 images of mnist-5k, two epochs")
    options = parser.parse_args()
    data = images.load(DataConfig(name="mnist-5k" if options.quick else options.dataset))
    count, epochs = (200, 2) if options.quick else (IMAGES, rbm.EPOCHS)
    rates, steps = (RATES[:2], (5, 10)) if options.quick else (RATES, STEPS)
    train, held_out = data.train_images[: 500 if options.quick else None], data.validation_images[:count]
    net = features.net_of(data.name)
    real = distances.moments(net.extract(held_out))
    rows = []
    for rate in rates:
        machine = rbm.fit(train, UNITS, np.random.default_rng(0), epochs, rate)
        output = machine.decode(machine.parameters, machine.encode(machine.parameters, held_out)[0])
        row = {"learning_rate": rate, "sse_half": float(costs.sse_half(output, held_out).mean())}
        for length in steps:
            drawn = distances.moments(net.extract(machine.generate(count, np.random.default_rng(1), length)))
            row[f"frechet_distance_{length}_steps"] = distances.frechet_distance_of_moments(drawn, real)
        rows.append(row)
        print(json.dumps(row), flush=True)
    result = {"dataset": data.name, "units": UNITS, "epochs": epochs, "batch_size": rbm.BATCH, "images": count}
    result["rows"] = rows
    if options.out:
        options.out.write_text(json.dumps(result | {"environment": environment()}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
