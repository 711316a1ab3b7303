"""Flows on a Hopfield network, taught by equilibrium propagation: pictures of 8 x 8 digits, or the latents of a run.

    python benchmarks/flow.py [--hidden 160] [--steps 3000] [--quick] [--json]        # scikit-learn's digits
    python benchmarks/flow.py --matching equilibrium                                  # a field without time
    python benchmarks/flow.py --latents-of RUN [--hidden 512] [--steps 3000] [--json] # z of a trained run
    python benchmarks/flow.py --latents-of RUN --matching denoiser --hidden 119 --steps 1500 --components 10

FlowEqProp (arXiv:2604.08150) trains 24,896 parameters on the same digits for about an hour of an A100, to a loss of
0.32; its README does not say per what, and how noise is paired with images. Here 160 hidden neurons make 24,752
weights.
`training_loss` is |v - u|^2 a pixel of the pairs that are learned from, by optimal transport, in units in which noise
has variance 1; `loss` the same of test images with any noise; `loss_of_pixels` in units of pixels, which go from -1 to
1. A field without time (168 hidden neurons, 24,780 weights) is taught x_1 - x of x_1 - x_0: other losses. Beside the
flow: a Gaussian and mixtures, fitted to the same images. Distances are Frechet's, of 2,000 images drawn:
of digits on 64 principal components, of a run's images on the features that belong to them.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import harness
import numpy as np

from hvae.config.flow import PIXELS, Teaching
from hvae.config.run import DataConfig
from hvae.flows.course import learn
from hvae.flows.flow import Flow
from hvae.runs import images, loading
from hvae.scores import densities, features, generators, sampling

COUNT = 2000
ALIKE = {"flow": 160, "equilibrium": 168, "denoiser": 105}  # hidden neurons, at the same number of weights


def taught(samples: np.ndarray, teaching: Teaching, spread, tell) -> tuple[Flow, list[float], float]:
    """Return a flow, its losses, and the seconds of a processor that it took."""
    losses: list[float] = []

    def hear(step: int, loss: float) -> None:
        losses.append(loss)
        if step % 500 == 0:
            tell(step, float(np.mean(losses[-200:])))

    begun = time.process_time()
    flow = learn(samples, teaching, np.random.default_rng(0), spread, tell=hear)
    return flow, losses, time.process_time() - begun


def digits(matching: str, hidden: int, steps: int, tell) -> tuple[dict[str, float], list[float]]:
    """Return the figures of a flow of pictures, and its curve."""
    data = images.load(DataConfig(name="digits"))
    teaching = replace(PIXELS, matching=matching, hidden=hidden, steps=steps)
    flow, losses, seconds = taught(data.train_images, teaching, 0.0, tell)
    found = generators.score(
        flow, data, features.principal(data), np.random.default_rng(1), margin=teaching.margin
    )
    per_pixel = [2 * loss / data.train_images.shape[1] for loss in losses]
    scale = float(np.mean(flow.units.scale**2))
    found = {"training_loss": float(np.mean(per_pixel[-200:])), "unit": scale**0.5, "seconds": seconds, **found}
    return found, per_pixel


def latents(
    run: Path, components: int | None, matching: str, hidden: int, steps: int, tell
) -> tuple[dict[str, float], list[float]]:
    """Return the figures of a flow of a run's latents, and its curve."""
    trained = loading.load(run)
    data = images.load(trained.config.data)
    judge, real = features.of(data), data.test_images[:COUNT]
    encodings = densities.encode(trained.learner, trained.parameters, data.train_images)
    spread = np.exp(encodings.log_variances[0] / 2)
    teaching = Teaching(matching=matching, hidden=hidden, steps=steps, rate=3e-3)
    flow, losses, seconds = taught(encodings.means, teaching, spread, tell)
    noise = np.random.default_rng(2).standard_normal(encodings.means.shape)
    drawn = densities.drawn(encodings.means, encodings.log_variances, noise)
    rng = np.random.default_rng(1)
    components = components or trained.config.sampling.components
    priors = {
        "flow": flow, "gaussian": densities.fit(drawn, 1, rng), "encodings": encodings,
        f"mixture_{components}": densities.fit(drawn, components, rng),
    }  # fmt: skip
    made = {name: sampling.decode(trained.learner, trained.parameters, one.sample(len(real), rng).astype(np.float32))
            for name, one in priors.items()}  # fmt: skip
    found = {f"distance_{name}": generators.distance(judge, one, real) for name, one in made.items()}
    return {"weights": float(flow.devices), "loss": float(np.mean(losses[-200:])), "seconds": seconds, **found}, losses


def main() -> None:
    """Teach, judge, report."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--latents-of", type=Path, metavar="RUN", help="a run folder; without one scikit-learn's digits")
    asked.add_argument("--matching", choices=("flow", "equilibrium", "denoiser"), default="flow")
    asked.add_argument("--components", type=int, help="of the mixture beside a flow of latents; the run's own")
    asked.add_argument("--hidden", type=int)
    asked.add_argument("--steps", type=int)
    chosen = asked.parse_args()

    def tell(step: int, loss: float) -> None:
        if not chosen.json:
            print(f"step {step}: loss {loss:.3f}", flush=True)

    kind = "flow" if chosen.matching == "flow" else f"flow_{chosen.matching}"
    few = "" if chosen.hidden is None else f"_{chosen.hidden}"
    if chosen.latents_of is None:
        sizes = (20, 30) if chosen.quick else (chosen.hidden or ALIKE[chosen.matching], chosen.steps or 3000)
        name, (figures, curve) = f"{kind}_digits{few}", digits(chosen.matching, *sizes, tell)
    else:
        sizes = (20, 30) if chosen.quick else (chosen.hidden or 512, chosen.steps or 3000)
        found = latents(chosen.latents_of, chosen.components, chosen.matching, *sizes, tell)
        name, (figures, curve) = f"{kind}_latents{few}", found
    told = harness.report(
        name, figures, {}, seed=0, quick=chosen.quick, extra={"curve": curve[:: max(1, len(curve) // 200)]},
        notes="" if chosen.latents_of is None else f"{COUNT} images; z of {chosen.latents_of.name}",
    )  # fmt: skip
    print(json.dumps(told) if chosen.json else json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
