"""One step of training: which images, which noise, and the change of the weights. Runs and estimators share it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from crossbar.errors import DivergedError
from hvae.config.run import TrainingConfig
from hvae.learning.learners import Learner
from hvae.models.hopfield import Parameters
from hvae.streams import stream


class Updates(Protocol):
    """What changes the weights: an optimizer, or a chip's learning rule."""

    def step(self, parameters: Parameters, gradients: Any, learning_rate: float, /) -> None:
        """Change `parameters` in place."""
        ...


def per_epoch(n_images: int, batch_size: int) -> int:
    """Return how many steps an epoch has; images that fill no batch are left out, another few each epoch.

    >>> per_epoch(4000, 128), per_epoch(20, 128)
    (31, 1)
    """
    return max(1, n_images // batch_size)


def draw(images: np.ndarray, training: TrainingConfig, step: int, latent: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the batch (batch, pixels) of `step`, from 0, and the noise (batch, latent) of its z.

    Both follow from the seed and the number of the step alone, so that a resumed run draws what it would have drawn.
    """
    epoch, position = divmod(step, per_epoch(len(images), training.batch_size))
    rows = order(len(images), training, epoch)[position * training.batch_size : (position + 1) * training.batch_size]
    batch = images[rows].astype(training.precision, copy=False)
    return batch, noise(training, step, (len(batch), latent))


def order(n_images: int, training: TrainingConfig, epoch: int) -> np.ndarray:
    """Return in which order (n_images,) the images of `epoch` are taken."""
    return stream(training.seed, "data", epoch).permutation(n_images)


def noise(training: TrainingConfig, step: int, shape: tuple[int, int]) -> np.ndarray:
    """Return the noise (batch, latent) of `step`."""
    return stream(training.seed, "latent", step).standard_normal(shape).astype(training.precision)


def advance(
    learner: Learner,
    updates: Updates,
    parameters: Parameters,
    batch: np.ndarray,
    noise: np.ndarray,
    learning_rate: float,
    at: Parameters | None = None,
) -> dict[str, float]:
    """Change `parameters` by what `batch` teaches; return the metrics, the largest weight among them.

    The gradient is that of the weights `at`, of `parameters` themselves if None.

    Raises
    ------
    DivergedError
        Latents, a loss or a weight are no longer finite.
    """
    metrics, gradients = learner.gradients(parameters if at is None else at, batch, noise)
    if not all(np.isfinite(value) for value in metrics.values()):
        raise DivergedError(f"the metrics are {metrics}")
    updates.step(parameters, gradients, learning_rate)
    largest = max(float(np.abs(weights).max()) for weights in parameters.values())
    if not np.isfinite(largest):
        raise DivergedError("a weight is not finite")
    return metrics | {"largest_weight": largest}
