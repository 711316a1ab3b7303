"""How often the bound of a batch's gradient covers its error, how near it is, and what it costs.

    python benchmarks/gradient_bound.py RUN [--batches 1000] [--quick] [--json]

For each pair of tolerances (settling, response) and each batch of training images of the trained RUN: the bound that
`training.gradient_bound` reports, and |G - G*| / |G*| of the same batch (`hvae.learning.gradient_error`: settled on to
1e-8 in float64), contrasts not shortened in either. Samples that have no exact gradient are in the bound and not in the
error; `left_out` counts them. `ratio` is bound over error, `cost` the time of gradients with bounds over that without.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
from harness import parser, report

from hvae.learning import learners
from hvae.learning.gradient_error import gradient_error
from hvae.runs import images, loading
from hvae.training import step

TOLERANCES = ((1e-3, 1e-1), (1e-3, 1e-2))


def measured(trained, settling: float, answer: float, count: int) -> dict[str, object]:
    """Return what came of `count` batches at these tolerances."""
    own = trained.config
    config = replace(
        own, settling=replace(own.settling, tolerance=settling), nudging=replace(own.nudging, tolerance=answer),
        training=replace(own.training, gradient_bound=True),
    )  # fmt: skip
    bounded = learners.make(config)
    plain, whole = replace(bounded, bound=None), replace(bounded, norm_limit=np.inf)
    pictures, weights = images.load(config.data).train_images, trained.parameters
    bounds, errors, left, seconds = [], [], 0, np.zeros(2)
    for number in range(count):
        batch, noise = step.draw(pictures, config.training, number, bounded.latent)
        if number == 0:
            bounded.gradients(weights, batch, noise)  # compiled
        begun = time.perf_counter()
        plain.gradients(weights, batch, noise)
        between = time.perf_counter()
        bounds.append(bounded.gradients(weights, batch, noise)[0]["gradient_bound"])
        seconds += between - begun, time.perf_counter() - between
        right = gradient_error(whole, weights, batch, noise)
        errors.append(right.relative)
        left += len(batch) - right.samples
    ratio, error = np.array(bounds) / np.array(errors), np.array(errors)
    return {
        "settling": settling, "response": answer, "batches": count, "covered": float(np.mean(ratio >= 1)),
        "left_out": left, "cost": float(seconds[1] / seconds[0]),
        "ratio": {str(share): float(np.quantile(ratio, share)) for share in (0, 0.01, 0.05, 0.5, 0.95, 0.99, 1)},
        "error": {str(share): float(np.quantile(error, share)) for share in (0.5, 0.95, 0.99, 1)},
    }  # fmt: skip


def main() -> None:
    """Measure, print, and keep the result."""
    asked = parser(__doc__)
    asked.add_argument("--batches", type=int, default=1000)
    options = asked.parse_args()
    count = 3 if options.quick else options.batches
    trained, rows = loading.load(options.run), []
    for settling, answer in TOLERANCES:
        rows.append(measured(trained, settling, answer, count))
        if not options.json:
            print(json.dumps(rows[-1]), flush=True)
    figures = {
        f"{row['settling']:g}, {row['response']:g}: {name}": row[name] for row in rows for name in ("covered", "cost")
    }
    model, data = trained.config.model, trained.config.data
    notes = f"{model.name}, {data.n_pixels} + {model.hidden} + {model.latent} neurons, {data.name}"
    name = f"gradient_bound-{model.name}-{data.n_pixels}"
    targets = {"0.001, 0.1: covered": 0.99, "0.001, 0.01: covered": 0.99}
    seed = trained.config.training.seed
    result = report(name, figures, targets, seed=seed, quick=options.quick, notes=notes, extra={"rows": rows})
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
