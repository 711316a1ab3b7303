"""What the training loop asks of a model: weights, gradients, encoding, decoding; a class for each way to learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from crossbar.conjugate_gradient import ConjugateGradient
from crossbar.couplings import IdealWeights
from crossbar.energy import Landscape
from crossbar.response import LinearResponse
from crossbar.settling import Euler, Settled, Solver
from hvae import costs
from hvae.config import NudgingConfig, RunConfig, SettlingConfig
from hvae.equilibrium import FreePhase, NudgedPhases, free_phase, gradient, nudged_phases
from hvae.forward_vae import ForwardVAE
from hvae.model import HopfieldVAE, Parameters, build
from hvae.nudging import SIGNS, FiniteNudging, LinearResponseNudging, Nudging

Metrics = dict[str, float]


class Learner(Protocol):
    """A VAE that can be trained on batches of images (batch, pixels)."""

    @property
    def latent(self) -> int:
        """Dimensions of z."""
        ...

    def init(self, rng: np.random.Generator, dtype: type) -> Parameters:
        """Return initial weights."""
        ...

    def gradients(self, parameters: Parameters, images: np.ndarray, noise: np.ndarray) -> tuple[Metrics, Parameters]:
        """Return the batch's metrics, and the gradient of SSE/2 + beta_KL KL by each weight."""
        ...

    def encode(self, parameters: Parameters, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mu and log sigma^2 of q(z|x), each (batch, latent)."""
        ...

    def decode(self, parameters: Parameters, latents: np.ndarray) -> np.ndarray:
        """Return images (batch, pixels), not clipped."""
        ...


@dataclass(frozen=True, kw_only=True)
class Backpropagation:
    """The F-VAE, trained by backpropagation."""

    vae: ForwardVAE
    beta_kl: float

    @property
    def latent(self) -> int:
        """Dimensions of z."""
        return self.vae.n_latent

    def init(self, rng: np.random.Generator, dtype: type) -> Parameters:
        """Return initial weights."""
        return self.vae.init(rng, dtype)

    def gradients(self, parameters: Parameters, images: np.ndarray, noise: np.ndarray) -> tuple[Metrics, Parameters]:
        """Return the metrics and gradients of a batch."""
        losses, gradients = self.vae.loss_and_gradients(parameters, images, noise, self.beta_kl)
        return {"sse_half": float(losses.sse_half.mean()), "kl": float(losses.kl.mean())}, gradients

    def encode(self, parameters: Parameters, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mu and log sigma^2."""
        return self.vae.encode(parameters, images)

    def decode(self, parameters: Parameters, latents: np.ndarray) -> np.ndarray:
        """Return decoded images."""
        return self.vae.decode(parameters, latents)


@dataclass(frozen=True, kw_only=True)
class EquilibriumPropagation:
    """A Hopfield VAE, trained by equilibrium propagation."""

    vae: HopfieldVAE
    solver: Solver
    nudging: Nudging
    beta_kl: float
    norm_limit: float

    @property
    def latent(self) -> int:
        """Dimensions of z."""
        return self.vae.latent

    def init(self, rng: np.random.Generator, dtype: type) -> Parameters:
        """Return initial weights."""
        return self.vae.init(rng, dtype)

    def couplings(self, parameters: Parameters) -> dict[str, IdealWeights]:
        """Return the exact weights as couplings, by network."""
        return {name: IdealWeights(self.vae.networks[name], weights) for name, weights in parameters.items()}

    def gradients(self, parameters: Parameters, images: np.ndarray, noise: np.ndarray) -> tuple[Metrics, Parameters]:
        """Settle free and nudged, and return the batch's metrics and its gradients by eq. (5)."""
        free = free_phase(self.vae, self.couplings(parameters), images, noise, self.solver)
        nudged = nudged_phases(
            self.vae, free, images, noise, self.nudging, beta_kl=self.beta_kl, norm_limit=self.norm_limit
        )
        dtype = images.dtype.type
        gradients = {name: gradient(self.vae.networks[name], nudged.contrasts[name], dtype) for name in parameters}
        return batch_metrics(free, nudged, images), gradients

    def settle_encoder(self, parameters: Parameters, images: np.ndarray) -> Settled:
        """Return the encoder's equilibria."""
        couplings = self.couplings(parameters)[self.vae.encoder]
        return self.solver.settle(Landscape.clamp(couplings, self.vae.encode_role, images, gain=self.vae.gain))

    def settle_decoder(self, parameters: Parameters, latents: np.ndarray) -> Settled:
        """Return the decoder's equilibria."""
        couplings = self.couplings(parameters)[self.vae.decoder]
        return self.solver.settle(Landscape.clamp(couplings, self.vae.decode_role, latents, gain=self.vae.gain))

    def encode(self, parameters: Parameters, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return y_mu and y_(log sigma^2) of the settled encoder."""
        return self.vae.read_latents(self.settle_encoder(parameters, images).states)

    def decode(self, parameters: Parameters, latents: np.ndarray) -> np.ndarray:
        """Return the settled decoder's pixels: raw states, not clipped."""
        return self.settle_decoder(parameters, latents).states[:, self.vae.decode_role.columns("pixels")]


def make(config: RunConfig) -> Learner:
    """Return the learner that `config` describes."""
    model, training = config.model, config.training
    pixels = config.data.image_size**2
    if model.name == "f-vae":
        vae = ForwardVAE(n_hidden=model.hidden, n_latent=model.latent, n_pixels=pixels)
        return Backpropagation(vae=vae, beta_kl=training.beta_kl)
    return make_hopfield(config)


def make_hopfield(config: RunConfig) -> EquilibriumPropagation:
    """Return the Hopfield VAE that `config` describes, on exact weights."""
    return EquilibriumPropagation(
        vae=build(config.model, config.data.image_size**2),
        solver=make_solver(config.settling),
        nudging=make_nudging(config.nudging, config.settling),
        beta_kl=config.training.beta_kl,
        norm_limit=config.nudging.norm_limit,
    )


def make_solver(config: SettlingConfig) -> Solver:
    """Return the solver of the free phase that `config` names."""
    if config.solver == "euler":
        return Euler(time_step=config.time_step, max_sweeps=config.max_sweeps, tolerance=config.tolerance)
    return ConjugateGradient(tolerance=config.tolerance, max_sweeps=config.max_sweeps)


def make_nudging(config: NudgingConfig, settling: SettlingConfig) -> Nudging:
    """Return the nudging that `config` names; its phases use the solver of `settling`."""
    linear = LinearResponse(tolerance=config.tolerance, max_sweeps=config.max_sweeps)
    if config.method == "linear-response":
        return LinearResponseNudging(solver=linear)
    solver: Solver
    if settling.solver == "euler":
        solver = Euler(time_step=settling.time_step, max_sweeps=config.max_sweeps, tolerance=settling.tolerance)
        return FiniteNudging(signs=SIGNS[config.method], beta=config.beta, solver=solver)
    # The contrast divides by beta, so that the nudged states must be that much closer to rest than the free ones.
    solver = ConjugateGradient(tolerance=settling.tolerance * config.beta, max_sweeps=config.max_sweeps)
    return FiniteNudging(signs=SIGNS[config.method], beta=config.beta, solver=solver, prediction=linear)


def batch_metrics(free: FreePhase, nudged: NudgedPhases, images: np.ndarray) -> Metrics:
    """Return losses of a batch, and how its phases went."""
    batch = len(images)
    unsettled = 2 * batch - free.encoder.settled.sum() - free.decoder.settled.sum()
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
    }
