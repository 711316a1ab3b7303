"""A trained chip written to devices: the scale of each array, then write-verify."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

import numpy as np

from crossbar.array_fields import LineGains
from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.construction import hardware
from crossbar.chip import Chip, Conductances
from crossbar.devices.line_gains import KINDS, equal, gains_of
from crossbar.devices.stuck_map import StuckMap
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import ProgrammingReport, write_verify
from crossbar.programming.write_verify import WriteVerify

PILOT = 64  # rows and columns of the array that scales are tried on
FINEST = 16  # scales that are tried, each a factor of sqrt(2) finer than the last,
COARSER = 2  # and that many above the largest weight

BEST: Final = "best"
"""Gains of lines that are chosen by `best_gains`."""


class Scale(Protocol):
    """How much weight the range of a device stands for."""

    def __call__(
        self,
        weights: np.ndarray,
        config: ArrayConfig,
        settings: WriteVerify,
        rng: np.random.Generator,
        gains: np.ndarray | None = None,
        /,
    ) -> ArrayConfig:
        """Return `config` with a scale."""
        ...


def given_scale(
    weights: np.ndarray,
    config: ArrayConfig,
    settings: WriteVerify,
    rng: np.random.Generator,
    gains: np.ndarray | None = None,
) -> ArrayConfig:
    """Return `config` as it is: its own `weight_limit`, `siemens_per_weight` or `weight_coverage` decides."""
    del weights, settings, rng, gains
    return config


def best_scale(
    weights: np.ndarray,
    config: ArrayConfig,
    settings: WriteVerify,
    rng: np.random.Generator,
    gains: np.ndarray | None = None,
) -> ArrayConfig:
    """Return `config` with the `weight_limit` at which these devices hold `weights` (N, N) best.

    A range that holds the largest weight wastes its resolution on a few; a smaller one clips them. The least of
    E |W_programmed - W|^2 lies between, and where it lies depends on the device: its steps, noise, spread of bounds,
    faults, the tolerance of verification. So each of the limits max |W| 2^(-k/2), k = -2, -1, 0, ..., down to the
    median weight, is tried (beyond the largest weight for devices whose own bounds spread). All are tried on the same
    pilot array of 64 x 64 weights, drawn from `weights` with a probability p = (1/n + w^2 / sum w^2) / 2, so that the
    rare large ones are among them; the error is estimated by weighting each with 1/p. Of equal errors the larger limit
    wins, but none beyond the largest weight. A scale given in `config` is left alone. Where lines have `gains` (N,),
    `weights` are those of the devices, and a miss counts d_i d_j.
    """
    if _scale_given(config) or not weights.any():
        return config
    pilot = _Pilot.draw(weights, equal(weights) if gains is None else gains, rng)
    limits = pilot.largest * 2.0 ** (-0.5 * np.r_[:FINEST, -COARSER:0])
    limits = limits[limits >= pilot.median]
    errors = [pilot.error(replace(config, weight_limit=limit), settings) for limit in limits.tolist()]
    return replace(config, weight_limit=float(limits[int(np.argmin(errors))]))


def best_gains(
    weights: np.ndarray, config: ArrayConfig, settings: WriteVerify, rng: np.random.Generator, scale: Scale
) -> LineGains:
    """Return which of `crossbar.devices.line_gains.KINDS` lets these devices hold `weights` (N, N) best.

    Each is tried on a pilot array, at the scale that `scale` finds for it; see `best_scale`.
    """
    errors = {}
    for kind, way in KINDS.items():
        gains = way(weights)
        held = weights / np.outer(gains, gains)
        own = scale(held, config, settings, rng, gains)
        errors[kind] = _Pilot.draw(held, gains, rng).error(own, settings) if weights.any() else 0.0
    return min(errors, key=lambda kind: errors[kind])


def _scale_given(config: ArrayConfig) -> bool:
    return config.weight_limit is not None or config.siemens_per_weight is not None or config.weight_coverage < 1


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
    line_gains: LineGains | Literal["best"] = "equal",
) -> tuple[Chip, dict[str, ProgrammingReport]]:
    """Return `chip` with its networks written to devices, and a report for each network.

    Every device starts at its own zero. `scale` says what each network's range holds: `best_scale` tries, `given_scale`
    takes what `config` says. `stuck` names the devices of a network that are known to be stuck. `line_gains` are one of
    `crossbar.devices.line_gains.KINDS`, or "best": the one that errs least, see `best_gains`; a limit or scale of
    `config` is then of weights over the two gains of their lines.

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
        kind = best_gains(weights, config, settings, rng, scale) if line_gains == BEST else line_gains
        gains = gains_of(kind)(weights)
        own = scale(weights / np.outer(gains, gains), config, settings, rng, gains)
        own = replace(own, line_gains=kind, faults=replace(own.faults, stuck_map=stuck(network)))
        array = CrossbarArray.from_weights(topology, weights, own, rng)
        array.write(np.zeros_like(weights), rng)
        reports[network] = write_verify(array, weights, settings, rng)
        plus, minus = array.conductances()
        programmed[network] = Conductances(
            plus=plus, minus=minus, siemens_per_weight=array.mapping.siemens_per_weight, device=name,
            report=reports[network].as_dict(), gains=array.gains,
        )  # fmt: skip
    return replace(chip, conductances=programmed), reports


@dataclass(frozen=True, kw_only=True)
class _Pilot:
    """Weights drawn by importance, for an array of 64 x 64 on which scales are tried.

    Attributes
    ----------
    sample : ndarray (64, 64)
        With random signs.
    share : ndarray (64, 64)
        What each counts: how much less often than evenly it was drawn, times the squares of its lines' gains.
    largest, median : float
        Of all sizes that are not zero.
    seed : int
    """

    sample: np.ndarray
    share: np.ndarray
    largest: float
    median: float
    seed: int

    @classmethod
    def draw(cls, weights: np.ndarray, gains: np.ndarray, rng: np.random.Generator) -> _Pilot:
        """Return a pilot of `weights` (N, N) behind lines of `gains` (N,)."""
        held = weights != 0
        sizes = np.abs(weights[held].astype(np.float64))
        harm = np.outer(gains, gains)[held] ** 2
        odds = 0.5 + 0.5 * sizes**2 * harm / np.mean(sizes**2 * harm)
        places = np.searchsorted(np.cumsum(odds), odds.sum() * rng.random((PILOT, PILOT)))
        places = np.minimum(places, len(sizes) - 1)
        chosen = sizes[places]
        return cls(
            sample=np.where(rng.random(chosen.shape) < 0.5, -chosen, chosen), share=harm[places] / odds[places],
            largest=float(sizes.max()), median=float(np.median(sizes)), seed=int(rng.integers(2**63)),
        )  # fmt: skip

    def error(self, config: ArrayConfig, settings: WriteVerify) -> float:
        """Return the mean squared miss of a weight on devices of `config`."""
        return float(np.mean(_miss(self.sample, config, settings, self.seed) ** 2 * self.share))


def _miss(sample: np.ndarray, config: ArrayConfig, settings: WriteVerify, seed: int) -> np.ndarray:
    """Return by how much devices of `config`, drawn from `seed`, miss the weights of the pilot array."""
    network = Network((("rows", PILOT), ("columns", PILOT)), "layered")
    weights: np.ndarray = np.zeros((network.size,) * 2, config.kind)
    weights[:PILOT, PILOT:] = sample
    rng = np.random.default_rng(seed)
    alone = replace(config, symmetry="one-way", tile_size=None, wire_resistance=0.0, line_gains="equal")
    array = CrossbarArray.from_weights(network, weights, alone, rng)
    array.write(np.zeros_like(weights), rng)
    write_verify(array, weights, settings, rng)
    return (array.weights() - weights)[:PILOT, PILOT:]
