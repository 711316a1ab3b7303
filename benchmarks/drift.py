"""What gains against drift are worth: a trained network on devices that drift, after an hour, a month and a year.

    python benchmarks/drift.py RUN [--quick] [--json]

Weights are held exactly when they are written (floats in devices, the range of the largest weight) and then drift by
(t / 20 s)^-nu, nu from N(nu, spread) for every device. SSE/2 from mu on the test split, both roles on the aged array.
"""

from __future__ import annotations

import json
from dataclasses import replace

import harness
import numpy as np

from hvae.config.array import ArraySettings
from hvae.config.run import OptimizerConfig
from hvae.learning import costs
from hvae.onchip.chip import make_onchip
from hvae.runs import images, loading
from hvae.runs.loading import Trained

LAWS = ((0.05, 0.0), (0.05, 0.01), (0.05, 0.02))  # nu and its spread; phase-change memory has 0.05 and about 0.01
AGES = {"an hour": 3600.0, "a month": 2.6e6, "a year": 3.15e7}
KINDS = ("none", "global", "lines")


def error(trained: Trained, held: np.ndarray, **array: object) -> float:
    """Return SSE/2 from mu on the images `held`, with the weights in an array of `array`."""
    limit = max(float(np.abs(weights).max()) for weights in trained.parameters.values())
    age = float(array.pop("age", 0.0))  # type: ignore[arg-type]
    settings = ArraySettings(device="ideal", weight_limit=limit, **array)  # type: ignore[arg-type]
    config = replace(trained.config, optimizer=OptimizerConfig(name="sgd"), array=settings)
    chip = make_onchip(config, trained.parameters)
    for one in chip.arrays.values():
        one.at_time(age)
    mean, _ = chip.encode(trained.parameters, held)
    return float(costs.sse_half(chip.decode(trained.parameters, mean), held).mean())


def main() -> None:
    """Age, measure, print, keep."""
    options = harness.parser(__doc__).parse_args()
    trained = loading.load(options.run)
    held = images.load(trained.config.data).test_images[: 20 if options.quick else 1000]
    figures = {"fresh": error(trained, held)}
    for nu, spread in LAWS[:2] if options.quick else LAWS:
        for name, age in AGES.items():
            for kind in KINDS:
                found = error(trained, held, drift_nu=nu, drift_nu_std=spread, drift_gains=kind, age=age)
                figures[f"nu {nu:g} +- {spread:g}, {name}, gains {kind}"] = found
                print(f"nu {nu:g} +- {spread:g}, {name}, gains {kind}: {found:.1f}", flush=True)
    seed = trained.config.training.seed
    notes = f"SSE/2 from mu, {len(held)} test images, {trained.config.data.name}"
    result = harness.report("drift", figures, {}, seed=seed, quick=options.quick, notes=notes)
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
