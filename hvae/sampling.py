"""Images from a trained model: generated from the prior, and reconstructed from other images."""

from __future__ import annotations

import numpy as np

from hvae.latent_density import LatentDensity, StandardNormal
from hvae.learners import Learner
from hvae.model import Parameters

_PORTION = 500


def generate(
    learner: Learner,
    parameters: Parameters,
    count: int,
    rng: np.random.Generator,
    density: LatentDensity | None = None,
) -> np.ndarray:
    """Return `count` images (count, pixels), decoded from z ~ `density` (N(0, I) if None) and clipped to [-1, 1].

    The CHN's pixels have no hard bound; all models are clipped alike before they are scored.
    """
    dtype = next(iter(parameters.values())).dtype
    density = density or StandardNormal(latent=learner.latent)
    latents = density.sample(count, rng).astype(dtype)
    return np.concatenate([np.clip(learner.decode(parameters, part), -1, 1) for part in _portions(latents)])


def reconstruct(
    learner: Learner, parameters: Parameters, images: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Encode `images` (n, pixels), sample z from q(z|x), decode; return output (not clipped), mu, log sigma^2."""
    dtype = next(iter(parameters.values())).dtype
    outputs, means, log_variances = [], [], []
    for part in _portions(images.astype(dtype, copy=False)):
        mean, log_variance = learner.encode(parameters, part)
        noise = rng.standard_normal(mean.shape).astype(dtype)
        outputs.append(learner.decode(parameters, mean + noise * np.exp(log_variance / 2)))
        means.append(mean)
        log_variances.append(log_variance)
    return np.concatenate(outputs), np.concatenate(means), np.concatenate(log_variances)


def _portions(array: np.ndarray) -> list[np.ndarray]:
    return [array[first : first + _PORTION] for first in range(0, len(array), _PORTION)]
