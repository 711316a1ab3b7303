"""From a training run to the chip that is exported, measured and verified."""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.chip import Chip, Conductances
from hvae.config.run import RunConfig
from hvae.config.toml_file import dump
from hvae.data.sets import Dataset
from hvae.models.hopfield import HopfieldVAE, Parameters

_EXAMPLES = 20


def make_chip(
    config: RunConfig, vae: HopfieldVAE, parameters: Parameters, dataset: Dataset, step: int,
    conductances: Mapping[str, Conductances] | None = None,
) -> Chip:  # fmt: skip
    """Return the chip of `vae` with its trained weights and devices, and a few validation images to try it on."""
    rows, columns, channels = config.data.shape
    return Chip(
        model=config.model.name,
        networks=vae.networks,
        weights={name: parameters[name] for name in vae.networks},
        sigma=vae.sigma,
        image_shape=(rows, columns) if channels == 1 else (rows, columns, channels),
        examples=dataset.validation_images[:_EXAMPLES],
        conductances=conductances or {},
        provenance={"step": str(step), "seed": str(config.training.seed), "config": dump(config)},
    )
