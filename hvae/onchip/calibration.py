"""Converters calibrated from data: the range that an ADC needs for the sums that images bring.

An ADC of b bits has steps of its range over 2^(b-1) - 1: a range that is twice too wide costs a bit, one that is too
small cuts sums off. So the range is that which holds nearly all sums at the equilibria of a few images, both roles,
tile by tile, on the weights that are to be programmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crossbar.arrays.reads import product
from crossbar.arrays.tiles import by_target, origins, partial_sums
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network, Patch, Role
from hvae.config.array import FROM_DATA
from hvae.config.run import RunConfig
from hvae.learning.learners import make_hopfield
from hvae.models.hopfield import Parameters
from hvae.onchip.reads import joined_patches

COVERED = 0.9999  # share of the sums that the range holds
IMAGES = 64


def calibrated(config: RunConfig, parameters: Parameters | None, images: np.ndarray) -> RunConfig:
    """Return `config` with `array.adc_range` found from `images` (n, pixels), where it asks for that.

    Parameters
    ----------
    parameters : dict of str to ndarray, or None
        Trained weights, by network.

    Raises
    ------
    InvalidValue
        There are no trained weights: those of a training to come are not known.
    """
    if config.array.adc_range != FROM_DATA:
        return config
    if parameters is None:
        raise InvalidValue(
            "`array.adc_range` 'data' needs trained weights, whose sums can be looked at: begin with --start RUN, or "
            "give a number"
        )
    found = adc_range(config, parameters, images[:IMAGES])
    return replace(config, array=replace(config.array, adc_range=found))


def adc_range(config: RunConfig, parameters: Parameters, images: np.ndarray) -> float:
    """Return the range, in units of weight times signal, that holds `COVERED` of all sums, to three digits."""
    learner = make_hopfield(config)
    vae, images = learner.vae, images.astype(next(iter(parameters.values())).dtype)
    encoded = learner.settle_encoder(parameters, images).states
    z, _ = vae.read_latents(encoded)
    decoded = learner.settle_decoder(parameters, z).states
    size = config.array.tile_size
    sums = [
        _sums(parameters[vae.encoder], vae.networks[vae.encoder], vae.encode_role, encoded, images, size),
        _sums(parameters[vae.decoder], vae.networks[vae.decoder], vae.decode_role, decoded, z, size),
    ]
    largest = float(np.quantile(np.concatenate(sums), COVERED))
    return float(f"{max(largest, 1e-6):.3g}")


def _sums(
    weights: np.ndarray, network: Network, role: Role, states: np.ndarray, inputs: np.ndarray, size: int | None
) -> np.ndarray:
    """Return the magnitudes of what the ADCs of one role see, flat."""
    signals = np.concatenate([role.free_neurons.signals(states), role.held_neurons.signals(inputs)], axis=1)
    found = [np.abs(product(weights, signals, piece)).ravel() for piece in _pieces(network, role, size)]
    return np.concatenate(found)


def _pieces(network: Network, role: Role, size: int | None) -> list[Sequence[Patch]]:
    starts = origins(network)
    return [piece for group in by_target(joined_patches(role)) for piece in partial_sums(group, size, starts)]
