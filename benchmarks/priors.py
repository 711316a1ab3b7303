"""What a prior of z is worth, and what it costs on the chip: mixtures of a trained run, and a perfect prior.

    HOPBAR_DATA=/path/to/mnist python benchmarks/priors.py RUN [--images 4000] [--encodings 55000] [--quick] [--json]

All are fitted to the same encodings of training images. Distances are of as many generated images to the test split.
How soft the network is stands beside: percentiles over images of SSE/2, from mu and from one z each, and what the
images above three medians make of the sum.
"""

from __future__ import annotations

import json
import time

import numpy as np
from harness import parser, report

from hvae.learning import costs
from hvae.models.latents import drawn
from hvae.runs import images, loading
from hvae.scores import densities, distances, features, sampling

MIXTURES = ((10, "full"), (50, "full"), (200, "full"), (50, "tied"), (200, "diag"))
FAR = 3.0  # medians


def spread(trained, split: np.ndarray, rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Return percentiles of SSE/2 over `split`, from mu and from z, and the part of those far above the median."""
    found = {}
    encoded = densities.encode(trained.learner, trained.parameters, split)
    for name, noise in (("mu", 0.0), ("z", 1.0)):
        z = drawn(encoded.means, encoded.log_variances, noise * rng.standard_normal(encoded.means.shape))
        errors = costs.sse_half(sampling.decode(trained.learner, trained.parameters, z), split)
        far = errors > FAR * np.median(errors)
        found[name] = {
            "mean": float(errors.mean()), "median": float(np.median(errors)), "p95": float(np.percentile(errors, 95)),
            "far_images": float(far.mean()), "far_part": float(errors[far].sum() / errors.sum()),
        }  # fmt: skip
    return found


def main() -> None:
    """Fit, generate, compare, print and keep."""
    asked = parser(__doc__)
    asked.add_argument("--images", type=int, default=4000)
    asked.add_argument("--encodings", type=int, default=55000)
    options = asked.parse_args()
    count, mixtures = (60, MIXTURES[:1]) if options.quick else (options.images, MIXTURES)
    trained = loading.load(options.run)
    dataset, rng = images.load(trained.config.data), np.random.default_rng(0)
    net = features.net_of(dataset.name)
    real = distances.moments(net.extract(images.enlarge(dataset.test_images)))

    def distance(z: np.ndarray) -> float:
        made = np.clip(sampling.decode(trained.learner, trained.parameters, z), -1, 1)
        return distances.frechet_distance_of_moments(distances.moments(net.extract(images.enlarge(made))), real)

    encodings = densities.encode(trained.learner, trained.parameters, dataset.train_images[: options.encodings])
    z = drawn(encodings.means, encodings.log_variances, rng.standard_normal(encodings.means.shape))
    rows = [{"prior": "encodings", "distance": distance(encodings.sample(count, rng))}]
    for components, covariance in mixtures:
        started = time.process_time()
        mixture = densities.fit(z, components, rng, covariance)
        seconds = time.process_time() - started
        row = {"prior": f"{components} {covariance}", "devices": mixture.devices, "processor_seconds": seconds}
        rows.append(row | {"distance": distance(mixture.sample(count, rng))})
        print(json.dumps(rows[-1]), flush=True)
    found = report(
        f"priors-{options.run.name}", {row["prior"]: row["distance"] for row in rows}, {}, seed=0, quick=options.quick,
        notes=f"{count} images against {len(dataset.test_images)} of the test split; {len(z)} encodings",
        extra={"rows": rows, "sse_half": spread(trained, dataset.validation_images[:800], rng)},
    )  # fmt: skip
    print(json.dumps(found if options.json else found["sse_half"]))


if __name__ == "__main__":
    main()
