"""What a training step on the chip costs beside an ideal one of the same network.

    OPENBLAS_NUM_THREADS=1 python benchmarks/onchip.py RUN [--quick] [--json]

RUN is a run folder of a trained TDH-VAE, whose weights all chips begin with. One step = all phases and the update, on
batches of 64 training images. `noisy` has white read noise, so that phases run on the fast path
(`hvae.onchip.settling`, `warm`); `pulsed` is a quiet array of EpiRAM devices on the ideal solvers. Processor times of
one thread; ratios within one run; sweeps are products with W an example, both roles and all phases. Take a run that a
few steps at this rate leave settling: where nothing settles any more, sweeps tell little.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
from harness import parser, report

from hvae.config.array import ArraySettings
from hvae.config.run import OptimizerConfig
from hvae.learning import learners, optimizers
from hvae.onchip.chip import make_onchip
from hvae.onchip.rules.chip_optimizer import make_chip_optimizer
from hvae.runs import images, loading

CASES = {
    "pulsed": {},
    "noisy": {"read_noise": 0.001},
    "noisy_converters": {"read_noise": 0.001, "dac_bits": 7, "adc_bits": 9},
    "mixed_precision": {"rule": "mixed-precision"},
}
BATCH, STEPS, RATE = 64, 6, 0.05


def measure(learner, optimizer, parameters, pictures: np.ndarray) -> dict[str, float]:
    """Return the median processor time of a step, and its sweeps an example, after one step that is not counted."""
    rng = np.random.default_rng(0)
    seconds, sweeps = [], []
    for batch in pictures:
        noise = rng.standard_normal((len(batch), learner.latent)).astype(np.float32)
        start = time.process_time()
        metrics, gradients = learner.gradients(parameters, batch, noise)
        optimizer.step(parameters, gradients, RATE)
        seconds.append(time.process_time() - start)
        sweeps.append(metrics["encoder_sweeps"] + metrics["decoder_sweeps"])
    return {"seconds": float(np.median(seconds[1:])), "sweeps": float(np.mean(sweeps[1:]))}


def main() -> None:
    """Measure and report."""
    options = parser(__doc__).parse_args()
    trained = loading.load(options.run)
    weights = {name: array.copy() for name, array in trained.parameters.items()}
    sgd = OptimizerConfig(name="sgd", learning_rate=RATE)
    config = replace(trained.config, optimizer=sgd, array=ArraySettings())
    steps = 2 if options.quick else STEPS
    pictures = images.load(config.data).train_images[: steps * BATCH].astype(np.float32).reshape(steps, BATCH, -1)
    learner = learners.make(config)
    ideal = measure(learner, optimizers.make(sgd, learner.blocks()), trained.parameters, pictures)
    figures = {"ideal_seconds": ideal["seconds"], "ideal_sweeps": ideal["sweeps"]}
    limit = max(float(np.abs(array).max()) for array in weights.values())
    for name, changes in CASES.items():
        case = replace(config, array=ArraySettings(device="epiram", weight_limit=1.1 * limit, **changes))
        chip = make_onchip(case, weights)
        found = measure(chip, make_chip_optimizer(case, chip), chip.weights(), pictures)
        figures |= {f"{name}_seconds": found["seconds"], f"{name}_sweeps": found["sweeps"]}
        figures[f"{name}_over_ideal"] = found["seconds"] / ideal["seconds"]
        equal = (found["seconds"] / found["sweeps"]) / (ideal["seconds"] / ideal["sweeps"])
        figures[f"{name}_over_ideal_of_as_many_sweeps"] = equal
    targets = {f"{name}_over_ideal_of_as_many_sweeps": 1.5 for name in CASES}
    result = report("onchip", figures, targets, seed=0, quick=options.quick, extra={"run": options.run.name})
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in figures.items():
            print(f"{name:45s} {value:.4g}")


if __name__ == "__main__":
    main()
