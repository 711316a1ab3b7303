"""What a trained model is worth: losses on a split, and the distances of its generated images from real ones."""

from __future__ import annotations

import numpy as np

from hvae import costs, features, images, sampling, scores
from hvae.datasets import Dataset
from hvae.learners import Learner
from hvae.model import Parameters
from hvae.streams import stream


def evaluate(  # noqa: PLR0913
    learner: Learner,
    parameters: Parameters,
    dataset: Dataset,
    split: str,
    seed: int,
    count: int | None = None,
) -> dict[str, object]:
    """Return losses and scores on `split`: SSE/2, KL, ELBO, Frechet and kernel distance, precision, recall, floor.

    z is sampled, not set to its mean, as in training. As many images are generated as the split has (or `count`);
    the floor is the Frechet distance of as many training images from the same split.
    """
    real, _ = dataset.split(split)
    index = ("train", "validation", "test").index(split)
    output, mean, log_variance = sampling.reconstruct(learner, parameters, real, stream(seed, "latent", 2**31 + index))
    fake = sampling.generate(learner, parameters, count or len(real), stream(seed, "sampling", index))
    compared = scores.compare(
        images.enlarge(fake),
        images.enlarge(real),
        images.enlarge(dataset.train_images[: len(fake)]),
        stream(seed, "sampling", 2**31 + index),
    )
    sse_half = float(costs.sse_half(output, real).mean())
    kl = float(costs.kl_divergence(mean, log_variance).mean())
    return {
        "sse_half": sse_half,
        "kl": kl,
        "elbo": -(sse_half + kl),
        "active_latents": int((mean.var(axis=0) > 0.05).sum()),
        "aggregate_variance": float((mean.var(axis=0) + np.exp(log_variance).mean(axis=0)).mean()),
        "frechet_distance": compared.frechet_distance,
        "kernel_distance": compared.kernel_distance,
        "kernel_distance_std": compared.kernel_distance_std,
        "precision": compared.precision,
        "recall": compared.recall,
        "features": compared.features,
        "n_real": compared.n_real,
        "n_fake": compared.n_fake,
        "floor": compared.floor,
    }


def validation_scores(  # noqa: PLR0913
    learner: Learner, parameters: Parameters, dataset: Dataset, real_moments: scores.Moments, count: int, seed: int
) -> dict[str, float]:
    """Return the losses on the first `count` validation images and the Frechet distance of as many generated ones."""
    real = dataset.validation_images[:count]
    output, mean, log_variance = sampling.reconstruct(learner, parameters, real, stream(seed, "validation", 0))
    fake = sampling.generate(learner, parameters, len(real), stream(seed, "validation", 1))
    fake_moments = scores.moments(features.extract(images.enlarge(fake)))
    return {
        "validation_sse_half": float(costs.sse_half(output, real).mean()),
        "validation_kl": float(costs.kl_divergence(mean, log_variance).mean()),
        "validation_frechet_distance": scores.frechet_distance_of_moments(fake_moments, real_moments),
    }
