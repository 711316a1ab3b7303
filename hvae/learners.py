"""What the training loop asks of a model: weights, gradients, encoding, decoding; a class for each way to learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np

from crossbar.chip import Chip
from crossbar.conjugate_gradient import ConjugateGradient
from crossbar.couplings import IdealWeights
from crossbar.energy import Landscape
from crossbar.response import LinearResponse
from crossbar.settling import Euler, Settled, Solver
from hvae import costs
from hvae.conditioning import Conditioning
from hvae.config import NudgingConfig, RunConfig, SettlingConfig
from hvae.equilibrium import FreePhase, NudgedPhases, free_phase, gradient, nudged_phases
from hvae.forward_vae import ForwardVAE
from hvae.model import HopfieldVAE, Parameters, build
from hvae.nudging import SIGNS, FiniteNudging, LinearResponseNudging, Nudging, Refinement
from hvae.streams import stream

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
    """A Hopfield VAE, trained by equilibrium propagation; `links`, where given, are the only pairs that couple."""

    vae: HopfieldVAE
    solver: Solver
    nudging: Nudging
    beta_kl: float
    norm_limit: float
    links: Mapping[str, np.ndarray] | None = None  # by network: boolean (N, N), symmetric
    conditioning: Conditioning | None = None  # of the decoder

    @property
    def latent(self) -> int:
        """Dimensions of z."""
        return self.vae.latent

    def init(self, rng: np.random.Generator, dtype: type) -> Parameters:
        """Return initial weights."""
        return self._linked(self.vae.init(rng, dtype))

    def _linked(self, weights: Parameters) -> Parameters:
        if self.links is None:
            return weights
        return {name: array * self.links[name] for name, array in weights.items()}

    def couplings(self, parameters: Parameters) -> dict[str, IdealWeights]:
        """Return the exact weights as couplings, by network (one role alone needs no more than its own)."""
        networks = self.vae.networks
        return {name: IdealWeights(networks[name], parameters[name]) for name in networks if name in parameters}

    def gradients(self, parameters: Parameters, images: np.ndarray, noise: np.ndarray) -> tuple[Metrics, Parameters]:
        """Settle free and nudged, and return the batch's metrics and its gradients by eq. (5)."""
        free, nudged = self.phases(parameters, images, noise)
        dtype = images.dtype.type
        networks = self.vae.networks.items()
        gradients = {name: gradient(network, nudged.contrasts[name], dtype) for name, network in networks}
        return batch_metrics(free, nudged, images), self._linked(gradients)

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
        return free, nudged if self.conditioning is None else self._conditioned(self.conditioning, free, nudged)

    def _conditioned(self, conditioning: Conditioning, free: FreePhase, nudged: NudgedPhases) -> NudgedPhases:
        soft = conditioning.soften(free.decoding, free.decoder, free.latents, nudged.decoder.difference)
        name = self.vae.decoder
        contrasts = nudged.contrasts | {name: nudged.contrasts[name] + soft.contrasts}
        return replace(nudged, contrasts=contrasts, softest=float(soft.eigenvalues.min()))

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


@dataclass(frozen=True, kw_only=True)
class ScaledLatents(EquilibriumPropagation):
    """A tied model whose z is `scale` times the states of its latent neurons: no part of the paper.

    rho' confines the states, and with them mu, to about |s| < 1.5 where the gain is 3; a larger z = scale s escapes.
    Training is exactly that of sigma / scale and beta_KL scale^2 in units of the states, which is what `vae` and
    `beta_kl` hold; only what goes in and out, and the KL divergence, are in units of z.
    """

    scale: float

    @classmethod
    def of(cls, plain: EquilibriumPropagation, scale: float) -> ScaledLatents:
        """Return the learner that learns what `plain` does, with z = scale s."""
        vae = replace(plain.vae, sigma=(plain.vae.sigma or 1.0) / scale)
        return cls(
            vae=vae, solver=plain.solver, nudging=plain.nudging, beta_kl=plain.beta_kl * scale**2,
            norm_limit=plain.norm_limit, links=plain.links, conditioning=plain.conditioning, scale=scale,
        )  # fmt: skip

    def gradients(self, parameters: Parameters, images: np.ndarray, noise: np.ndarray) -> tuple[Metrics, Parameters]:
        """Return the metrics, the KL divergence in units of z, and the gradients of a batch."""
        metrics, gradients = super().gradients(parameters, images, noise)
        inner = float(self.vae.sigma or 1.0) ** 2  # variance in units of the states
        squares = 2 * metrics["kl"] - self.latent * (inner - 1 - np.log(inner))  # mean sum of mu^2 there
        outer = inner * self.scale**2
        kl = 0.5 * (squares * self.scale**2 + self.latent * (outer - 1 - np.log(outer)))
        return metrics | {"kl": float(kl), "latent_variance": metrics["latent_variance"] * self.scale**2}, gradients

    def encode(self, parameters: Parameters, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mu and log sigma^2 of z."""
        mean, log_variance = super().encode(parameters, images)
        factor = mean.dtype.type(self.scale)
        return mean * factor, log_variance + 2 * np.log(factor)

    def decode(self, parameters: Parameters, latents: np.ndarray) -> np.ndarray:
        """Return the settled decoder's pixels for z = `latents`."""
        return super().decode(parameters, latents / latents.dtype.type(self.scale))


@dataclass(frozen=True, kw_only=True)
class LearnedSigma(EquilibriumPropagation):
    """A tied model that learns a standard deviation of z for each latent: no part of the paper, which fixes one.

    sigma_k = sigma exp(c theta_k), with theta a parameter of its own beside W. Its gradient needs what the chip has
    measured anyway, the gradient of eq. (9): dL/dtheta_k = c (mean_batch(grad_z_k eps_k) sigma_k + beta_KL (sigma_k^2
    - 1)). The factor c makes its steps c^2 times those of log sigma under plain gradient descent.
    """

    SPREAD = "log_sigma"  # theta, among the parameters
    RATE = 0.3  # c

    @classmethod
    def of(cls, plain: EquilibriumPropagation) -> LearnedSigma:
        """Return the learner that starts as `plain`, at its sigma."""
        return cls(**{one.name: getattr(plain, one.name) for one in fields(plain)})

    def init(self, rng: np.random.Generator, dtype: type) -> Parameters:
        """Return initial weights, and theta = 0."""
        return {**super().init(rng, dtype), self.SPREAD: np.zeros(self.latent, dtype)}

    def trained(self, parameters: Parameters) -> HopfieldVAE:
        """Return the VAE with its learned sigma (latent,)."""
        return replace(self.vae, sigma=self.vae.sigma * np.exp(self.RATE * parameters[self.SPREAD]))

    def of_chip(self, chip: Chip, dtype: type) -> Parameters:
        """Return the chip's weights, and the theta of its sigma."""
        spread = np.log(np.asarray(chip.sigma) / self.vae.sigma) / self.RATE
        return {**super().of_chip(chip, dtype), self.SPREAD: spread.astype(dtype)}

    def gradients(self, parameters: Parameters, images: np.ndarray, noise: np.ndarray) -> tuple[Metrics, Parameters]:
        """Return the metrics, and the gradients by W and by theta."""
        vae = self.trained(parameters)
        free, nudged = replace(self, vae=vae).phases(parameters, images, noise)
        sigma, dtype = np.asarray(vae.sigma), images.dtype.type
        by_log_sigma = (nudged.latent_gradient * noise).mean(axis=0) * sigma + self.beta_kl * (sigma**2 - 1)
        gradients = {name: gradient(net, nudged.contrasts[name], dtype) for name, net in self.vae.networks.items()}
        metrics = batch_metrics(free, nudged, images) | {"mean_sigma": float(sigma.mean())}
        return metrics, {**self._linked(gradients), self.SPREAD: (self.RATE * by_log_sigma).astype(dtype)}

    def encode(self, parameters: Parameters, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mu and log sigma^2."""
        return self.trained(parameters).read_latents(self.settle_encoder(parameters, images).states)


def random_links(vae: HopfieldVAE, density: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return which pairs of each network couple: all of neighbouring blocks, and of the others a share `density`.

    Chosen once, by chance, for each pair of neurons (Gammell et al., doi:10.3389/fncom.2021.627357, add random links
    to a layered network so).
    """
    links = {}
    for name, network in vae.networks.items():
        layered = replace(network, topology="layered").mask()
        chosen = np.triu(rng.random((network.size, network.size), dtype=np.float32) < density, 1)
        links[name] = (layered | chosen | chosen.T) & network.mask()
    return links


def make(config: RunConfig) -> Learner:
    """Return the learner that `config` describes."""
    model, training = config.model, config.training
    pixels = config.data.image_size**2
    if model.name == "f-vae":
        vae = ForwardVAE(n_hidden=model.hidden, n_latent=model.latent, n_pixels=pixels)
        return Backpropagation(vae=vae, beta_kl=training.beta_kl)
    learner = make_hopfield(config)
    if model.density != 1:
        chance = stream(training.seed, "init", 1)
        learner = replace(learner, links=random_links(learner.vae, model.density, chance))
    if model.sigma_rule == "learned":
        return LearnedSigma.of(learner)
    return ScaledLatents.of(learner, model.latent_scale) if model.latent_scale != 1 else learner


def make_hopfield(config: RunConfig) -> EquilibriumPropagation:
    """Return the Hopfield VAE that `config` describes, on exact weights."""
    strength = config.training.conditioning
    return EquilibriumPropagation(
        vae=build(config.model, config.data.image_size**2),
        solver=make_solver(config.settling),
        nudging=make_nudging(config.nudging, config.settling),
        beta_kl=config.training.beta_kl,
        norm_limit=config.nudging.norm_limit,
        conditioning=Conditioning(strength=strength, solver=LinearResponse(tolerance=1e-2)) if strength else None,
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
        return LinearResponseNudging(solver=linear, refinement=make_refinement(config, settling))
    solver: Solver
    if settling.solver == "euler":
        solver = Euler(time_step=settling.time_step, max_sweeps=config.max_sweeps, tolerance=settling.tolerance)
        return FiniteNudging(signs=SIGNS[config.method], beta=config.beta, solver=solver)
    # The contrast divides by beta, so that the nudged states must be that much closer to rest than the free ones.
    solver = ConjugateGradient(tolerance=settling.tolerance * config.beta, max_sweeps=config.max_sweeps)
    return FiniteNudging(signs=SIGNS[config.method], beta=config.beta, solver=solver, prediction=linear)


def make_refinement(config: NudgingConfig, settling: SettlingConfig) -> Refinement | None:
    """Return the refinement that `config` asks for: tolerances a hundredth for states, a thirtieth for responses."""
    if config.refine_above is None or settling.solver == "euler":
        return None
    return Refinement(
        above=config.refine_above,
        settler=ConjugateGradient(tolerance=max(settling.tolerance / 100, 2e-5), max_sweeps=settling.max_sweeps),
        solver=LinearResponse(tolerance=config.tolerance / 30, max_sweeps=2 * config.max_sweeps),
    )


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
    } | ({} if nudged.softest is None else {"softest_eigenvalue": nudged.softest})
