"""A trained chip written to devices: the scale of each array, then write-verify."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.construction import hardware
from crossbar.chip import Chip, Conductances
from crossbar.devices.stuck_map import StuckMap
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import ProgrammingReport, write_verify
from crossbar.programming.write_verify import WriteVerify

PILOT = 64  # rows and columns of the array that scales are tried on
FINEST = 16  # scales that are tried, each a factor of sqrt(2) finer than the last

Scale = Callable[[np.ndarray, ArrayConfig, WriteVerify, np.random.Generator], ArrayConfig]


def given_scale(
    weights: np.ndarray, config: ArrayConfig, settings: WriteVerify, rng: np.random.Generator
) -> ArrayConfig:
    """Return `config` as it is: its own `weight_limit`, `siemens_per_weight` or `weight_coverage` decides."""
    del weights, settings, rng
    return config


def best_scale(
    weights: np.ndarray, config: ArrayConfig, settings: WriteVerify, rng: np.random.Generator
) -> ArrayConfig:
    """Return `config` with the `weight_limit` at which these devices hold `weights` (N, N) best.

    A range that holds the largest weight wastes its resolution on a few; a smaller one clips them. The least of
    E |W_programmed - W|^2 lies between, and where it lies depends on the device: its steps, noise, spread of bounds,
    faults, the tolerance of verification. So each of the limits max |W| 2^(-k/2), k = 0, 1, ..., down to the median
    weight, is tried on the same pilot array of 64 x 64 weights, drawn from `weights` with a probability
    p = (1/n + w^2 / sum w^2) / 2, so that the rare large ones are among them; the error is estimated by weighting each
    with 1/p. Of equal errors the larger limit wins. A scale given in `config` is left alone.
    """
    sizes = np.abs(weights[weights != 0].astype(np.float64))
    given = config.weight_limit is not None or config.siemens_per_weight is not None or config.weight_coverage < 1
    if given or not sizes.size:
        return config
    chosen, share = _pilot(sizes, rng)
    signed = np.where(rng.random(chosen.shape) < 0.5, -chosen, chosen)
    limits = sizes.max() * 2.0 ** (-0.5 * np.arange(FINEST))
    limits = limits[limits >= np.median(sizes)]
    seed = int(rng.integers(2**63))
    errors = [
        float(np.mean(_miss(signed, replace(config, weight_limit=limit), settings, seed) ** 2 / share))
        for limit in limits.tolist()
    ]
    return replace(config, weight_limit=float(limits[int(np.argmin(errors))]))


def no_map(network: str) -> StuckMap | None:
    """Return that no device of `network` is known to be stuck."""
    del network
    return None


def device_error(config: ArrayConfig, settings: WriteVerify, rng: np.random.Generator) -> float:
    """Return the root mean square miss of one programmed weight, as a fraction of the weight that fills the range.

    Of a pilot array of 64 x 64 weights, evenly spread over the range and written by write-verify.
    """
    sample = rng.uniform(-1, 1, (PILOT, PILOT))
    missed = _miss(sample, replace(config, weight_limit=1.0), settings, int(rng.integers(2**63)))
    return float(np.sqrt(np.mean(missed**2)))


def program_chip(
    chip: Chip,
    config: ArrayConfig,
    settings: WriteVerify,
    rng: np.random.Generator,
    scale: Scale = best_scale,
    stuck: Callable[[str], StuckMap | None] = no_map,
) -> tuple[Chip, dict[str, ProgrammingReport]]:
    """Return `chip` with its networks written to devices, and a report for each network.

    Every device starts at its own zero. `scale` says what each network's range holds: `best_scale` tries, `given_scale`
    takes what `config` says. `stuck` names the devices of a network that are known to be stuck.

    Raises
    ------
    InvalidValue, UnknownName
        A configuration that does not fit, an unknown device.
    """
    name = hardware(config).name
    programmed, reports = {}, {}
    for network, topology in chip.networks.items():
        weights: np.ndarray = np.asarray(chip.weights[network], config.kind)
        if network not in chip.conductances:  # symmetric but for rounding, as `Chip` has checked: now to the last bit
            weights = (weights + weights.T) / 2
        own = scale(weights, config, settings, rng)
        own = replace(own, faults=replace(own.faults, stuck_map=stuck(network)))
        array = CrossbarArray.from_weights(topology, weights, own, rng)
        array.write(np.zeros_like(weights), rng)
        report = write_verify(array, weights, settings, rng)
        plus, minus = array.conductances()
        programmed[network] = Conductances(
            plus=plus, minus=minus, siemens_per_weight=array.mapping.siemens_per_weight, device=name,
            report=report.as_dict(),
        )  # fmt: skip
        reports[network] = report
    return replace(chip, conductances=programmed), reports


def _pilot(sizes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return sizes (64, 64) drawn by importance, and how much more often than evenly each was drawn."""
    odds = 0.5 + 0.5 * sizes**2 / np.mean(sizes**2)
    places = np.searchsorted(np.cumsum(odds), odds.sum() * rng.random((PILOT, PILOT)))
    places = np.minimum(places, len(sizes) - 1)
    return sizes[places], odds[places]


def _miss(sample: np.ndarray, config: ArrayConfig, settings: WriteVerify, seed: int) -> np.ndarray:
    """Return by how much devices of `config`, drawn from `seed`, miss the weights of the pilot array."""
    network = Network((("rows", PILOT), ("columns", PILOT)), "layered")
    weights: np.ndarray = np.zeros((network.size,) * 2, config.kind)
    weights[:PILOT, PILOT:] = sample
    rng = np.random.default_rng(seed)
    alone = replace(config, symmetry="one-way", tile_size=None, wire_resistance=0.0)
    array = CrossbarArray.from_weights(network, weights, alone, rng)
    array.write(np.zeros_like(weights), rng)
    write_verify(array, weights, settings, rng)
    return (array.weights() - weights)[:PILOT, PILOT:]
