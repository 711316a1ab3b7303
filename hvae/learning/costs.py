"""The two costs of a VAE, eq. (6) to (8), and the nudges that they put on decoder and encoder, eq. (8), (10), (11)."""

from __future__ import annotations

import numpy as np

from crossbar.hopfield.energy import Nudge
from crossbar.hopfield.network import Role


def sse_half(output: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return the reconstruction loss sum (y_dec - x)^2 / 2 of each image, (batch,), pixels in [-1, 1]."""
    return 0.5 * ((output - images) ** 2).sum(axis=1)


def kl_divergence(mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """Return eq. (7), sum (sigma^2 + mu^2 - 1 - log sigma^2) / 2, of each image, (batch,)."""
    return 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1)


def decoder_cost(role: Role, images: np.ndarray) -> Nudge:
    """Return the cost on the decoder's free states whose gradient is eq. (8): y_dec - x on the pixels."""
    linear = np.zeros((len(images), role.n_free), images.dtype)
    quadratic = np.zeros(role.n_free, images.dtype)
    linear[:, role.columns("pixels")] = -images
    quadratic[role.columns("pixels")] = 1
    return Nudge(linear=linear, quadratic=quadratic)


def encoder_cost(
    role: Role, latent_gradient: np.ndarray, log_variance: np.ndarray | None, noise: np.ndarray, beta_kl: float
) -> Nudge:
    """Return the cost on the encoder's free states: the decoder's gradient carried over, eq. (10), plus KL, eq. (11).

    The gradient of z is frozen at its value from the decoder's phases. The KL term of the means, beta_KL mu, follows
    the current state (it is quadratic); that of the log variances, beta_KL (exp(y) - 1) / 2, is frozen at the free
    state, which leaves the limit beta -> 0 as it is and the nudge quadratic.

    Parameters
    ----------
    latent_gradient : ndarray (batch, latent)
        grad_z L_SSE of eq. (9).
    log_variance : ndarray (batch, latent) or None
        y_(log sigma^2) of the free state, None where sigma is fixed.
    noise : ndarray (batch, latent)
        epsilon of z = mu + epsilon sigma.
    """
    batch, latent = latent_gradient.shape
    linear = np.zeros((batch, role.n_free), latent_gradient.dtype)
    quadratic = np.zeros(role.n_free, latent_gradient.dtype)
    first = role.columns("latent").start
    linear[:, first : first + latent] = latent_gradient
    quadratic[first : first + latent] = beta_kl
    if log_variance is not None:
        half = latent_gradient.dtype.type(0.5)
        sigma = np.exp(half * log_variance)
        by_variance = half * sigma * noise * latent_gradient + half * beta_kl * (np.exp(log_variance) - 1)
        linear[:, first + latent : first + 2 * latent] = by_variance
    return Nudge(linear=linear, quadratic=quadratic)
