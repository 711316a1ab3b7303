"""Densities of z that images are generated from: the paper's N(0, I), or one fitted to the encoded training set.

beta_KL only pulls q(z|x), averaged over the data, towards N(0, I); where it stays off, samples of N(0, I) decode to
images between the digits. A density fitted *ex post* to encoded images mends that without touching the training
(Ghosh et al., arXiv:1903.12436, who fit ten Gaussians). It is no part of the paper: scores of it are named as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import linalg
from scipy.cluster.vq import kmeans2
from scipy.special import logsumexp

from crossbar.errors import InvalidValue
from hvae.config.run import SamplingConfig
from hvae.learning.learners import Learner
from hvae.models.hopfield import Parameters
from hvae.models.latents import drawn

_PORTION = 500
_RIDGE = 1e-6  # of the mean variance, added to every variance so that a covariance has a Cholesky factor
_STEPS = 200
_TOLERANCE = 1e-5  # nats a sample


class LatentDensity(Protocol):
    """Something that z can be drawn from."""

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return z, shape (count, latent), float64."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StandardNormal:
    """N(0, I), the paper's prior."""

    latent: int

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return z, shape (count, latent)."""
        return rng.standard_normal((count, self.latent))


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixture:
    """A weighted sum of Gaussians with full covariances; a single Gaussian is a mixture of one.

    Attributes
    ----------
    weights : ndarray (k,)
        Probability of each component.
    means : ndarray (k, latent)
    factors : ndarray (k, latent, latent)
        Lower Cholesky factors L of the covariances L L^T.
    """

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return z, shape (count, latent)."""
        chosen = rng.choice(len(self.weights), size=count, p=self.weights)
        noise = rng.standard_normal((count, self.means.shape[1]))
        latents = np.empty_like(noise)
        for component in range(len(self.weights)):
            rows = chosen == component
            latents[rows] = self.means[component] + noise[rows] @ self.factors[component].T
        return latents

    def log_density(self, latents: np.ndarray) -> np.ndarray:
        """Return log p(z) of each row of `latents` (n, latent), in nats, shape (n,)."""
        return logsumexp(_joint(self, latents), axis=1)


def of_model(
    config: SamplingConfig, learner: Learner, parameters: Parameters, images: np.ndarray, rng: np.random.Generator
) -> LatentDensity:
    """Return the density of z that `config` names, fitted where it has to be.

    Parameters
    ----------
    images : ndarray (n, pixels)
        Training images; the first ``config.fit_samples`` are encoded.
    rng : Generator
        Draws z from q(z|x), and the first centres of the mixture.
    """
    if config.prior == "standard":
        return StandardNormal(latent=learner.latent)
    latents = posterior_samples(learner, parameters, images[: config.fit_samples], rng)
    components = config.components if config.prior == "mixture" else 1
    return fit(latents, components, rng)


def posterior_samples(
    learner: Learner, parameters: Parameters, images: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return one sample of q(z|x) for each of `images`, (n, latent), float64: samples of the aggregate posterior."""
    dtype = next(iter(parameters.values())).dtype
    latents = []
    for first in range(0, len(images), _PORTION):
        mean, log_variance = learner.encode(parameters, images[first : first + _PORTION].astype(dtype, copy=False))
        latents.append(drawn(mean, log_variance, rng.standard_normal(mean.shape)))
    return np.concatenate(latents).astype(np.float64)


def fit(latents: np.ndarray, components: int, rng: np.random.Generator) -> Mixture:
    """Return the mixture of `components` Gaussians that makes `latents` (n, latent) likely.

    Expectation maximization (Dempster, Laird and Rubin 1977) from the clusters of k-means++, in float64.

    Raises
    ------
    InvalidValue
        Fewer than two samples a component, or numbers that are not finite.
    """
    latents = np.asarray(latents, dtype=np.float64)
    if len(latents) < 2 * components:
        raise InvalidValue(
            f"a mixture of {components} Gaussians needs at least {2 * components} encoded images, but got "
            f"{len(latents)}: lower `sampling.components`, or take more training images"
        )
    if not np.isfinite(latents).all():
        raise InvalidValue("encoded images must be finite to fit a density to them: did the model diverge?")
    responsibilities = _first_responsibilities(latents, components, rng)
    mixture = _maximize(latents, responsibilities)
    last = -np.inf
    for _ in range(_STEPS if components > 1 else 0):
        joint = _joint(mixture, latents)
        evidence = logsumexp(joint, axis=1)
        mixture = _maximize(latents, np.exp(joint - evidence[:, None]))
        if evidence.mean() - last < _TOLERANCE:
            break
        last = evidence.mean()
    return mixture


def _first_responsibilities(latents: np.ndarray, components: int, rng: np.random.Generator) -> np.ndarray:
    if components == 1:
        return np.ones((len(latents), 1))
    _, labels = kmeans2(latents, components, minit="++", rng=rng, missing="warn")
    return (labels[:, None] == np.arange(components)).astype(float)


def _maximize(latents: np.ndarray, responsibilities: np.ndarray) -> Mixture:
    """Return the mixture that is most likely given the responsibilities (n, k) of its components."""
    counts = responsibilities.sum(axis=0) + 1e-9  # a component that has lost all its samples keeps a finite mean
    means = responsibilities.T @ latents / counts[:, None]
    ridge = _RIDGE * latents.var(axis=0).mean() + np.finfo(float).tiny
    factors = []
    for weights, mean, count in zip(responsibilities.T, means, counts, strict=True):
        centred = latents - mean
        covariance = (centred * weights[:, None]).T @ centred / count
        covariance[np.diag_indices_from(covariance)] += ridge
        factors.append(linalg.cholesky(covariance, lower=True))
    return Mixture(weights=counts / counts.sum(), means=means, factors=np.array(factors))


def _joint(mixture: Mixture, latents: np.ndarray) -> np.ndarray:
    """Return log (weight_k N(z; mean_k, C_k)), shape (n, k)."""
    columns = []
    for weight, mean, factor in zip(mixture.weights, mixture.means, mixture.factors, strict=True):
        whitened = linalg.solve_triangular(factor, (latents - mean).T, lower=True)
        log_volume = np.log(np.diag(factor)).sum() + 0.5 * len(mean) * np.log(2 * np.pi)
        columns.append(np.log(weight) - log_volume - 0.5 * (whitened**2).sum(axis=0))
    return np.stack(columns, axis=1)
