"""A Hopfield VAE that learns by equilibrium propagation on exact weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from crossbar.chip import Chip
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.settling import Settled, Solver
from hvae.learning import costs
from hvae.learning.conditioning import Conditioning
from hvae.learning.equilibrium import FreePhase, NudgedPhases, free_phase, nudged_phases
from hvae.learning.gradient_bound import GradientBound
from hvae.learning.muon import Blocks
from hvae.learning.nudging import Nudging
from hvae.learning.preconditioning import PLAIN, Preconditioner
from hvae.learning.unsettled import Counted, Tally
from hvae.models.hopfield import HopfieldVAE, Parameters

Metrics = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class EquilibriumPropagation:
    """A Hopfield VAE, trained by equilibrium propagation; `links`, where given, are the only pairs that couple."""

    vae: HopfieldVAE
    solver: Solver
    nudging: Nudging
    beta_kl: float
    norm_limit: float
    links: Mapping[str, np.ndarray] | None = None  # by network: boolean (N, N), symmetric
    conditioning: Conditioning | None = None  # of the decoder
    bound: GradientBound | None = None  # reported with every batch
    preconditioner: Preconditioner = PLAIN

    @property
    def latent(self) -> int:
        """Dimensions of z."""
        return self.vae.latent

    def init(self, rng: np.random.Generator, dtype: type) -> Parameters:
        """Return initial weights."""
        return self._linked(self.vae.init(rng, dtype))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of W, by network."""
        return {name: (network.size, network.size) for name, network in self.vae.networks.items()}

    def blocks(self) -> Blocks:
        """Return the neurons of each block, by network."""
        return {name: network.spans for name, network in self.vae.networks.items()}

    def _linked(self, weights: Parameters) -> Parameters:
        if self.links is None:
            return weights
        return {name: array * self.links[name] for name, array in weights.items()}

    def couplings(self, parameters: Parameters) -> dict[str, IdealWeights]:
        """Return the exact weights as couplings, by network (one role alone needs no more than its own)."""
        networks = self.vae.networks
        return {name: IdealWeights(networks[name], parameters[name]) for name in networks if name in parameters}

    def gradients(self, parameters: Parameters, images: np.ndarray, noise: np.ndarray) -> tuple[Metrics, Parameters]:
        """Settle free and nudged, and return the batch's metrics and its gradients by eq. (5), preconditioned."""
        free, nudged = self.phases(parameters, images, noise)
        dtype = images.dtype.type
        networks = self.vae.networks.items()
        shape = self.preconditioner.gradient
        links = self.links or {}
        gradients = {name: shape(network, nudged.contrasts[name], dtype, links.get(name)) for name, network in networks}
        return batch_metrics(free, nudged, images), gradients

    def trained(self, parameters: Parameters) -> HopfieldVAE:  # noqa: ARG002
        """Return the VAE that `parameters` make: this one, as its weights are apart from it."""
        return self.vae

    def of_chip(self, chip: Chip, dtype: type) -> Parameters:
        """Return the parameters that `chip` holds: with its devices' weights where it is programmed."""
        return {name: chip.effective_weights(name).astype(dtype) for name in chip.networks}

    def phases(self, parameters: Parameters, images: np.ndarray, noise: np.ndarray) -> tuple[FreePhase, NudgedPhases]:
        """Settle free and nudged."""
        free = free_phase(self.vae, self.couplings(parameters), images, noise, self.solver)
        nudged = nudged_phases(
            self.vae, free, images, noise, self.nudging, beta_kl=self.beta_kl, norm_limit=self.norm_limit
        )
        if self.bound is not None:
            told = self.bound.relative(self.vae, free, nudged, images, noise, beta_kl=self.beta_kl, links=self.links)
            nudged = replace(nudged, bound=told)
        return free, nudged if self.conditioning is None else self._conditioned(self.conditioning, free, nudged)

    def _conditioned(self, conditioning: Conditioning, free: FreePhase, nudged: NudgedPhases) -> NudgedPhases:
        soft = conditioning.soften(free.decoding, free.decoder, free.latents, nudged.decoder.difference)
        name = self.vae.decoder
        contrasts = nudged.contrasts | {name: nudged.contrasts[name] + soft.contrasts}
        return replace(nudged, contrasts=contrasts, softest=float(soft.eigenvalues.min()))

    def settle_encoder(self, parameters: Parameters, images: np.ndarray) -> Settled:
        """Return the encoder's equilibria."""
        couplings = self.couplings(parameters)[self.vae.encoder]
        return self.solver.settle(Landscape.clamp(couplings, self.vae.encode_role, images))

    def settle_decoder(self, parameters: Parameters, latents: np.ndarray) -> Settled:
        """Return the decoder's equilibria."""
        couplings = self.couplings(parameters)[self.vae.decoder]
        return self.solver.settle(Landscape.clamp(couplings, self.vae.decode_role, latents))

    def encode(self, parameters: Parameters, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return y_mu and y_(log sigma^2) of the settled encoder."""
        return self.vae.read_latents(self.settle_encoder(parameters, images).states)

    def decode(self, parameters: Parameters, latents: np.ndarray) -> np.ndarray:
        """Return the settled decoder's pixels: raw states, not clipped."""
        return self.settle_decoder(parameters, latents).states[:, self.vae.decode_role.columns("pixels")]

    def counted(self, tally: Tally) -> EquilibriumPropagation:
        """Return this learner, with the samples that its solver settles counted in `tally`."""
        return replace(self, solver=Counted(solver=self.solver, tally=tally))


def batch_metrics(free: FreePhase, nudged: NudgedPhases, images: np.ndarray) -> Metrics:
    """Return losses of a batch, and how its phases went."""
    batch = len(images)
    unsettled = 2 * batch - free.encoder.settled.sum() - free.decoder.settled.sum()
    told = {"softest_eigenvalue": nudged.softest, "gradient_bound": nudged.bound}
    return {
        "sse_half": float(costs.sse_half(free.output, images).mean()),
        "kl": float(costs.kl_divergence(free.mean, free.log_variance).mean()),
        "unconverged": float(unsettled) / (2 * batch),
        "failed_nudges": float(nudged.encoder.failed.sum() + nudged.decoder.failed.sum()) / (2 * batch),
        "limited": nudged.limited / (2 * batch),
        "encoder_sweeps": float(free.encoder.sweeps.mean() + nudged.encoder.sweeps.mean()),
        "decoder_sweeps": float(free.decoder.sweeps.mean() + nudged.decoder.sweeps.mean()),
        "largest_state": float(max(np.abs(free.encoder.states).max(), np.abs(free.decoder.states).max())),
        "latent_variance": float(free.mean.var(axis=0).mean()),
    } | {name: value for name, value in told.items() if value is not None}
