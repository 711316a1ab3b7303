"""How good the gradient is that a chip's devices receive: its cosine to the exact one, by block and by cause.

The exact gradient is eq. (5) in the limit beta -> 0 at converged equilibria of the symmetric part of the weights that
the devices hold, in float64, no sample's contrast shortened. Every cause is then switched on alone:

- ``unsettled``: the chip's own way of running phases, its steps, its beta and `nudging.norm_limit`, on exact weights
  and exact reads;
- ``read noise``: the same with the noise of devices and outputs;
- ``quantization``: the same with DAC and ADC;
- ``symmetry breaking``: the same on the weights that the devices really hold, W != W^T;
- ``asymmetry``: the exact signals, every device taking its own step at its own state, without chance;
- ``saturation``: the exact changes, cut at each device's bounds;
- ``pulse noise``: the exact changes plus what chance (trains, cycle to cycle) adds to one update.

``realised`` is the change of the devices' weights by one pulsed batch, with all causes at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.pulsed_cells import PulsedCells
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.network import Network
from hvae.config.array import IDEAL, ArraySettings
from hvae.config.run import OptimizerConfig, RunConfig
from hvae.learning import unsettled
from hvae.learning.equilibrium import free_phase, gradient, nudged_phases
from hvae.learning.hopfield import EquilibriumPropagation, batch_metrics
from hvae.learning.nudging import LinearResponseNudging
from hvae.models.hopfield import Parameters
from hvae.onchip.chip import MEAN, RESPONSE, OnChip, make_onchip
from hvae.onchip.pulses import wanted_change
from hvae.onchip.settling import make_way
from hvae.streams import stream

STATE_CAUSES: Mapping[str, tuple[str, ...]] = {
    "unsettled": (),
    "read noise": ("read_noise", "read_noise_relative", "spectrum", "correlation_reads", "output_noise"),
    "cells": ("cell_v0",),
    "quantization": ("dac_bits", "adc_bits", "adc_range", "tile_size"),
}
"""Causes that act on the states, and the settings that make them."""

TRIED = 2**31 + 1  # the "device" stream of pulses that are only tried: 0 draws the devices, a step k its own pulses

Changes = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class GradientQuality:
    """Cosines to the exact gradient.

    Attributes
    ----------
    causes : dict of str to dict of str to float
        Cosine by cause, then by network and block pair; ``all`` stands for a whole network.
    errors : dict of str to float
        |estimate - exact| / |exact| over all networks, by cause, the estimate scaled to fit best.
    way : str
        How phases were run.
    batch : int
    """

    causes: dict[str, dict[str, float]]
    errors: dict[str, float]
    way: str
    batch: int

    def as_dict(self) -> dict[str, object]:
        """Return everything by name."""
        return {"way": self.way, "batch": self.batch, "cosine": self.causes, "relative_error": self.errors}


def gradient_quality(chip: OnChip, images: np.ndarray, *, rate: float, seed: int = 0) -> GradientQuality:
    """Return how well `chip` follows the exact gradient on the batch `images` (batch, pixels).

    Parameters
    ----------
    rate : float
        Learning rate of the update that is tried; small rates make few pulses, and so more noise.
    seed : int
        Of the latents and of the pulses. The chip is left as it was.
    """
    kind = next(iter(chip.arrays.values())).config.kind
    noise = stream(seed, "latent").standard_normal((len(images), chip.latent))
    weights = chip.weights()
    exact, signals = exact_gradient(chip, weights, images, noise)
    batch: np.ndarray = images.astype(kind)
    draws: np.ndarray = noise.astype(kind)
    found = {name: state_cause(chip, weights, name, batch, draws) for name in STATE_CAUSES}
    tied = all(np.array_equal(w, w.T) for w in weights.values())
    found["symmetry breaking"] = found["unsettled"]
    if not tied:
        found["symmetry breaking"] = estimate(chip, weights, {}, batch, draws, symmetric=False)
    found |= pulse_causes(chip, signals, rate / len(images), seed)
    before = {name: array.state_dict() for name, array in chip.arrays.items()}
    found["realised"] = realised(chip, batch, draws, rate, seed)
    for name, array in chip.arrays.items():
        array.load_state(before[name])
    causes = {name: cosines(chip.vae.networks, changes, exact) for name, changes in found.items()}
    errors = {name: relative_error(changes, exact) for name, changes in found.items()}
    return GradientQuality(causes=causes, errors=errors, way=chip.way_name, batch=len(images))


def exact_gradient(chip: OnChip, weights: Parameters, images: np.ndarray, noise: np.ndarray) -> tuple[Changes, Changes]:
    """Return minus the exact gradient (N, N) of each network, and R and S as `OnChip.gradients` names them.

    Raises
    ------
    UnsettledError
        More samples than `settling.max_unsettled` found no equilibrium, so that the gradient is not exact.
    """
    ideal = EquilibriumPropagation(
        vae=chip.vae, solver=ConjugateGradient(tolerance=1e-8, max_sweeps=3000),
        nudging=LinearResponseNudging(solver=LinearResponse(tolerance=1e-6, max_sweeps=1000)),
        beta_kl=chip.ideal.beta_kl, norm_limit=np.inf,
    )  # fmt: skip
    symmetric = {name: ((w + w.T) / 2).astype(np.float64) for name, w in weights.items()}
    on_arrays = replace(chip, ideal=ideal, arrays={}, way=None)
    couplings = ideal.couplings(symmetric)
    images, noise = images.astype(np.float64), noise.astype(np.float64)
    free = free_phase(chip.vae, couplings, images, noise, ideal.solver)
    nudged = nudged_phases(chip.vae, free, images, noise, ideal.nudging, beta_kl=ideal.beta_kl)
    went = batch_metrics(free, nudged, images)
    shares = {
        "samples of the exact gradient did not settle": went["unconverged"],
        "its nudges failed": went["failed_nudges"],
    }
    unsettled.refuse(shares, chip.config.settling.max_unsettled)
    found = {name: -gradient(chip.vae.networks[name], nudged.contrasts[name], np.float64) for name in weights}
    return found, on_arrays.joined(on_arrays.widened(nudged), list(weights))


def state_cause(chip: OnChip, weights: Parameters, cause: str, images: np.ndarray, noise: np.ndarray) -> Changes:
    """Return the change that ideal devices would get if `cause` alone disturbed the states."""
    kept = {name: getattr(chip.config.array, name) for name in STATE_CAUSES[cause]}
    return estimate(chip, weights, kept, images, noise, symmetric=True)


def estimate(
    chip: OnChip,
    weights: Parameters,
    kept: Mapping[str, Any],
    images: np.ndarray,
    noise: np.ndarray,
    *,
    symmetric: bool,
) -> Changes:
    """Return minus the gradient that phases on ideal devices with the nonidealities `kept` estimate."""
    own = chip.config.array
    settings = ArraySettings(
        device=IDEAL, weight_limit=own.weight_limit, noisy_phases=own.noisy_phases, noisy_steps=own.noisy_steps,
        average_steps=own.average_steps, symmetry="shared" if symmetric else "two-device", on_off=own.on_off, **kept,
    )  # fmt: skip
    held = {name: (w + w.T) / 2 for name, w in weights.items()} if symmetric else weights
    limit = max(float(np.abs(w).max()) for w in held.values())
    config = replace(
        chip.config, array=replace(settings, weight_limit=max(limit, own.weight_limit)),
        optimizer=OptimizerConfig(name="sgd"),  # nothing is learned: an array takes no other
    )  # fmt: skip
    other = make_onchip(config, held)
    if chip.way_name == "stepped" and other.way_name != "stepped":
        other.way, other.way_name = make_way(config, "stepped"), "stepped"
    _, signals = other.gradients(held, images, noise)
    return changes_of(other, signals, 1 / len(images))


def pulse_causes(chip: OnChip, signals: Changes, rate: float, seed: int) -> dict[str, Changes]:
    """Return what devices make of the exact changes: by their own steps, by their bounds, by chance."""
    kind = next(iter(chip.arrays.values())).config.kind
    found: dict[str, Changes] = {"asymmetry": {}, "saturation": {}, "pulse noise": {}}
    rng = stream(seed, "device", TRIED)
    for name, array in chip.arrays.items():
        response: np.ndarray = signals[RESPONSE + name].astype(kind)
        mean: np.ndarray = signals[MEAN + name].astype(kind)
        wanted = wanted_change(array, response, mean, rate)
        own, cut = expected_change(array, wanted)
        found["asymmetry"][name], found["saturation"][name] = own, cut
        before, state = np.array(array.weights()), array.state_dict()
        array.update(response, mean, rate=rate, rng=rng)
        found["pulse noise"][name] = wanted + (array.weights() - before) - own
        array.load_state(state)
    return found


def expected_change(array: CrossbarArray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what `wanted` (N, N) becomes by each device's own steps, and by its bounds alone."""
    own, cut = np.zeros_like(wanted), np.zeros_like(wanted)
    held = array.to_devices(wanted)
    for cells in array.cells:
        rows, columns = cells.region.rows, cells.region.columns
        part = held[rows, columns]
        if not isinstance(cells, PulsedCells):
            stepped, bounded = part, part
        else:
            stepped, bounded = _by_devices(cells, part)
        for target, source in ((own, stepped), (cut, bounded)):
            target[rows, columns] = source
            if cells.region.shared and not cells.region.square:
                target[columns, rows] = source.T
    return array.to_weights(own), array.to_weights(cut)


def realised(chip: OnChip, images: np.ndarray, noise: np.ndarray, rate: float, seed: int) -> Changes:
    """Return what one batch changes of the devices' weights, everything included; the devices keep the change."""
    before = chip.weights()
    _, signals = chip.gradients({}, images, noise)
    rng = stream(seed, "device", 1)
    for name, array in chip.arrays.items():
        array.update(signals[RESPONSE + name], signals[MEAN + name], rate=rate / len(images), rng=rng)
    return {name: chip.arrays[name].weights() - before[name] for name in before}


def changes_of(chip: OnChip, signals: Changes, rate: float) -> Changes:
    """Return rate sum_b (R S^T + S R^T) of each network."""
    return {
        name: wanted_change(array, signals[RESPONSE + name], signals[MEAN + name], rate)
        for name, array in chip.arrays.items()
    }


def cosines(networks: Mapping[str, Network], changes: Changes, exact: Changes) -> dict[str, float]:
    """Return the cosine of `changes` to `exact` for each network and each pair of its blocks that couple."""
    found = {}
    for name, network in networks.items():
        found[f"{name}: all"] = cosine(changes[name], exact[name])
        for number, one in enumerate(network.names):
            for other in network.names[number:]:
                if network.couples(one, other):
                    block = network.block(one), network.block(other)
                    found[f"{name}: {one}-{other}"] = cosine(changes[name][block], exact[name][block])
    return found


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Return the cosine of two matrices taken as vectors, 0 where one of them is zero."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum() / size) if size else 0.0


def relative_error(changes: Changes, exact: Changes) -> float:
    """Return |a changes - exact| / |exact| over all networks, with the a that fits best: sqrt(1 - cosine^2)."""
    one = np.concatenate([changes[name].ravel() for name in exact])
    other = np.concatenate([exact[name].ravel() for name in exact])
    return float(np.sqrt(max(0.0, 1 - cosine(one, other) ** 2)))


def quality_of_run(
    config: RunConfig, parameters: Parameters, chip: OnChip | None, images: np.ndarray, *, rate: float | None, seed: int
) -> GradientQuality:
    """Return the report of a run: on its own `chip`, or on a new one of `config` that is set to `parameters`."""
    chip = chip or make_onchip(config, parameters)
    return gradient_quality(chip, images, rate=rate or config.optimizer.learning_rate, seed=seed)


def _by_devices(cells: PulsedCells, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what the devices of a region make of `wanted` (n_rows, n_cols), by their steps, and by their bounds."""
    own, cut = np.zeros_like(wanted), np.zeros_like(wanted)
    for state, sign in zip(cells.states, (1, -1), strict=False):
        share = sign * wanted / (cells.scale * cells.movers)
        if state.law.one_sided:
            share = np.maximum(share, 0)
        pulses = share / state.law.granularity
        w, still = state.hidden, np.zeros_like(state.hidden)
        up, down = (state.law.increment(state.parameters, w, way, still) for way in (True, False))
        step = np.where(pulses > 0, up * pulses, -down * pulses)
        own += sign * cells.scale * step
        cut += sign * cells.scale * (np.clip(w + share, state.parameters["w_min"], state.parameters["w_max"]) - w)
    return own.astype(wanted.dtype), cut.astype(wanted.dtype)
