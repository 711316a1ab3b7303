"""How much memory a training takes at least: told before anything is allocated."""

from __future__ import annotations

from crossbar import memory
from hvae.config.run import RunConfig

COPIES = {"adam": 4, "sgd": 2, "muon": 4}
"""Arrays as large as the weights: weights, gradient, and Adam's two moments, or Muon's velocity and direction."""
CHIP_COPIES = 6  # two planes, bounds and steps of their devices, weights, contrast


def n_weights(config: RunConfig) -> int:
    """Return the number of weights that are stored: of a Hopfield network all N^2, W is symmetric and full."""
    model, pixels = config.model, config.data.n_pixels
    if model.name == "f-vae":
        return model.hidden * (2 * pixels + 3 * model.latent)
    outputs = (1,) if model.name == "tdh-vae" else (1, 2)  # a decoder and an encoder of twice the outputs
    return sum((pixels + model.hidden + factor * model.latent) ** 2 for factor in outputs)


def least(config: RunConfig) -> int:
    """Return the bytes that a training of `config` takes at least: weights, gradient, optimizer."""
    item = 4 if config.training.precision == "float32" else 8
    copies = COPIES[config.optimizer.name] if config.array.device is None else CHIP_COPIES
    return item * copies * n_weights(config)


def check(config: RunConfig) -> None:
    """Refuse a model that this machine's memory cannot hold.

    Raises
    ------
    InvalidValue
        The estimate is above the memory there is.
    """
    model = config.model
    what = f"a training of {model.name} with model.hidden={model.hidden} and model.latent={model.latent}"
    memory.refuse_beyond(least(config), what, "choose a smaller `model.hidden` or `model.latent`")
