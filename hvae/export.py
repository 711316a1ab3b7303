"""From a training run to the chip that is exported, measured and verified."""

from __future__ import annotations

from crossbar.chip import Chip
from hvae.config import RunConfig
from hvae.config_file import dump
from hvae.datasets import Dataset
from hvae.model import HopfieldVAE, Parameters

_EXAMPLES = 20


def make_chip(config: RunConfig, vae: HopfieldVAE, parameters: Parameters, dataset: Dataset, step: int) -> Chip:
    """Return the chip of `vae` with its trained weights, and a few validation images to try it on."""
    side = config.data.image_size
    return Chip(
        model=config.model.name,
        networks=vae.networks,
        weights={name: parameters[name] for name in vae.networks},
        gain=vae.gain,
        sigma=vae.sigma,
        image_shape=(side, side),
        examples=dataset.validation_images[:_EXAMPLES],
        provenance={"step": str(step), "seed": str(config.training.seed), "config": dump(config)},
    )
