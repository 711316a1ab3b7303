"""Trajectories of a chip by the paper's Euler scheme, eq. (3), the model of how the analog circuit settles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossbar.chip import Chip
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape, Nudge
from crossbar.hopfield.network import Role
from crossbar.hopfield.trajectory import Trajectory, follow


@dataclass(frozen=True, kw_only=True, slots=True)
class EulerSettings:
    """How trajectories are simulated.

    Attributes
    ----------
    step : float
        Time step delta t of eq. (3), in time constants; the reference of the paper's scheme is stable below about 0.4.
    length : float
        Time constants after which a trajectory is cut.
    beta : float
        Strength of the nudge in the weakly clamped phases.
    """

    step: float = 0.2
    length: float = 200.0
    beta: float = 0.05


@dataclass(frozen=True, kw_only=True)
class Settlings:
    """Trajectories of the six phases of one training image, by role: free, and nudged with +beta and -beta."""

    free: Mapping[str, Trajectory]
    nudged: Mapping[str, tuple[Trajectory, Trajectory]]


def simulate(chip: Chip, images: np.ndarray, settings: EulerSettings, rng: np.random.Generator) -> Settlings:
    """Return how `chip` encodes `images` (k, pixels), decodes draws of their latents, and settles when nudged.

    Neurons that are not alike settle with gain, offset and leak of their own.
    The decoder is nudged towards the image (eq. 8), the encoder by the KL term alone (eq. 11): the reconstruction
    term of eq. (10) pulls elsewhere but does not change how fast the network settles.
    """
    encode_land, encode_role = _landscape(chip, "encode", images)
    encoded = _free(encode_land, images, settings)
    outputs = encoded.states[-1][:, encode_role.network.block("latent")]
    latents = _sample(outputs, chip, rng)
    decode_land, decode_role = _landscape(chip, "decode", latents)
    decoded = _free(decode_land, latents, settings)
    pulls = {
        "encode": _output_nudge(encode_role, "latent", _kl_gradient(outputs, chip)),
        "decode": _output_nudge(decode_role, "pixels", -images),
    }
    free = {"encode": encoded, "decode": decoded}
    lands = {"encode": (encode_land, encode_role, images), "decode": (decode_land, decode_role, latents)}
    nudged = {role: _nudge_pair(*lands[role], pulls[role], free[role], settings) for role in free}
    return Settlings(free=free, nudged=nudged)


def _landscape(chip: Chip, name: str, inputs: np.ndarray) -> tuple[Landscape, Role]:
    network, role = chip.role(name)
    couplings = IdealWeights(chip.networks[network], chip.effective_weights(network).astype(np.float64))
    return Landscape.clamp(couplings, role, inputs.astype(np.float64)), role


def _free(landscape: Landscape, clamped: np.ndarray, settings: EulerSettings) -> Trajectory:
    zero = np.zeros((len(clamped), landscape.role.n_free))
    return follow(landscape, clamped, zero, step=settings.step, length=settings.length)


def _sample(outputs: np.ndarray, chip: Chip, rng: np.random.Generator) -> np.ndarray:
    if chip.sigma is not None:
        return outputs + chip.sigma * rng.standard_normal(outputs.shape)
    means, log_variances = np.split(outputs, 2, axis=1)
    return means + np.exp(log_variances / 2) * rng.standard_normal(means.shape)


def _kl_gradient(outputs: np.ndarray, chip: Chip) -> np.ndarray:
    if chip.sigma is not None:
        return np.zeros_like(outputs)
    means, log_variances = np.split(outputs, 2, axis=1)
    return np.hstack([np.zeros_like(means), (np.exp(log_variances) - 1) / 2 - log_variances])


def _output_nudge(role: Role, block: str, linear: np.ndarray) -> Nudge:
    quadratic, forces = np.zeros(role.n_free), np.zeros((len(linear), role.n_free))
    quadratic[role.columns(block)] = 1.0
    forces[:, role.columns(block)] = linear
    return Nudge(linear=forces, quadratic=quadratic)


def _nudge_pair(
    landscape: Landscape, role: Role, clamped: np.ndarray, pull: Nudge, free: Trajectory, settings: EulerSettings
) -> tuple[Trajectory, Trajectory]:
    start = np.empty((len(clamped), role.n_free))
    for name in role.free:
        start[:, role.columns(name)] = free.states[-1][:, role.network.block(name)]
    trajectories = []
    for beta in (settings.beta, -settings.beta):
        nudge = Nudge(linear=beta * pull.linear, quadratic=beta * pull.quadratic)
        nudged = landscape.nudged(nudge)
        trajectories.append(follow(nudged, clamped, start, step=settings.step, length=settings.length))
    return trajectories[0], trajectories[1]
