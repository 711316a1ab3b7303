"""A training step of a Hopfield VAE on its arrays: free phases, nudged phases, and the signals that learning needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.hopfield.network import Role
from hvae.learning import costs
from hvae.learning.equilibrium import shortened
from hvae.models.hopfield import HopfieldVAE
from hvae.models.latents import drawn
from hvae.onchip.settling import ChipFree, ChipNudged, Way, nudge_twice


@dataclass(frozen=True, kw_only=True)
class ChipSignals:
    """What the neurons of one role tell their weights: dL/dw_ij = -mean_batch (R_i S_j + S_i R_j).

    Attributes
    ----------
    network : str
    response : ndarray (batch, N)
        R = (rho(s+) - rho(s-)) / (2 beta), zero for clamped neurons.
    mean : ndarray (batch, N)
        S = (rho(s+) + rho(s-)) / 2.
    """

    network: str
    response: np.ndarray
    mean: np.ndarray


@dataclass(frozen=True, kw_only=True)
class ChipStep:
    """All phases of one batch.

    Attributes
    ----------
    signals : tuple of ChipSignals
        Decoder, then encoder.
    output, mean, log_variance : ndarray
        Reconstruction (batch, pixels), y_mu and y_(log sigma^2) (batch, latent).
    encoder, decoder : ChipFree
    nudged : tuple of ChipNudged
        Decoder, encoder.
    limited : int
        Samples whose contrast was shortened.
    """

    signals: tuple[ChipSignals, ...]
    output: np.ndarray
    mean: np.ndarray
    log_variance: np.ndarray
    encoder: ChipFree
    decoder: ChipFree
    nudged: tuple[ChipNudged, ChipNudged]
    limited: int


def chip_step(
    vae: HopfieldVAE, arrays: Mapping[str, CrossbarArray], way: Way, images: np.ndarray, noise: np.ndarray,
    *, beta: float, signs: tuple[float, float], beta_kl: float, norm_limit: float,
) -> ChipStep:  # fmt: skip
    """Run the six phases of a batch on `arrays`: both roles free, the decoder nudged twice, the encoder nudged twice.

    As `hvae.learning.equilibrium` does, eq. (4) to (11); but everything is read from the arrays, each phase has its own
    noise, and the input gradient of eq. (9) is the difference of two reads divided by 2 beta.
    """
    encode, decode = vae.encode_role, vae.decode_role
    encoding, decoding = arrays[vae.encoder], arrays[vae.decoder]
    knobs: dict[str, Any] = {"beta": beta, "signs": signs}
    encoder = way.free(encoding, encode, images)
    mean, log_variance = vae.read_latents(encoder.settled.states)
    latents = drawn(mean, log_variance, noise)
    decoder = way.free(decoding, decode, latents)
    down = nudge_twice(way, decoding, decode, latents, decoder, costs.decoder_cost(decode, images), **knobs)
    held = decode.held_neurons.signals(latents)
    latent_gradient = -decode.held_neurons.slopes(held) * down.received
    spread = log_variance if vae.sigma is None else None
    cost = costs.encoder_cost(encode, latent_gradient, spread, noise, beta_kl)
    up = nudge_twice(way, encoding, encode, images, encoder, cost, **knobs)
    first, some = signals_of(vae.decoder, decode, down, held, norm_limit)
    second, others = signals_of(vae.encoder, encode, up, encode.held_neurons.signals(images), norm_limit)
    return ChipStep(
        signals=(first, second), output=decoder.settled.states[:, decode.columns("pixels")],
        mean=mean, log_variance=log_variance, encoder=encoder, decoder=decoder, nudged=(down, up),
        limited=some + others,
    )  # fmt: skip


def signals_of(
    network: str, role: Role, nudged: ChipNudged, clamped: np.ndarray, norm_limit: float
) -> tuple[ChipSignals, int]:
    """Return R and S over all neurons, and how many samples' R was shortened to `norm_limit` medians of the batch."""
    width = nudged.plus.dtype.type(nudged.width)
    response, count = shortened((nudged.plus - nudged.minus) / width, norm_limit)
    mean = (nudged.plus + nudged.minus) / 2
    joined = (role.join(response, np.zeros_like(clamped)), role.join(mean, clamped))
    return ChipSignals(network=network, response=joined[0], mean=joined[1]), count
