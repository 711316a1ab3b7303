"""Which part of the error is the encoder's: SSE/2 decoded from mu, and from the best z that descent finds.

    python benchmarks/best_code.py RUN [--images 200] [--quick] [--json]

z starts at mu and goes down the decoder's own gradient, eq. (9), by Adam. The best of all steps counts for each image.
"""

from __future__ import annotations

import json

import harness
import numpy as np

from crossbar.hopfield.energy import Landscape
from hvae.learning import costs
from hvae.learning.equilibrium import input_gradient
from hvae.runs import images, loading


def main() -> None:
    """Descend, print, keep."""
    asked = harness.parser(__doc__)
    asked.add_argument("--images", type=int, default=200)
    options = asked.parse_args()
    count, steps = (10, 5) if options.quick else (options.images, 120)
    trained = loading.load(options.run)
    learner, vae = trained.learner, trained.learner.vae
    held = images.load(trained.config.data).test_images[:count].astype(np.float32)
    couplings = learner.couplings(trained.parameters)[vae.decoder]
    z, _ = learner.encode(trained.parameters, held)
    first, second = np.zeros_like(z), np.zeros_like(z)
    best = from_mean = None
    for step in range(1, steps + 1):
        land = Landscape.clamp(couplings, vae.decode_role, z)
        rest = learner.solver.settle(land)
        loss = costs.sse_half(rest.states[:, vae.decode_role.columns("pixels")], held)
        best, from_mean = (loss, loss) if best is None else (np.minimum(best, loss), from_mean)
        nudged = learner.nudging.contrast(land, rest, costs.decoder_cost(vae.decode_role, held))
        slope = input_gradient(land, z, nudged.difference)
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        move = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-6)
        z = (z - 0.15 * (1 - step / (steps + 1)) * move).astype(np.float32)
    figures = {"from_mu": float(from_mean.mean()), "from_best_z": float(best.mean())}
    found = harness.report(
        f"best_code-{options.run.name}", figures, {}, seed=trained.config.training.seed, quick=options.quick,
        notes=f"SSE/2 of {count} test images; {trained.config.model.name}, {trained.config.model.latent} latents",
    )  # fmt: skip
    print(json.dumps(found if options.json else figures))


if __name__ == "__main__":
    main()
