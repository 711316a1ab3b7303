"""Densities of z that images are generated from: the paper's N(0, I), a fit to encoded images, or these themselves.

beta_KL only pulls q(z|x), averaged over the data, towards N(0, I); where it stays off, samples of N(0, I) decode to
images between the digits. A density fitted *ex post* to encoded images mends that without touching the training
(Ghosh et al., arXiv:1903.12436, who fit ten Gaussians). It is no part of the paper: scores of it are named as such.
Mixtures are fitted by scikit-learn's GaussianMixture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import linalg

from crossbar.errors import InvalidValue
from hvae.config.run import SamplingConfig
from hvae.models.hopfield import Parameters
from hvae.models.latents import drawn
from hvae.scores.coder import Coder

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

COMPONENTS = (1, 2, 5, 10, 20, 50, 100, 200)
"""How many Gaussians `mixture-heldout` tries."""

_HELD_OUT = 10  # one encoding in so many is held out
_PORTION = 500
_RIDGE = 1e-6  # of the mean variance, added to every variance so that a covariance has a Cholesky factor
_STEPS = 200


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
    covariance : {"full", "tied", "diag"}
        Each Gaussian its own, one for all, or diagonal ones.
    """

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray
    covariance: str = "full"

    @property
    def devices(self) -> int:
        """Numbers that a chip holds to draw z itself, one a pair of devices.

        One word line of k is driven, and its row of a crossbar gives the mean; the noise of `latent` sources passes
        through a second, L: triangular, or a diagonal. A chip has k of these, or one for all (`tied`).
        """
        count, latent = self.means.shape
        factor = latent if self.covariance == "diag" else latent * (latent + 1) // 2
        return count * latent + (1 if self.covariance == "tied" else count) * factor

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return z, shape (count, latent), in random order (scikit-learn's own comes sorted by component)."""
        chosen = rng.choice(len(self.weights), size=count, p=self.weights)
        noise = rng.standard_normal((count, self.means.shape[1]))
        latents = np.empty_like(noise)
        for component in range(len(self.weights)):
            rows = chosen == component
            latents[rows] = self.means[component] + noise[rows] @ self.factors[component].T
        return latents


@dataclass(frozen=True, kw_only=True, slots=True)
class Encodings:
    """The encodings q(z|x) of images themselves, drawn with replacement: the aggregate posterior, a perfect prior.

    What is wrong with images decoded from it is the decoder's fault, not the prior's. It needs the training images
    where it is used, and so is a yardstick more than a generator.

    Attributes
    ----------
    means, log_variances : ndarray (n, latent)
        mu and log sigma^2 of each image; -inf of a code without noise.
    """

    means: np.ndarray
    log_variances: np.ndarray

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return z, shape (count, latent)."""
        rows = rng.integers(len(self.means), size=count)
        return drawn(self.means[rows], self.log_variances[rows], rng.standard_normal((count, self.means.shape[1])))


def of_model(
    config: SamplingConfig, coder: Coder, parameters: Parameters, images: np.ndarray, rng: np.random.Generator
) -> LatentDensity:
    """Return the density of z that `config` names, fitted where it has to be.

    Parameters
    ----------
    images : ndarray (n, pixels)
        Training images; the first ``config.fit_samples`` are encoded.
    rng : Generator
        Draws z from q(z|x), what is held out, and the first centres of the mixture.
    """
    if config.prior == "standard":
        return StandardNormal(latent=coder.latent)
    encodings = encode(coder, parameters, images[: config.fit_samples])
    if config.prior == "encodings":
        return encodings
    noise = rng.standard_normal(encodings.means.shape)
    latents = drawn(encodings.means, encodings.log_variances, noise)
    if config.prior == "mixture-heldout":
        return fit_held_out(latents, rng, covariance=config.covariance)
    return fit(latents, config.components if config.prior == "mixture" else 1, rng, config.covariance)


def n_components(density: LatentDensity) -> int | None:
    """Return of how many Gaussians a fitted `density` is; None where it is no mixture."""
    return len(density.weights) if isinstance(density, Mixture) else None


def devices(density: LatentDensity) -> int | None:
    """Return what a chip holds to draw from a fitted `density` (`Mixture.devices`); None where it is no mixture."""
    return density.devices if isinstance(density, Mixture) else None


def encode(coder: Coder, parameters: Parameters, images: np.ndarray) -> Encodings:
    """Return q(z|x) of each of `images` (n, pixels), float64."""
    dtype = next(iter(parameters.values())).dtype
    parts = [
        coder.encode(parameters, images[first : first + _PORTION].astype(dtype, copy=False))
        for first in range(0, len(images), _PORTION)
    ]
    means, log_variances = (np.concatenate(part).astype(np.float64) for part in zip(*parts, strict=True))
    return Encodings(means=means, log_variances=log_variances)


def fit(latents: np.ndarray, components: int, rng: np.random.Generator, covariance: str = "full") -> Mixture:
    """Return the mixture of `components` Gaussians that makes `latents` (n, latent) likely, by scikit-learn.

    `covariance` is "full", "tied" or "diag", see `Mixture`. Expectation maximization from the clusters of k-means, in
    float64; a millionth of the mean variance is added to every variance.

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
    fitted = _fitted(latents, components, rng, covariance)
    matrices = {"full": lambda: fitted.covariances_, "tied": lambda: [fitted.covariances_] * components,
                "diag": lambda: [np.diag(variances) for variances in fitted.covariances_]}[covariance]()  # fmt: skip
    factors = np.array([linalg.cholesky(matrix, lower=True) for matrix in matrices])
    weights = fitted.weights_ / fitted.weights_.sum()
    return Mixture(weights=weights, means=fitted.means_, factors=factors, covariance=covariance)


def fit_held_out(
    latents: np.ndarray, rng: np.random.Generator, counts: Sequence[int] = COMPONENTS, covariance: str = "full"
) -> Mixture:
    """Return the mixture of as many Gaussians, of `counts`, as make held-out samples most likely.

    Each is fitted to nine tenths of `latents` (n, latent) and judged by the mean log density of the last tenth, after
    a shuffle; the best number is fitted anew to all. Numbers that nine tenths do not suffice for are left out.

    Raises
    ------
    InvalidValue
        Fewer than four samples, or numbers that are not finite.
    """
    latents = np.asarray(latents, dtype=np.float64)
    if len(latents) < 4:
        raise InvalidValue(
            f"a mixture chosen by held-out likelihood needs at least 4 encoded images, but got {len(latents)}: take "
            "more training images, or another `sampling.prior`"
        )
    shuffled = rng.permutation(latents)
    held_out = max(1, len(latents) // _HELD_OUT)
    rest, last = shuffled[:-held_out], shuffled[-held_out:]
    allowed = [count for count in counts if 2 * count <= len(rest)]
    likelihood = {count: float(_fitted(rest, count, rng, covariance).score(last)) for count in allowed}
    return fit(latents, max(allowed, key=likelihood.__getitem__), rng, covariance)


def _fitted(latents: np.ndarray, components: int, rng: np.random.Generator, covariance: str) -> GaussianMixture:
    from sklearn.mixture import GaussianMixture

    if not np.isfinite(latents).all():
        raise InvalidValue("encoded images must be finite to fit a density to them: did the model diverge?")
    ridge = _RIDGE * float(latents.var(axis=0).mean()) + 1e-12
    model = GaussianMixture(
        components, covariance_type=covariance, reg_covar=ridge, max_iter=_STEPS,
        random_state=int(rng.integers(2**32, dtype=np.uint64)),
    )  # fmt: skip
    return model.fit(latents)
