"""z, as it is drawn from what the encoder says."""

from __future__ import annotations

import numpy as np

from crossbar.errors import DivergedError


def drawn(mean: np.ndarray, log_variance: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return z = mu + epsilon sigma with sigma = exp(log_variance / 2), all (batch, latent).

    (The paper's diag(exp(y/2)) is a standard deviation.)

    Raises
    ------
    DivergedError
        The encoder's equilibria are no longer finite, or far too large.
    """
    latents = mean + noise * np.exp(log_variance / 2)
    if not np.isfinite(latents).all():
        raise DivergedError("the encoder gives latents that are not finite, as where a learning rate was too high")
    return latents
