"""An array whose converters are known by their bits: the devices decide the range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossbar.api.settings import Conversion, output_converter
from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.hopfield.network import Network


def build(
    network: Network, weights: np.ndarray, config: ArrayConfig, adc: Conversion, seed: np.random.SeedSequence
) -> CrossbarArray:
    """Return an array of `weights` (N, N), [source, target], with the converter that `adc` asks for.

    Bits alone take the range max_j sum_i |W_ij| over the targets j, of the devices as first written: those of an array
    that is made alike, without ADC. Signals in [-1, 1] cannot pass it.
    """
    largest = 0.0
    if isinstance(adc, int | np.integer) and not isinstance(adc, bool):
        drawn = CrossbarArray.from_weights(network, weights, config, np.random.default_rng(seed)).weights()
        largest = float(np.abs(drawn).sum(0, dtype=np.float64).max())
    config = replace(config, adc=output_converter(adc, largest))
    return CrossbarArray.from_weights(network, weights, config, np.random.default_rng(seed))
