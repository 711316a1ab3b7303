"""How well a flow draws, beside what needs no learning: a Gaussian, a mixture, a mixture of principal components."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hvae.baselines import pca
from hvae.data.sets import Dataset
from hvae.flows.flow import Flow
from hvae.flows.lessons import lesson, outward
from hvae.scores import densities, distances
from hvae.scores.distances import Extractor

COUNT = 2000  # images that every generator draws
COMPONENTS = 10
MOST = 256  # pixels of a mixture of full covariances
LATENT = 32  # principal components under the second mixture


class Generator(Protocol):
    """Something that images can be drawn from."""

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return images (count, pixels)."""
        ...


class _Decoded:
    """A mixture of the scores of principal components, drawn and decoded."""

    def __init__(self, images: np.ndarray, rng: np.random.Generator) -> None:
        self.code = pca.fit(images, LATENT)
        scores = self.code.encode(self.code.parameters, images)[0]
        self.density = densities.fit(scores, COMPONENTS, rng)

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return images (count, pixels)."""
        return self.code.decode(self.code.parameters, self.density.sample(count, rng))


def trivial(images: np.ndarray, rng: np.random.Generator, margin: float = 0.0) -> dict[str, Generator]:
    """Return the generators that are fitted to `images` (n, pixels), by their names.

    With a `margin` there is a mixture too that is fitted to what the flow is: pixels at their ends moved outward.
    Images of more than `MOST` pixels get no mixture of full covariances, which would take hours.
    """
    found: dict[str, Generator] = {
        "gaussian": densities.fit(images, 1, rng),
        f"pca_{min(LATENT, *images.shape)}_mixture_{COMPONENTS}": _Decoded(images, rng),
    }
    if images.shape[1] > MOST:
        return found
    found[f"mixture_{COMPONENTS}"] = densities.fit(images, COMPONENTS, rng)
    if margin:
        found[f"mixture_{COMPONENTS}_margin"] = densities.fit(outward(images, margin, rng), COMPONENTS, rng)
    return found


def distance(judge: Extractor, made: np.ndarray, real: np.ndarray) -> float:
    """Return the Frechet distance of `made` images from `real` ones, clipped to [-1, 1]."""
    one, other = (distances.moments(judge.extract(np.clip(some, -1, 1).astype(np.float32))) for some in (made, real))
    return distances.frechet_distance_of_moments(one, other)


def losses(flow: Flow, images: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """Return the mean of |v - u|^2 a coordinate over `images` (n, pixels), each with a noise of its own, not paired.

    ``loss`` in the flow's units, where noise has variance 1; ``loss_of_pixels`` in those of the pixels.
    """
    end = flow.units.inward(images)
    start, t = rng.standard_normal(end.shape, dtype=np.float32), rng.random(len(end), dtype=np.float32)
    taught = lesson(start, end, t, flow.matching)
    missed = flow.field.velocity(taught.x, taught.t) - taught.target
    return {
        "loss": float(np.mean(missed**2)),
        "loss_of_pixels": float(np.mean((missed * flow.units.scale) ** 2)),
    }


def score(
    flow: Flow, data: Dataset, judge: Extractor, rng: np.random.Generator, count: int = COUNT, margin: float = 0.0
) -> dict[str, float]:
    """Return the figures of `flow` on the test images of `data`, and those of `trivial` methods beside them.

    `margin` is that of its teaching.

    ``distance_training_images`` is what as many images of the data set itself have: no generator is expected below it.
    """
    real, fitted = data.test_images, data.train_images
    found = {"weights": float(flow.devices), **losses(flow, real, rng)}
    found["distance"] = distance(judge, flow.sample(count, rng), real)
    for name, generator in trivial(fitted, rng, margin).items():
        found[f"distance_{name}"] = distance(judge, generator.sample(count, rng), real)
    found["distance_training_images"] = distance(judge, rng.permutation(fitted)[:count], real)
    return found
