"""What is scored: anything that encodes images and decodes latents."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hvae.models.hopfield import Parameters


class Coder(Protocol):
    """An encoder of images (batch, pixels) to q(z|x) and a decoder of z: a learner, or a baseline."""

    @property
    def latent(self) -> int:
        """Dimensions of z."""
        ...

    def encode(self, parameters: Parameters, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mu and log sigma^2 of q(z|x), each (batch, latent)."""
        ...

    def decode(self, parameters: Parameters, latents: np.ndarray) -> np.ndarray:
        """Return images (batch, pixels), not clipped."""
        ...
