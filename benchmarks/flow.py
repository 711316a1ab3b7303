"""Flows on a Hopfield network, taught by equilibrium propagation: pictures of 8 x 8 digits, or the latents of a run.

    python benchmarks/flow.py [--hidden 160] [--steps 8000] [--quick] [--json]        # scikit-learn's digits
    python benchmarks/flow.py --latents-of RUN [--hidden 512] [--steps 3000] [--json] # z of a trained run

FlowEqProp (arXiv:2604.08150) trains 24,896 parameters on the same digits for about an hour of an A100, to a loss of
0.32; its README does not say per what, and how noise is paired with images. Here the loss is |v - u|^2 a pixel, pixels
in [-1, 1], pairs of a batch of 256 by optimal transport; 160 hidden neurons make 24,752 weights. Beside the flow: a
Gaussian and a mixture, fitted to the same samples. Distances are Frechet's: of digits on 64 principal components, of a
run's images on the features that belong to them.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import harness
import numpy as np

from hvae.config.run import DataConfig, SamplingConfig
from hvae.flows.flow import Flow, Teaching, Units, learn
from hvae.runs import images, loading
from hvae.scores import densities, distances, features, sampling

COUNT = 2000


def distance(judge, made: np.ndarray, real: np.ndarray) -> float:
    """Return the Frechet distance of `made` images from `real` ones."""
    one, other = (distances.moments(judge.extract(np.clip(some, -1, 1))) for some in (made, real))
    return distances.frechet_distance_of_moments(one, other)


def taught(
    samples: np.ndarray, teaching: Teaching, spread, units: Units | None, tell
) -> tuple[Flow, list[float], float]:
    """Return a flow, its losses, and the seconds of a processor that it took."""
    losses: list[float] = []

    def hear(step: int, loss: float) -> None:
        losses.append(loss)
        if step % 500 == 0:
            tell(step, float(np.mean(losses[-200:])))

    begun = time.process_time()
    flow = learn(samples, teaching, np.random.default_rng(0), spread, units, tell=hear)
    return flow, losses, time.process_time() - begun


def digits(hidden: int, steps: int, tell) -> tuple[dict[str, float], list[float]]:
    """Return the figures of a flow of pictures, and its curve."""
    data = images.load(DataConfig(name="digits"))
    judge, real = features.principal(data), data.test_images
    teaching = Teaching(hidden=hidden, steps=steps, rate=5e-3)
    flow, losses, seconds = taught(data.train_images, teaching, 0.0, Units(), tell)
    rng, count = np.random.default_rng(1), len(real)
    mixture = densities.fit(data.train_images, 10, rng)
    gaussian = densities.fit(data.train_images, 1, rng)
    per_pixel = [2 * loss / real.shape[1] for loss in losses]
    return {
        "weights": float(flow.devices), "loss_a_pixel": float(np.mean(per_pixel[-200:])), "seconds": seconds,
        "distance": distance(judge, flow.sample(count, rng), real),
        "distance_gaussian": distance(judge, gaussian.sample(count, rng), real),
        "distance_mixture_10": distance(judge, mixture.sample(count, rng), real),
        "distance_training_images": distance(judge, data.train_images[:count], real),
    }, per_pixel  # fmt: skip


def latents(run: Path, hidden: int, steps: int, tell) -> tuple[dict[str, float], list[float]]:
    """Return the figures of a flow of a run's latents, and its curve."""
    trained = loading.load(run)
    data = images.load(trained.config.data)
    judge, real = features.of(data), data.test_images[:COUNT]
    encodings = densities.encode(trained.learner, trained.parameters, data.train_images)
    spread = np.exp(encodings.log_variances[0] / 2)
    flow, losses, seconds = taught(encodings.means, Teaching(hidden=hidden, steps=steps), spread, None, tell)
    noise = np.random.default_rng(2).standard_normal(encodings.means.shape)
    drawn = densities.drawn(encodings.means, encodings.log_variances, noise)
    rng = np.random.default_rng(1)
    own = SamplingConfig(prior="mixture", components=trained.config.sampling.components)
    priors = {
        "flow": flow, "gaussian": densities.fit(drawn, 1, rng), "encodings": encodings,
        f"mixture_{own.components}": densities.fit(drawn, own.components, rng),
    }  # fmt: skip
    made = {name: sampling.decode(trained.learner, trained.parameters, one.sample(len(real), rng).astype(np.float32))
            for name, one in priors.items()}  # fmt: skip
    found = {f"distance_{name}": distance(judge, one, real) for name, one in made.items()}
    return {"weights": float(flow.devices), "loss": float(np.mean(losses[-200:])), "seconds": seconds, **found}, losses


def main() -> None:
    """Teach, judge, report."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--latents-of", type=Path, metavar="RUN", help="a run folder; without one scikit-learn's digits")
    asked.add_argument("--hidden", type=int)
    asked.add_argument("--steps", type=int)
    chosen = asked.parse_args()

    def tell(step: int, loss: float) -> None:
        if not chosen.json:
            print(f"step {step}: loss {loss:.3f}", flush=True)

    if chosen.latents_of is None:
        sizes = (20, 30) if chosen.quick else (chosen.hidden or 160, chosen.steps or 8000)
        name, (figures, curve) = "flow_digits", digits(*sizes, tell)
    else:
        sizes = (20, 30) if chosen.quick else (chosen.hidden or 512, chosen.steps or 3000)
        name, (figures, curve) = "flow_latents", latents(chosen.latents_of, *sizes, tell)
    found = harness.report(
        name, figures, {}, seed=0, quick=chosen.quick, extra={"curve": curve[:: max(1, len(curve) // 200)]},
        notes="" if chosen.latents_of is None else f"{COUNT} images; z of {chosen.latents_of.name}",
    )  # fmt: skip
    print(json.dumps(found) if chosen.json else json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
