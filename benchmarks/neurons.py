"""What neurons that are not alike cost a trained network, and what equilibrium propagation on the chip wins back.

    python benchmarks/neurons.py RUN [--spreads 0.02 0.05 0.1 0.2] [--chips 3] [--epochs 2] [--quick] [--json]
    python benchmarks/neurons.py RUN --limits 12 8 6 4 3 2      # linear neurons that end at their supply
    python benchmarks/neurons.py RUN --pulls 0.01 0.1 1         # neurons that are pulled where nothing pulls

The weights of RUN are put, as they are, onto chips whose neurons differ in gain and leak by `spread` and in their
offset by a third of it (the slope of rho is steepest within 1/3 of its middle). Each chip is judged as it is, and after
`--epochs` of equilibrium propagation on it, from these weights, at half the run's learning rate. A chip of spread 0
learns as much longer: what more training gives to a perfect one. With `--limits` neurons are alike, and the linear ones
end at +-limit (`crossbar.hopfield.neurons.Saturating`); with `--pulls` they are pulled by so much, rms, and else alike.
z comes from the run's own prior, fitted anew to what
each chip encodes.
"""

from __future__ import annotations

import json
from dataclasses import replace

import harness
import numpy as np

from crossbar.errors import HopbarError
from hvae.config.neurons import NeuronSettings
from hvae.learning import optimizers
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.runs import images, loading
from hvae.runs.loading import Trained
from hvae.scores import evaluation, yardstick
from hvae.training import step

SHOWN = ("sse_half_mean", "reconstruction_distance", "perfect_prior_distance", "frechet_distance", "unsettled")


def judged(trained: Trained, dataset, count: int) -> dict[str, float]:
    """Return scores of what `trained` encodes, decodes and generates, on the test split; or why there are none."""
    settings = evaluation.of_an_epoch(trained.config.sampling, len(dataset.train_images))
    try:
        found = evaluation.evaluate_trained(trained, dataset, count=count, settings=settings)
        found |= yardstick.measure(trained, dataset, settings, count=count)
    except HopbarError as error:
        return {"failed": f"{type(error).__name__}: {error}"[:200]}
    return {name: found[name] for name in SHOWN}


def tuned(trained: Trained, dataset, epochs: int) -> Trained:
    """Return `trained` after `epochs` more on its own neurons."""
    config = trained.config
    optimizer = optimizers.make(config.optimizer, trained.learner.blocks())
    weights = {name: array.copy() for name, array in trained.parameters.items()}
    total = epochs * step.per_epoch(len(dataset.train_images), config.training.batch_size)
    for number in range(total):
        batch, noise = step.draw(dataset.train_images, config.training, number, trained.learner.latent)
        rate = 0.5 * optimizers.learning_rate(config.optimizer, number / total)
        step.advance(trained.learner, optimizer, weights, batch, noise, rate)
    return replace(trained, parameters=weights)


def on_chip(trained: Trained, errors: NeuronSettings) -> Trained:
    """Return `trained` on the neurons of one chip."""
    assert isinstance(trained.learner, EquilibriumPropagation)
    vae = trained.learner.vae
    learner = replace(trained.learner, vae=vae.on_neurons(errors.draw(vae.networks)))
    return replace(trained, learner=learner, folder=None)  # whose kept priors are of perfect neurons


def kinds_of(options, spreads: list[float], chips: int) -> tuple[str, list[tuple[float, NeuronSettings]]]:
    """Return what differs, and each size of it with the neurons of each chip."""
    if options.limits:
        return "limit", [(limit, NeuronSettings(limit=limit)) for limit in options.limits]
    seeds = range(chips)
    if options.pulls:
        return "pull", [(pull, NeuronSettings(pull=pull, seed=seed)) for pull in options.pulls for seed in seeds]
    made = [(one, NeuronSettings(gain=one, offset=one / 3, leak=one, seed=seed)) for one in spreads for seed in seeds]
    return "spread", made


def main() -> None:
    """Judge, tune, judge again, print, and keep."""
    asked = harness.parser(__doc__)
    asked.add_argument("--spreads", type=float, nargs="+", default=[0.02, 0.05, 0.1, 0.2])
    asked.add_argument("--limits", type=float, nargs="+")
    asked.add_argument("--pulls", type=float, nargs="+")
    asked.add_argument("--chips", type=int, default=3)
    asked.add_argument("--epochs", type=int, default=2)
    options = asked.parse_args()
    spreads, chips, epochs = (options.spreads, options.chips, options.epochs)
    if options.quick:
        spreads, chips, epochs = [0.1], 1, 1
    name, kinds = kinds_of(options, spreads, chips)
    trained = loading.load(options.run)
    dataset = images.load(trained.config.data)
    count = 60 if options.quick else len(dataset.test_images)
    rows = []
    for size, errors in [(0.0, NeuronSettings()), *kinds]:
        chip = on_chip(trained, errors)
        row = {name: size, "chip": errors.seed, "as programmed": judged(chip, dataset, count)}
        try:
            row["after learning on it"] = judged(tuned(chip, dataset, epochs), dataset, count)
        except HopbarError as error:
            row["after learning on it"] = {"failed": f"{type(error).__name__}: {error}"[:200]}
        rows.append(row)
        print(json.dumps(row), flush=True)
    found = harness.report(
        f"neurons-{name}-{options.run.name}", _means(rows, name), {}, seed=0, quick=options.quick,
        notes=f"{count} images; learning on the chip: {epochs} epochs at half the rate; means over "
        f"{1 if options.limits else chips} chips",
        extra={"rows": rows},
    )  # fmt: skip
    if options.json:
        print(json.dumps(found))


def _means(rows: list[dict], name: str) -> dict[str, float]:
    """Return mean distances of what is generated, by spread or limit (`name`) and time."""
    found = {}
    for size in dict.fromkeys(row[name] for row in rows):
        for when in ("as programmed", "after learning on it"):
            values = [row[when].get("frechet_distance", np.nan) for row in rows if row[name] == size]
            found[f"{size:g} {when}"] = float(np.mean(values))
    return found


if __name__ == "__main__":
    main()
