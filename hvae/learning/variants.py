"""Tied models that read their latents otherwise than the paper's: with a gain, or with a sigma learned for each."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from crossbar.chip import Chip
from hvae.learning.hopfield import EquilibriumPropagation, Metrics, batch_metrics
from hvae.models.hopfield import HopfieldVAE, Parameters


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
            norm_limit=plain.norm_limit, links=plain.links, conditioning=plain.conditioning, bound=plain.bound,
            preconditioner=plain.preconditioner, scale=scale,
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

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of W and theta."""
        return {**super().shapes(), self.SPREAD: (self.latent,)}

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
        shape = self.preconditioner.gradient
        links, networks = self.links or {}, self.vae.networks.items()
        gradients = {name: shape(net, nudged.contrasts[name], dtype, links.get(name)) for name, net in networks}
        metrics = batch_metrics(free, nudged, images) | {"mean_sigma": float(sigma.mean())}
        return metrics, {**gradients, self.SPREAD: (self.RATE * by_log_sigma).astype(dtype)}

    def encode(self, parameters: Parameters, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mu and log sigma^2."""
        return self.trained(parameters).read_latents(self.settle_encoder(parameters, images).states)
