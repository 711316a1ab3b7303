"""Images from a trained model: generated from the prior, and reconstructed from other images."""

from __future__ import annotations

import numpy as np

from crossbar import memory
from crossbar.errors import DivergedError
from hvae.models.hopfield import Parameters
from hvae.models.latents import drawn
from hvae.scores.coder import Coder
from hvae.scores.densities import LatentDensity, StandardNormal

_PORTION = 500


def refuse_too_many(count: int) -> None:
    """Refuse to generate `count` images that no memory holds: each of 784 numbers, in single precision, twice.

    Raises
    ------
    InvalidValue
    """
    memory.refuse_beyond(8 * 784 * count, f"`--n` of {count:,} images", "choose a smaller --n")


def generate(
    coder: Coder,
    parameters: Parameters,
    count: int,
    rng: np.random.Generator,
    density: LatentDensity | None = None,
) -> np.ndarray:
    """Return `count` images (count, pixels), decoded from z ~ `density` (N(0, I) if None) and clipped to [-1, 1].

    The CHN's pixels have no hard bound; all models are clipped alike before they are scored.

    Raises
    ------
    DivergedError
        The decoder gives pixels that are not finite.
    """
    density = density or StandardNormal(latent=coder.latent)
    latents = density.sample(count, rng)
    return np.clip(decode(coder, parameters, latents), -1, 1)


def decode(coder: Coder, parameters: Parameters, latents: np.ndarray) -> np.ndarray:
    """Return what `latents` (n, latent) decode to, (n, pixels), not clipped.

    Raises
    ------
    DivergedError
        The decoder gives pixels that are not finite.
    """
    dtype = next(iter(parameters.values())).dtype
    parts = _portions(latents.astype(dtype, copy=False))
    return np.concatenate([_decoded(coder, parameters, part) for part in parts])


def reconstruct(
    coder: Coder, parameters: Parameters, images: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Encode `images` (n, pixels), sample z from q(z|x), decode; return output (not clipped), mu, log sigma^2.

    Raises
    ------
    DivergedError
        Encoder or decoder gives numbers that are not finite.
    """
    dtype = next(iter(parameters.values())).dtype
    outputs, means, log_variances = [], [], []
    for part in _portions(images.astype(dtype, copy=False)):
        mean, log_variance = coder.encode(parameters, part)
        noise = rng.standard_normal(mean.shape).astype(dtype)
        outputs.append(_decoded(coder, parameters, drawn(mean, log_variance, noise)))
        means.append(mean)
        log_variances.append(log_variance)
    return np.concatenate(outputs), np.concatenate(means), np.concatenate(log_variances)


def _decoded(coder: Coder, parameters: Parameters, latents: np.ndarray) -> np.ndarray:
    images = coder.decode(parameters, latents)
    if not np.isfinite(images).all():
        raise DivergedError("the decoder gives pixels that are not finite, as where a learning rate was too high")
    return images


def _portions(array: np.ndarray) -> list[np.ndarray]:
    return [array[first : first + _PORTION] for first in range(0, len(array), _PORTION)]
