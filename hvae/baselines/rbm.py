"""A restricted Boltzmann machine: the textbook generator with a symmetric matrix and binary units, as a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from sklearn.neural_network import BernoulliRBM

LEARNING_RATE, BATCH, EPOCHS = 0.02, 100, 20
"""Chosen on the validation split of MNIST (docs/reproduce.md)."""

GIBBS_STEPS = 1000
"""Of a chain from noise to an image."""


@dataclass(frozen=True, kw_only=True)
class BoltzmannMachine:
    """An encoder, a decoder and a generator of images, by scikit-learn's BernoulliRBM; pixels [-1, 1] are [0, 1] in it.

    Attributes
    ----------
    fitted : sklearn.neural_network.BernoulliRBM
    """

    fitted: BernoulliRBM

    @property
    def latent(self) -> int:
        """Hidden units."""
        return int(self.fitted.n_components)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Its weights, by name."""
        return {
            "weights": self.fitted.components_,
            "visible": self.fitted.intercept_visible_,
            "hidden": self.fitted.intercept_hidden_,
        }

    def encode(self, parameters: dict[str, np.ndarray], images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return P(h = 1 | v) of images (batch, pixels), and -inf: the mean-field code has no noise."""
        hidden = expit(_unit(images) @ parameters["weights"].T + parameters["hidden"])
        return hidden, np.full_like(hidden, -np.inf)

    def decode(self, parameters: dict[str, np.ndarray], latents: np.ndarray) -> np.ndarray:
        """Return P(v = 1 | h) as pixels in [-1, 1]."""
        return 2 * expit(latents @ parameters["weights"] + parameters["visible"]) - 1

    def generate(self, count: int, rng: np.random.Generator, steps: int = GIBBS_STEPS) -> np.ndarray:
        """Return `count` images (count, pixels) in [-1, 1]: P(v = 1 | h) after `steps` of Gibbs sampling from noise.

        One chain an image; each step draws all hidden units given the pixels, and all pixels given those.
        """
        weights = self.parameters["weights"].astype(np.float32)
        visible, hidden = (self.parameters[name].astype(np.float32) for name in ("visible", "hidden"))
        pixels = np.full((count, weights.shape[1]), 0.5, np.float32)
        for _ in range(steps):
            on = rng.random(pixels.shape, np.float32) < pixels
            units = expit(on.astype(np.float32) @ weights.T + hidden)
            drawn = (rng.random(units.shape, np.float32) < units).astype(np.float32)
            pixels = expit(drawn @ weights + visible)
        return 2 * pixels - 1


def fit(
    images: np.ndarray,
    hidden: int,
    rng: np.random.Generator,
    epochs: int = EPOCHS,
    learning_rate: float = LEARNING_RATE,
) -> BoltzmannMachine:
    """Return the machine of `hidden` units trained on images (n, pixels) in [-1, 1].

    By persistent contrastive divergence (Tieleman, doi:10.1145/1390156.1390290), with pixels as probabilities.
    """
    from sklearn.neural_network import BernoulliRBM

    seed = int(rng.integers(2**32, dtype=np.uint64))
    model = BernoulliRBM(
        hidden, learning_rate=learning_rate, batch_size=min(BATCH, len(images)), n_iter=epochs, random_state=seed
    )
    return BoltzmannMachine(fitted=model.fit(_unit(images)))


def _unit(images: np.ndarray) -> np.ndarray:
    return (np.clip(images, -1, 1) + 1) / 2
