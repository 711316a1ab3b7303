"""What a short relaxation does to a network: h-vae by our recipe, relaxed by eq. (3) for a given number of steps.

    python benchmarks/unconverged.py [--model h-vae] [--epochs 4] [--quick] [--json]

examples/MODEL.toml on 10,000 training images of MNIST, steps of 0.3 time constants, two nudged phases of as many steps
as the free one (centred, beta 0.05). It learns as it relaxes, settled or not. Each network is judged twice on 1,000
validation images, from mu: relaxed as it was taught, and settled to 1e-4. The first row is taught settled, by conjugate
gradients and linear response.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import harness
import numpy as np

from crossbar.errors import DivergedError
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from hvae.config import toml_file
from hvae.learning import costs, learners, optimizers
from hvae.runs import images
from hvae.scores import distances, features
from hvae.streams import stream
from hvae.training import step

STEPS = (5, 10, 20, 50, 100)
JUDGED = 1000


def settings(steps: int | None) -> tuple[str, ...]:
    """Return the settings of a relaxation of `steps`, or of a settled one."""
    if steps is None:
        return ()
    return (
        "settling.solver=euler", f"settling.max_sweeps={steps}", "nudging.method=centred",
        f"nudging.max_sweeps={steps}", "settling.max_unsettled=1.0",
    )  # fmt: skip


def scores(learner, parameters, held: np.ndarray, net) -> dict[str, float]:
    """Return SSE/2 from mu, the distance of reconstructions, and how many settled."""
    encoded = learner.settle_encoder(parameters, held)
    mean, _ = learner.vae.read_latents(encoded.states)
    decoded = learner.settle_decoder(parameters, mean)
    output = decoded.states[:, learner.vae.decode_role.columns("pixels")]
    real, fake = (distances.moments(net.extract(some)) for some in (held, np.clip(output, -1, 1)))
    return {
        "sse_half": float(costs.sse_half(output, held).mean()),
        "distance": distances.frechet_distance_of_moments(fake, real),
        "settled": float((encoded.settled.mean() + decoded.settled.mean()) / 2),
    }


def row(model: str, steps: int | None, epochs: int, limit: int, data: str) -> dict[str, object]:
    """Return what the network taught by relaxations of `steps` comes to."""
    base = (f"data.name={data}", f"data.train_limit={limit}", f"training.epochs={epochs}")
    recipe = Path(__file__).parents[1] / "examples" / f"{model}.toml"
    config = toml_file.resolve(model, [recipe], (*base, *settings(steps)))
    dataset = images.load(config.data)
    learner = learners.make(config)
    optimizer = optimizers.make(config.optimizer, learner.blocks())
    parameters = learner.init(stream(config.training.seed, "init"), np.float32)
    total = epochs * step.per_epoch(len(dataset.train_images), config.training.batch_size)
    began = time.process_time()
    for number in range(total):
        batch, noise = step.draw(dataset.train_images, config.training, number, learner.latent)
        rate = optimizers.learning_rate(config.optimizer, number / total)
        try:
            step.advance(learner, optimizer, parameters, batch, noise, rate)
        except DivergedError as error:
            return {"steps": steps, "diverged_at": number + 1, "why": str(error)[:200]}
    seconds = time.process_time() - began
    held, net = dataset.validation_images[:JUDGED].astype(np.float32), features.net_of(dataset.name)
    settled = replace(learner, solver=ConjugateGradient(tolerance=1e-4, max_sweeps=1000))
    return {
        "steps": steps, "processor_seconds": seconds, "as_taught": scores(learner, parameters, held, net),
        "settled": scores(settled, parameters, held, net),
    }  # fmt: skip


def main() -> None:
    """Make the rows, print them, and keep each."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--model", default="h-vae", choices=["h-vae", "dh-vae", "tdh-vae"])
    asked.add_argument("--epochs", type=int, default=4)
    options = asked.parse_args()
    sizes = ((None, *STEPS), options.epochs, 10_000, "mnist")
    if options.quick:
        sizes = ((None, 5), 1, 256, "mnist-5k")
    rows = []
    for steps in sizes[0]:
        rows.append(row(options.model, steps, *sizes[1:]))
        if not options.json:
            print(json.dumps(rows[-1]), flush=True)
        figures = {str(one["steps"] or "settled"): one.get("settled", {}).get("sse_half") for one in rows}
        found = harness.report(
            f"unconverged-{options.model}", figures, {}, seed=0, quick=options.quick,
            notes="SSE/2 from mu, settled to 1e-4, of networks taught by relaxations of so many steps",
            extra={"rows": rows},
        )  # fmt: skip
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
