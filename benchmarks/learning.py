"""What lets a tied Hopfield VAE learn: neurons, preconditioning and optimizers, side by side on one small network.

    python benchmarks/learning.py [--epochs 5] [--only ROW ...] [--quick] [--json]

Every row trains 400 hidden and 16 latent neurons on the 4,000 images of mnist-5k, all alike but for what the row says,
from one seed. It is judged on 1,000 validation images, encoded and decoded from mu, beside PCA with 16 components. A
row that diverges says so. Each is kept as soon as it is there; rows of the same commit are not made again.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import harness
import numpy as np

from crossbar.errors import DivergedError
from hvae.baselines import pca
from hvae.config import toml_file
from hvae.config.run import RunConfig
from hvae.learning import costs, learners, optimizers
from hvae.learning.stiffness import smallest_eigenvalues
from hvae.runs import images
from hvae.scores import codes, distances, features
from hvae.streams import stream
from hvae.training import step

BASE = (
    "data.name=mnist-5k", "model.hidden=400", "model.latent=16", "model.sigma=0.2", "model.latent_neuron=linear",
    "training.batch_size=100", "training.beta_kl=0.05", "nudging.tolerance=0.1", "optimizer.name=muon",
    "optimizer.learning_rate=0.005", "optimizer.momentum=0.8", "optimizer.warmup=0.05",
)  # fmt: skip
SGD = ("optimizer.name=sgd", "optimizer.momentum=0.9", "optimizer.centring=0.99", "optimizer.latent_rate=0.3")
ADAM = ("optimizer.name=adam", "optimizer.momentum=0")
PAPER = "model.latent_neuron=sigmoid"
ROWS: dict[str, tuple[str, ...]] = {
    "all of it": (),
    "SGD, centred, rate 0.06, batches of 50": (*SGD, "optimizer.learning_rate=0.06", "training.batch_size=50"),
    "SGD, centred, rate 0.06": (*SGD, "optimizer.learning_rate=0.06"),
    "SGD, plain, rate 0.01": (*SGD, "optimizer.centring=0", "optimizer.learning_rate=0.01"),
    "Adam 0.002": (*ADAM, "optimizer.learning_rate=0.002"),
    "Adam 0.004": (*ADAM, "optimizer.learning_rate=0.004"),
    "the paper's latents": (PAPER,),
    "the paper's latents, its beta_KL and sigma": (PAPER, "training.beta_kl=1.9", "model.sigma=0.429"),
    "soft latents, gain 0.5": (PAPER, "model.latent_gain=0.5"),
    "linear pixels too": ("model.pixel_neuron=linear",),
    "classical hidden neurons": ("model.hidden_neuron=classical",),
    "rate 0.0025": ("optimizer.learning_rate=0.0025",),
    "rate 0.01": ("optimizer.learning_rate=0.01",),
    "rate 0.02": ("optimizer.learning_rate=0.02",),
    "without momentum": ("optimizer.momentum=0",),
    "momentum 0.9": ("optimizer.momentum=0.9",),
    "momentum 0.95": ("optimizer.momentum=0.95",),
    "centred too": ("optimizer.centring=0.9",),
    "weight decay 1": ("optimizer.weight_decay=1.0",),
    "without warm-up": ("optimizer.warmup=0",),
    "batches of 50": ("training.batch_size=50",),
    "batches of 200": ("training.batch_size=200",),
    "beta_KL 0.2": ("training.beta_kl=0.2",),
    "beta_KL 0.02": ("training.beta_kl=0.02",),
    "sigma 0.1": ("model.sigma=0.1",),
    "sigma 0.4": ("model.sigma=0.4",),
    "settled to 1e-2": ("settling.tolerance=1e-2",),
    "settled to 1e-4, responses to 1e-3": (
        "settling.tolerance=1e-4", "nudging.tolerance=1e-3", "nudging.max_sweeps=200",
    ),
    "250 hidden neurons": ("model.hidden=250",),
}  # fmt: skip
"""Settings by row."""

BETA_KL = {"beta_KL from 1 down to 0.05": (1.0, 0.05)}
"""Rows whose beta_KL moves linearly over the first half of the steps."""

AVERAGED = {"averaged weights": 0.99}
"""Rows that are judged by a running mean of their weights, with what a step keeps of it."""

JUDGED = 1000


def trained(name: str, epochs: int) -> dict[str, object]:
    """Return what the run of the row `name` finds."""
    settings = ROWS.get(name, ())
    config = toml_file.resolve("tdh-vae", [], (*BASE, *settings, f"training.epochs={epochs}"))
    dataset = images.load(config.data)
    learner = learners.make(config)
    optimizer = optimizers.make(config.optimizer, learner.blocks())
    parameters = learner.init(stream(config.training.seed, "init"), np.float32)
    an_epoch = step.per_epoch(len(dataset.train_images), config.training.batch_size)
    curve, started = [], time.process_time()
    kept = AVERAGED.get(name, 0.0)
    mean = {net: array.copy() for net, array in parameters.items()}
    for number in range(an_epoch * epochs):
        batch, noise = step.draw(dataset.train_images, config.training, number, learner.latent)
        rate = optimizers.learning_rate(config.optimizer, number / (an_epoch * epochs))
        if name in BETA_KL:
            learner = learners.make(_with_beta_kl(config, *BETA_KL[name], number / (an_epoch * epochs)))
        try:
            metrics = step.advance(learner, optimizer, parameters, batch, noise, rate)
        except DivergedError as error:
            return {"diverged_at_step": number + 1, "why": str(error)[:200], "curve": curve}
        for net, array in parameters.items():
            mean[net] += (1 - kept) * (array - mean[net])
        if number % 20 == 19:
            curve.append([number + 1, metrics["sse_half"], metrics["kl"]])
    seconds = time.process_time() - started
    return judged(learner, mean, dataset) | {
        "processor_seconds": seconds, "encoder_sweeps": metrics["encoder_sweeps"],
        "decoder_sweeps": metrics["decoder_sweeps"], "unsettled": metrics["unconverged"], "curve": curve,
    }  # fmt: skip


def _with_beta_kl(config: RunConfig, first: float, last: float, progress: float) -> RunConfig:
    now = first + (last - first) * min(1.0, 2 * progress)
    return replace(config, training=replace(config.training, beta_kl=now))


def judged(learner, parameters, dataset) -> dict[str, object]:
    """Return losses from mu, what the code is, the distance of reconstructions, and how soft the decoder is."""
    held = dataset.validation_images[:JUDGED]
    mean, log_variance = learner.encode(parameters, held)
    output = learner.decode(parameters, mean)
    net = features.net_of(dataset.name)
    real, fake = (distances.moments(net.extract(images.enlarge(some))) for some in (held, output))
    return {
        "validation_sse_half": float(costs.sse_half(output, held).mean()),
        "reconstruction_distance": distances.frechet_distance_of_moments(fake, real),
        "smallest_eigenvalue": float(smallest_eigenvalues(learner, parameters, held[:4]).min()),
        **codes.described(mean, log_variance),
    }


def yardstick(dataset_name: str, latent: int) -> dict[str, float]:
    """Return the same of principal components."""
    dataset = images.load(toml_file.resolve("tdh-vae", [], (f"data.name={dataset_name}",)).data)
    held = dataset.validation_images[:JUDGED]
    code = pca.fit(dataset.train_images, latent)
    output = code.decode(code.parameters, code.encode(code.parameters, held)[0])
    net = features.net_of(dataset.name)
    real, fake = (distances.moments(net.extract(some)) for some in (held, output))
    return {
        "validation_sse_half": float(costs.sse_half(output, held).mean()),
        "reconstruction_distance": distances.frechet_distance_of_moments(fake, real),
    }


def main() -> None:
    """Make the rows, print them, and keep each."""
    asked = harness.parser(__doc__, of_a_run=False)
    asked.add_argument("--epochs", type=int, default=5)
    asked.add_argument("--only", nargs="+", choices=[*ROWS, *BETA_KL, *AVERAGED], metavar="ROW", help="of all rows")
    options = asked.parse_args()
    names = options.only or (["all of it", "Adam 0.002"] if options.quick else [*ROWS, *BETA_KL, *AVERAGED])
    epochs = 1 if options.quick else options.epochs
    kept = harness.RESULTS / "learning.json"
    before = _kept(kept, epochs) if not options.quick else {}
    rows = {name: row for name, row in before.items() if name not in (options.only or ())}
    figures = {"pca_16": yardstick("mnist-5k", 16)["validation_sse_half"]}
    for name in names:
        if name not in rows:
            rows[name] = trained(name, epochs) | {"settings": ROWS.get(name, ())}
        shown = {key: value for key, value in rows[name].items() if key not in {"curve", "settings"}}
        print(json.dumps({name: shown}), flush=True)
        figures |= {key: row.get("validation_sse_half") for key, row in rows.items()}
        found = harness.report(
            "learning", figures, {"all of it": figures["pca_16"]}, seed=0, quick=options.quick,
            notes="SSE/2 from mu on 1,000 validation images; targets: PCA with 16 components",
            extra={"epochs": epochs, "base": BASE, "pca": yardstick("mnist-5k", 16), "rows": rows},
        )  # fmt: skip
    if options.json:
        print(json.dumps(found))


def _kept(path: Path, epochs: int) -> dict[str, dict]:
    """Return the rows of an earlier call at this commit and with as many epochs."""
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found["rows"] if found["commit"] == harness.commit() and found["epochs"] == epochs else {}


if __name__ == "__main__":
    main()
