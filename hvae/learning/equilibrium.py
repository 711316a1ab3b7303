"""Equilibrium propagation through a Hopfield VAE: free phases, nudged phases, and the contrast that trains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crossbar.hopfield.couplings import Couplings
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.network import Network, Role
from crossbar.hopfield.settling import Settled, Solver
from crossbar.numerics.symmetry import add_transpose
from hvae.learning import costs
from hvae.learning.nudging import Nudged, Nudging
from hvae.models.hopfield import HopfieldVAE
from hvae.models.latents import drawn


@dataclass(frozen=True, kw_only=True)
class FreePhase:
    """Free equilibria of encoder and decoder (section 3, "Free phase").

    Attributes
    ----------
    encoder, decoder : Settled
        Free states (batch, n_free).
    encoding, decoding : Landscape
        What they are equilibria of.
    mean, log_variance : ndarray (batch, latent)
        y_mu and y_(log sigma^2).
    latents : ndarray (batch, latent)
        z = mu + epsilon sigma, sigma = exp(log_variance / 2). (The text's diag(exp(y/2)) is a standard deviation.)
    output : ndarray (batch, pixels)
        y_dec, the reconstruction.
    """

    encoder: Settled
    decoder: Settled
    encoding: Landscape
    decoding: Landscape
    mean: np.ndarray
    log_variance: np.ndarray
    latents: np.ndarray
    output: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """What the nudged equilibria of one role tell the weights: dL/dw_ij = -mean_batch (R_i S_j + S_i R_j).

    Eq. (5) with eq. (1) gives the contrast of outer products (rho+ rho+^T - rho- rho-^T) / (2 beta), which is exactly
    R S^T + S R^T with R = (rho+ - rho-) / (2 beta) and S = (rho+ + rho-) / 2. Each weight needs the signals of its own
    two neurons only; an optimizer or a crossbar consumes this object as it is.

    Attributes
    ----------
    role : Role
    difference : ndarray (batch, n_free)
        R of the free neurons; the clamped ones have none.
    mean : ndarray (batch, N)
        S of all neurons.
    """

    role: Role
    difference: np.ndarray
    mean: np.ndarray


def free_phase(
    vae: HopfieldVAE,
    couplings: Mapping[str, Couplings],
    images: np.ndarray,
    noise: np.ndarray,
    solver: Solver,
) -> FreePhase:
    """Settle the encoder on `images`, sample z with `noise` (batch, latent), settle the decoder on z."""
    encoding = Landscape.clamp(couplings[vae.encoder], vae.encode_role, images)
    encoder = solver.settle(encoding)
    mean, log_variance = vae.read_latents(encoder.states)
    latents = drawn(mean, log_variance, noise)
    decoding = Landscape.clamp(couplings[vae.decoder], vae.decode_role, latents)
    decoder = solver.settle(decoding)
    output = decoder.states[:, vae.decode_role.columns("pixels")]
    return FreePhase(
        encoder=encoder, decoder=decoder, encoding=encoding, decoding=decoding,
        mean=mean, log_variance=log_variance, latents=latents, output=output,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class NudgedPhases:
    """The contrasts of both roles, and how they were reached."""

    contrasts: dict[str, list[Contrast]]  # by network
    encoder: Nudged
    decoder: Nudged
    latent_gradient: np.ndarray  # of the reconstruction loss by z, eq. (9), (batch, latent)
    limited: int  # samples whose contrast was shortened
    softest: float | None = None  # smallest Hessian eigenvalue seen, where the decoder is conditioned
    bound: float | None = None  # of the relative error of the gradient, contrasts not shortened, where it is asked for


def nudged_phases(
    vae: HopfieldVAE,
    free: FreePhase,
    images: np.ndarray,
    noise: np.ndarray,
    nudging: Nudging,
    *,
    beta_kl: float,
    norm_limit: float = np.inf,
) -> NudgedPhases:
    """Nudge the decoder by eq. (8), carry its input gradient, eq. (9), to the encoder by eq. (10), and nudge that too.

    (The paper's text after eq. (10) says "decoder energy" where it means the encoder's.) Samples whose contrast is
    longer than `norm_limit` medians of the batch, caught near a saddle, are shortened to it and counted.
    """
    decoder = nudging.contrast(free.decoding, free.decoder, costs.decoder_cost(vae.decode_role, images))
    latent_gradient = input_gradient(free.decoding, free.latents, decoder.difference)
    log_variance = free.log_variance if vae.sigma is None else None
    cost = costs.encoder_cost(vae.encode_role, latent_gradient, log_variance, noise, beta_kl)
    encoder = nudging.contrast(free.encoding, free.encoder, cost)
    contrasts, limited = contrasts_of(vae, free, images, encoder, decoder, norm_limit)
    return NudgedPhases(
        contrasts=contrasts, encoder=encoder, decoder=decoder, latent_gradient=latent_gradient, limited=limited
    )


def contrasts_of(
    vae: HopfieldVAE, free: FreePhase, images: np.ndarray, encoder: Nudged, decoder: Nudged, norm_limit: float = np.inf
) -> tuple[dict[str, list[Contrast]], int]:
    """Return the contrasts of both roles, by network, and how many samples' were shortened to `norm_limit` medians."""
    contrasts: dict[str, list[Contrast]] = {name: [] for name in vae.networks}
    limited = 0
    for name, role, nudged, inputs in (
        (vae.decoder, vae.decode_role, decoder, free.latents),
        (vae.encoder, vae.encode_role, encoder, images),
    ):
        difference, count = shortened(nudged.difference, norm_limit)
        limited += count
        mean = role.join(nudged.mean, role.held_neurons.signals(inputs))
        contrasts[name].append(Contrast(role=role, difference=difference, mean=mean))
    return contrasts, limited


def input_gradient(landscape: Landscape, inputs: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """Return the gradient of the loss with respect to the clamped `inputs` (batch, n_clamped), eq. (9), appendix A.

    dF/dz = z - rho'(z) (W_z rho(s)): the first term cancels between the two nudges, rho'(z) does not, so that
    grad_z L = -rho'(z) (W_z R) with R = `difference` (batch, n_free).
    """
    received = np.empty_like(inputs)
    landscape.couplings.multiply(difference, landscape.role.outward, received)
    held = landscape.role.held_neurons
    return -held.slopes(held.signals(inputs)) * received


def gradient(network: Network, contrasts: Sequence[Contrast], dtype: type = np.float32) -> np.ndarray:
    """Return dL/dW (N, N), symmetric, one parameter a pair, mean over the batch: -(R^T S + S^T R) / batch.

    The contrasts of both roles of a tied network are summed. Zero where the network does not couple, and on the
    diagonal. (With w_ij = w_ji as one parameter dE/dw = -rho_i rho_j; entries taken as independent would give half.)
    """
    total: np.ndarray = np.zeros((network.size, network.size), dtype)
    for contrast in contrasts:
        batch = len(contrast.difference)
        role = contrast.role
        scaled = contrast.difference * dtype(-1 / batch)
        for patch in (*role.within, *role.outward):
            block = total[patch.sources, patch.targets]
            block += scaled[:, patch.source_columns].T @ contrast.mean[:, patch.targets]
    add_transpose(total)
    return total


def shortened(difference: np.ndarray, norm_limit: float) -> tuple[np.ndarray, int]:
    """Return R (batch, n_free), no sample's longer than `norm_limit` medians of the batch, and how many were."""
    if np.isinf(norm_limit):
        return difference, 0
    norms = np.sqrt(np.einsum("ij,ij->i", difference, difference))
    longest = norm_limit * np.median(norms)
    long = norms > longest
    if not long.any():
        return difference, 0
    scale = np.where(long, longest / np.where(long, norms, 1), 1).astype(difference.dtype)
    return difference * scale[:, None], int(long.sum())
