"""What stands beside a model's scores, so that one sees which part is the decoder's, which the prior's, and PCA's.

Images decoded from the means mu of q(z|x) show the code and its decoder; images decoded from encodings of training
images what the decoder makes of a perfect prior; the model's own samples, scored by `hvae.scores.evaluation`, what its
prior adds. Principal components of as many latents, fitted to the same training images, are the least to be beaten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hvae.baselines import pca
from hvae.config.run import SamplingConfig
from hvae.data.sets import Dataset
from hvae.learning import costs, unsettled
from hvae.learning.unsettled import Tally
from hvae.models.hopfield import Parameters
from hvae.runs.loading import Trained
from hvae.scores import densities, distances, features, sampling
from hvae.scores.coder import Coder
from hvae.scores.densities import LatentDensity
from hvae.scores.distances import Extractor, Moments
from hvae.streams import stream

KEYS = {
    "sse_half_mean": "SSE/2 from mu",
    "reconstruction_distance": "Frechet distance of reconstructions from mu",
    "perfect_prior_distance": "Frechet distance, z from encodings of training images",
    "pca_latents": "principal components",
    "pca_sse_half": "SSE/2 of PCA",
    "pca_reconstruction_distance": "Frechet distance of PCA's reconstructions",
    "pca_distance": "Frechet distance of PCA with the same prior",
}
"""What `measure` finds, with its name on screens and pages."""

_CHANCE = 2**29  # index of the first stream of the generator of samples that is drawn from here
_VERDICTS = {
    ("sse_half_mean", "pca_sse_half"): "reconstructs worse than PCA with as many latents: {} against {} (SSE/2)",
    ("reconstruction_distance", "pca_reconstruction_distance"): (
        "its reconstructions are further from real images than those of PCA with as many latents: {} against {}"
    ),
    ("frechet_distance", "pca_distance"): (
        "generates worse than PCA with as many latents and the same prior: {} against {} (Frechet distance)"
    ),
}


@dataclass(frozen=True, kw_only=True)
class _Judge:
    """What images are held against: `count` of the real ones of a split, and the features of all of them."""

    extractor: Extractor
    real: np.ndarray
    moments: Moments
    count: int

    @classmethod
    def of(cls, dataset: Dataset, split: str, count: int | None, extractor: Extractor | None = None) -> _Judge:
        real, _ = dataset.split(split)
        extractor = features.of(dataset, extractor)
        moments = distances.moments(extractor.extract(real))
        return cls(extractor=extractor, real=real, moments=moments, count=count or len(real))

    def distance(self, fake: np.ndarray) -> float:
        """Return the Frechet distance of `fake` (n, pixels), clipped as all generated images are."""
        found = self.extractor.extract(np.clip(fake, -1, 1))
        return distances.frechet_distance_of_moments(distances.moments(found), self.moments)


def silent(_: str) -> None:
    """Tell nobody."""


def measure(
    trained: Trained,
    dataset: Dataset,
    settings: SamplingConfig,
    *,
    split: str = "test",
    seed: int = 0,
    count: int | None = None,
    extractor: Extractor | None = None,
    tell: Callable[[str], object] = silent,
) -> dict[str, object]:
    """Return `KEYS` of `trained` on `split` of `dataset`, with distances of `count` images (as many as the split has).

    ``sse_half_mean`` is SSE/2 decoded from mu, not from z ~ q(z|x), over the whole split. ``pca_distance`` draws z from
    the density that `settings` names, fitted to PCA's whitened scores as the model's is to its encodings. PCA has as
    many components as the model latents (``pca_latents``), or as many as there are pixels or images.

    Parameters
    ----------
    tell : callable
        Hears in words what is done next; it takes minutes for a full-size Hopfield model.

    Raises
    ------
    DivergedError
        What the model gives is not finite.
    UnsettledError
        More samples than `settling.max_unsettled` of the run did not settle.
    """
    judge = _Judge.of(dataset, split, count, extractor)
    own = _of_the_model(trained, dataset, settings, judge, seed, tell)
    tell("yardstick 3 of 4: principal components")
    linear = pca.fit(dataset.train_images, trained.learner.latent)
    linear_sse_half, linear_rebuilt = _reconstructed(linear, linear.parameters, judge)
    tell("yardstick 4 of 4: principal components, generated")
    density = _density(settings, linear, linear.parameters, dataset, seed)
    return own | {
        "pca_latents": linear.latent,
        "pca_sse_half": linear_sse_half,
        "pca_reconstruction_distance": linear_rebuilt,
        "pca_distance": _generated(linear, linear.parameters, density, judge, seed),
    }


def of_the_model(
    trained: Trained,
    dataset: Dataset,
    settings: SamplingConfig,
    *,
    split: str = "test",
    seed: int = 0,
    count: int | None = None,
) -> dict[str, object]:
    """Return those of `KEYS` that are the model's own, as `measure` does, without principal components.

    Raises
    ------
    DivergedError, UnsettledError
        As `measure`.
    """
    return _of_the_model(trained, dataset, settings, _Judge.of(dataset, split, count), seed, silent)


def verdicts(found: Mapping[str, Any]) -> list[str]:
    """Return in a sentence each what the evaluation `found` is worse in than PCA; nothing where it says nothing of PCA.

    >>> verdicts({"sse_half_mean": 55.0, "pca_sse_half": 44.1})
    ['reconstructs worse than PCA with as many latents: 55.0 against 44.1 (SSE/2)']
    """
    told = []
    for (own, linear), sentence in _VERDICTS.items():
        ours, theirs = found.get(own), found.get(linear)
        if isinstance(ours, int | float) and isinstance(theirs, int | float) and ours > theirs:
            told.append(sentence.format(_figure(ours), _figure(theirs)))
    return told


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def _of_the_model(
    trained: Trained,
    dataset: Dataset,
    settings: SamplingConfig,
    judge: _Judge,
    seed: int,
    tell: Callable[[str], object],
) -> dict[str, object]:
    tally = Tally()
    learner, parameters = trained.learner.counted(tally), trained.parameters
    tell("yardstick 1 of 4: reconstructions from mu")
    sse_half, rebuilt = _reconstructed(learner, parameters, judge)
    tell("yardstick 2 of 4: images decoded from encodings of training images")
    perfect = _density(replace(settings, prior="encodings"), learner, parameters, dataset, seed)
    decoded = _generated(learner, parameters, perfect, judge, seed)
    unsettled.refuse({"samples did not settle": tally.unsettled}, trained.config.settling.max_unsettled)
    return {"sse_half_mean": sse_half, "reconstruction_distance": rebuilt, "perfect_prior_distance": decoded}


def _reconstructed(coder: Coder, parameters: Parameters, judge: _Judge) -> tuple[float, float]:
    """Return SSE/2 of the real images decoded from mu, and the distance of the first `count` of these images."""
    output = sampling.decode(coder, parameters, densities.encode(coder, parameters, judge.real).means)
    return float(costs.sse_half(output, judge.real).mean()), judge.distance(output[: judge.count])


def _generated(coder: Coder, parameters: Parameters, density: LatentDensity, judge: _Judge, seed: int) -> float:
    """Return the distance of `count` images decoded from z ~ `density`."""
    rng = stream(seed, "sampling", _CHANCE)
    return judge.distance(sampling.generate(coder, parameters, judge.count, rng, density))


def _density(
    settings: SamplingConfig, coder: Coder, parameters: Parameters, dataset: Dataset, seed: int
) -> LatentDensity:
    rng = stream(seed, "sampling", _CHANCE + 1)
    return densities.of_model(settings, coder, parameters, dataset.train_images, rng)
