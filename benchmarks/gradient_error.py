"""What tolerances cost a gradient, how well a few samples tell it, and what a certificate could tell.

    python benchmarks/gradient_error.py RUN [--batches 200] [--quick] [--json]

For each pair of tolerances (settling, response) and each batch of training images of the trained RUN:

- ``shortened``: |G - G*| / |G*| of the whole batch, as it is used, long contrasts shortened (`nudging.norm_limit`);
- ``error``: the same with none shortened: what the tolerances cost (`hvae.learning.gradient_error`);
- ``sixteen``: the same of its first 16 samples, which is what a run logs after an epoch;
- ``summed``: the errors of single samples, known exactly, added up, relative to |G*|. A bound that knows each sample's
  residual and lambda_min adds them up too, so that no such bound can be less.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from harness import parser, report

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.linear_response import LinearResponse
from hvae.learning import gradient_error
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.learning.nudging import LinearResponseNudging
from hvae.runs import images, loading
from hvae.training import step

TOLERANCES = ((1e-3, 1e-1), (1e-3, 1e-2), (1e-4, 1e-2), (1e-5, 1e-3))


def errors(learner: EquilibriumPropagation, parameters, pictures, noise) -> dict[str, float]:
    """Return the figures of one batch."""
    whole = replace(learner, norm_limit=np.inf)
    return {
        "shortened": gradient_error.gradient_error(learner, parameters, pictures, noise).relative,
        "error": gradient_error.gradient_error(whole, parameters, pictures, noise).relative,
        "sixteen": gradient_error.gradient_error(whole, parameters, pictures[:16], noise[:16]).relative,
        "summed": summed(whole, parameters, pictures, noise),
    }


def summed(learner: EquilibriumPropagation, parameters, pictures, noise) -> float:
    """Return sum_b |G_b - G*_b| / |sum_b G*_b|."""
    pairs = gradient_error.samples_gradients(learner, parameters, pictures, noise)
    total, apart = 0.0, 0.0
    for found, right in pairs:
        total, apart = total + right, apart + float(np.linalg.norm(found - right))
    return apart / float(np.linalg.norm(total))


def main() -> None:
    """Measure, print, and keep the result."""
    asked = parser(__doc__)
    asked.add_argument("--batches", type=int, default=200)
    options = asked.parse_args()
    count = 2 if options.quick else options.batches
    trained = loading.load(options.run)
    training, pictures = trained.config.training, images.load(trained.config.data).train_images
    rows = []
    for tolerance, response in TOLERANCES:
        learner = replace(
            trained.learner, solver=ConjugateGradient(tolerance=tolerance),
            nudging=LinearResponseNudging(solver=LinearResponse(tolerance=response)),
        )  # fmt: skip
        found = [
            errors(learner, trained.parameters, *step.draw(pictures, training, number, learner.latent))
            for number in range(count)
        ]
        row = {"settling": tolerance, "response": response}
        for name in found[0]:
            values = np.array([one[name] for one in found])
            row |= {name: float(np.median(values)), f"{name}_95": float(np.quantile(values, 0.95))}
        ratio = np.array([one["sixteen"] / one["error"] for one in found])
        row |= {f"sixteen_over_error_{share}": float(np.quantile(ratio, share / 100)) for share in (5, 95)}
        rows.append(row)
        if not options.json:
            print(json.dumps(row), flush=True)
    figures = {f"{row['settling']:g}, {row['response']:g}": row["error"] for row in rows}
    notes = f"{count} batches of {training.batch_size}; medians, and 5 % and 95 % quantiles"
    seed, extra = training.seed, {"rows": rows}
    result = report("gradient_error", figures, {}, seed=seed, quick=options.quick, notes=notes, extra=extra)
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
