"""How many volts a state of 1 and a drive of 1 are, so that neither leaves the supply of the amplifiers.

A chip has one pair of numbers, whatever it computes. They come from how far states and drives W rho go while some of
the chip's own examples are encoded and decoded, from the first moment on, with a margin. Another image may go further:
`hopbar verify` looks at every node that it simulates.
"""

from __future__ import annotations

from math import floor, log10
from typing import NamedTuple

import numpy as np

from circuits.circuit.electrical import Electrical
from crossbar.chip import FLOW, GENERATE, Chip
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.trajectory import follow

MARGIN = 1.25
"""How many times further than the examples go a node may go."""

EXAMPLES = 4
STEP, LENGTH = 0.1, 30.0  # of the trajectories, in time constants


class Reach(NamedTuple):
    """The largest |state| and the largest |drive| of a network."""

    state: float
    drive: float

    def volts(self, electrical: Electrical) -> tuple[float, float]:
        """Return `v_state` and `v_drive`: 1 V, or the two-digit number with which the reach ends within the supply."""
        room = electrical.swing * electrical.v_supply / MARGIN
        return _within(room, self.state), _within(room, self.drive)


def reaches(chip: Chip) -> dict[str, Reach]:
    """Return how far each network of `chip` goes.

    Raises
    ------
    DivergedError
        The chip does not settle.
    """
    if chip.generates:
        return {FLOW: _flowing(chip)}
    count = chip.role("encode")[1].n_clamped
    images = np.asarray(chip.examples[:EXAMPLES], np.float64)
    images = images if len(images) else np.outer([-1.0, 0.0, 1.0], np.ones(count))
    ends, encoded = _followed(chip, "encode", images)
    network, _ = chip.role("encode")
    means = ends[:, chip.networks[network].block("latent")]
    decoder, _ = chip.role("decode")
    noise = np.random.default_rng(0).standard_normal((len(means), chip.role("decode")[1].n_clamped))
    if chip.tied:
        latents = means + np.asarray(0.0 if chip.sigma is None else chip.sigma) * noise
    else:
        half = means.shape[1] // 2
        latents = means[:, :half] + np.exp(means[:, half:] / 2) * noise
    _, decoded = _followed(chip, "decode", latents)
    if decoder == network:
        return {network: _further(encoded, decoded)}
    return {network: encoded, decoder: decoded}


def _followed(chip: Chip, name: str, clamped: np.ndarray) -> tuple[np.ndarray, Reach]:
    """Return the states (batch, N) at the end of role `name`, from state zero, and how far it went."""
    network, role = chip.role(name)
    return _path(chip, network, role.clamped, clamped, np.zeros((len(clamped), role.n_free)))


def _flowing(chip: Chip) -> Reach:
    """Return how far a flow goes from noise, held at its first and at its last time."""
    network, role = chip.role(GENERATE)
    half, pixels = role.n_clamped // 2, role.columns("pixels")
    start = np.zeros((EXAMPLES, role.n_free))
    start[:, pixels] = np.random.default_rng(0).standard_normal((EXAMPLES, pixels.stop - pixels.start))
    found = []
    for time in (0.0, 1.0):
        turns = np.pi * time * np.arange(half + 1)
        held = np.tile(np.concatenate([np.cos(turns[:half]), np.sin(turns[1:])]), (EXAMPLES, 1))
        found.append(_path(chip, network, role.clamped, held, start)[1])
    return _further(*found)


def _path(
    chip: Chip, name: str, held: tuple[str, ...], clamped: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, Reach]:
    network, weights = chip.networks[name], np.asarray(chip.effective_weights(name), np.float64)
    couplings = IdealWeights(network, weights, symmetric=np.array_equal(weights, weights.T))
    landscape = Landscape.clamp(couplings, network.role(held), clamped)
    states = follow(landscape, clamped, start, step=STEP, length=LENGTH).states.astype(np.float64)
    drives = network.population(network.names).signals(states.reshape(-1, network.size)) @ weights
    return states[-1], Reach(float(np.abs(states).max()), float(np.abs(drives).max()))


def _further(one: Reach, other: Reach) -> Reach:
    return Reach(max(one.state, other.state), max(one.drive, other.drive))


def _within(room: float, furthest: float) -> float:
    """Return the volts at which `furthest` stays in `room`, cut to two digits; at most 1."""
    if not furthest > room:
        return 1.0
    place = 10.0 ** (floor(log10(room / furthest)) - 1)
    return float(f"{floor(room / furthest / place) * place:.2g}")
