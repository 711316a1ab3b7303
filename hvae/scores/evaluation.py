"""What a trained model is worth: losses on a split, and the distances of its generated images from real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from crossbar import input_files
from crossbar.errors import DivergedError
from crossbar.output_files import write_json
from hvae.config.run import SamplingConfig
from hvae.data.sets import Dataset
from hvae.learning import costs, unsettled
from hvae.learning.learners import Learner
from hvae.learning.unsettled import Tally
from hvae.models.hopfield import Parameters
from hvae.runs.loading import Trained
from hvae.scores import codes, densities, distances, features, kept_priors, sampling
from hvae.scores.densities import LatentDensity
from hvae.streams import stream

COLLAPSED = (
    "no latent is active: all images are encoded alike and reconstructed as their mean (posterior collapse); "
    "lower `training.beta_kl`, or train longer"
)
"""What a model says whose `active_latents` are none: its distances are those of one image."""

UNSETTLED = "samples did not settle"
MIXTURES = ("gaussian", "mixture", "mixture-heldout")
"""Priors whose `sampling.covariance` matters."""

_EPOCH_COMPONENTS, _EPOCH_ENCODINGS = 10, 4000
_FIT = 2**30  # index of the stream that ex-post densities are fitted with


def evaluate_trained(
    trained: Trained,
    dataset: Dataset,
    *,
    split: str = "test",
    seed: int = 0,
    count: int | None = None,
    settings: SamplingConfig | None = None,
    extractor: distances.Extractor | None = None,
    z: LatentDensity | None = None,
) -> dict[str, object]:
    """Return what `evaluate` finds of `trained`, and what was evaluated how; z as the run says if not by `settings`.

    `z`, where given, is the density of `settings`, fitted already.

    Raises
    ------
    DivergedError
        What the model gives, or a score of it, is not finite.
    UnsettledError
        More samples than `settling.max_unsettled` of the run did not settle.
    """
    settings = settings or trained.config.sampling
    z = z or density(trained, dataset, settings, seed)
    found = evaluate(trained.learner, trained.parameters, dataset, split, seed, count, z, extractor)
    unsettled.refuse({UNSETTLED: found["unsettled"]}, trained.config.settling.max_unsettled)  # type: ignore[dict-item]
    return {
        "model": trained.config.model.name,
        "dataset": dataset.name,
        "split": split,
        "epochs": trained.epochs if trained.epochs == trained.epochs else None,
        **described(settings),
        "fitted_components": densities.n_components(z),
        "prior_devices": densities.devices(z),
        **found,
        "seed": seed,
    }


def density(trained: Trained, dataset: Dataset, settings: SamplingConfig, seed: int) -> LatentDensity:
    """Return the density of z of `settings`, fitted to the training images of `dataset` where it has to be.

    Mixtures are kept in the run's folder (`hvae.scores.kept_priors`).
    """

    def fit() -> LatentDensity:
        rng = stream(seed, "sampling", _FIT)
        return densities.of_model(settings, trained.learner, trained.parameters, dataset.train_images, rng)

    return kept_priors.kept_or(fit, trained, dataset, settings, seed) if settings.prior in MIXTURES else fit()


def settings_of(trained: Trained, prior: str | None) -> SamplingConfig:
    """Return the run's own settings of z, from the density named `prior` if given."""
    own = trained.config.sampling
    return own if prior is None else replace(own, prior=prior)  # type: ignore[arg-type]


def described(settings: SamplingConfig) -> dict[str, object]:
    """Return `settings` as an evaluation names them; what has no part in this density is None."""
    return {
        "prior": settings.prior,
        "components": settings.components if settings.prior == "mixture" else None,
        "covariance": settings.covariance if settings.prior in MIXTURES else None,
        "fit_samples": settings.fit_samples if settings.prior != "standard" else None,
    }


def source(prior: str) -> str:
    """Return where z comes from, in words."""
    named = {
        "standard": "N(0, I)",
        "mixture-heldout": "a mixture, its size by held-out likelihood, fitted to encoded images",
        "encodings": "encodings of training images",
    }
    return named.get(prior, f"a {prior} fitted to encoded images")


def keep(run: Path, trained: Trained, found: Mapping[str, object], path: Path | None = None) -> Path:
    """Write an evaluation to `path`, or else into its run folder or beside its chip file as CHIP.evaluation.json.

    Return the path.

    Each split, prior and kind of features has a file of its own, and so has each seed, number of images and fit that is
    not the usual one: 0, as many as the split has, and the run's own.
    """
    own = described(replace(trained.config.sampling, prior=found["prior"]))  # type: ignore[arg-type]
    parts = ["evaluation"] if found["split"] == "test" else ["evaluation", str(found["split"])]
    parts += [] if found["prior"] == "standard" else [str(found["prior"])]
    parts += [f"{key}{found[key]}" for key in ("components", "covariance", "fit_samples") if found[key] != own[key]]
    parts += ["inception"] if str(found["features"]).startswith("inception") else []
    parts += [] if found["n_fake"] == found["n_real"] else [f"n{found['n_fake']}"]
    parts += [] if found["seed"] == 0 else [f"seed{found['seed']}"]
    name = "_".join(parts) + ".json"
    usual = run / name if run.is_dir() else run.with_name(f"{run.stem}.{name}")
    return write_json(path or usual, found)


def read(path: Path) -> dict[str, Any]:
    """Return the evaluation that `keep` wrote to `path`.

    Raises
    ------
    CorruptFile
        It is no JSON object.
    """
    return input_files.json_object(path, "remove it, and evaluate the run again")


def evaluate(
    learner: Learner,
    parameters: Parameters,
    dataset: Dataset,
    split: str,
    seed: int,
    count: int | None = None,
    density: LatentDensity | None = None,
    extractor: distances.Extractor | None = None,
) -> dict[str, object]:
    """Return losses and scores on `split`: SSE/2, KL, ELBO, Frechet and kernel distance, precision, recall, floor.

    And what kind of code the latents are (`hvae.scores.codes.KEYS`).
    z is sampled, not set to its mean, as in training. As many images are generated as the split has (or `count`), from
    z ~ `density`, N(0, I) if None; the floor is the Frechet distance of as many training images from the same split,
    None where the data set has not so many. ``unsettled`` is the share of all encodings and decodings that did not come
    to rest, None for a model in which nothing has to.

    Raises
    ------
    DivergedError
        What the model gives, or a score of it, is not finite.
    """
    real, _ = dataset.split(split)
    index = ("train", "validation", "test").index(split)
    tally = Tally()
    learner = learner.counted(tally)
    output, mean, log_variance = sampling.reconstruct(learner, parameters, real, stream(seed, "latent", 2**31 + index))
    fake = sampling.generate(learner, parameters, count or len(real), stream(seed, "sampling", index), density)
    judge, chance = features.of(dataset, extractor), stream(seed, "sampling", 2**31 + index)
    compared = distances.compare(judge, fake, real, dataset.train_images[: len(fake)], chance)
    sse_half = float(costs.sse_half(output, real).mean())
    kl = float(costs.kl_divergence(mean, log_variance).mean())
    found: dict[str, object] = {
        "sse_half": sse_half,
        "kl": kl,
        "elbo": -(sse_half + kl),
        **codes.described(mean, log_variance),
        "aggregate_variance": float((mean.var(axis=0) + np.exp(log_variance).mean(axis=0)).mean()),
        "frechet_distance": compared.frechet_distance,
        "kernel_distance": compared.kernel_distance,
        "kernel_distance_std": compared.kernel_distance_std,
        "precision": compared.precision,
        "recall": compared.recall,
        "unsettled": tally.unsettled,
        "features": compared.features,
        "n_real": compared.n_real,
        "n_fake": compared.n_fake,
        "floor": compared.floor,
    }
    _refuse_what_is_not_finite(found)
    return found


def of_an_epoch(settings: SamplingConfig, images: int) -> SamplingConfig:
    """Return what stands for `settings` after every epoch: at most ten Gaussians, fitted to at most 4,000 encodings.

    Fewer Gaussians where there are few training images, of which there are `images`.

    A mixture of two hundred, or one whose size held-out likelihood chooses, takes minutes to fit.
    """
    prior = "mixture" if settings.prior == "mixture-heldout" else settings.prior
    encodings = min(settings.fit_samples, _EPOCH_ENCODINGS, images)
    components = min(settings.components, _EPOCH_COMPONENTS, max(1, encodings // 4))
    return replace(settings, prior=prior, components=components, fit_samples=encodings)


def validation_scores(
    learner: Learner,
    parameters: Parameters,
    dataset: Dataset,
    count: int,
    seed: int,
    settings: SamplingConfig | None = None,
) -> dict[str, float]:
    """Return the losses on the first `count` validation images and the Frechet distance of as many generated ones.

    These come from the density of z that `settings` names (`of_an_epoch`), N(0, I) if None. And what the code of those
    images is (`hvae.scores.codes`), which says whether latents hold bits or numbers. Where samples have to settle, the
    share of those that did not too.

    Raises
    ------
    DivergedError
        One of them is not finite.
    """
    real = dataset.validation_images[:count]
    tally = Tally()
    rng = stream(seed, "validation", _FIT)
    prior = of_an_epoch(settings or SamplingConfig(), len(dataset.train_images))
    z = densities.of_model(prior, learner, parameters, dataset.train_images, rng)
    learner = learner.counted(tally)
    output, mean, log_variance = sampling.reconstruct(learner, parameters, real, stream(seed, "validation", 0))
    fake = sampling.generate(learner, parameters, len(real), stream(seed, "validation", 1), z)
    net = features.of(dataset)
    fake_moments, real_moments = (distances.moments(net.extract(some)) for some in (fake, real))
    found = {
        "validation_sse_half": float(costs.sse_half(output, real).mean()),
        "validation_kl": float(costs.kl_divergence(mean, log_variance).mean()),
        "validation_frechet_distance": distances.frechet_distance_of_moments(fake_moments, real_moments),
        **codes.logged(mean, log_variance, "validation_"),
    }
    if tally.unsettled is not None:
        found["validation_unsettled"] = tally.unsettled
    _refuse_what_is_not_finite(found)
    return found


def _refuse_what_is_not_finite(found: Mapping[str, object]) -> None:
    broken = [f"`{key}` is {value}" for key, value in found.items() if isinstance(value, float) and not isfinite(value)]
    if broken:
        raise DivergedError(f"the model has diverged: {', '.join(broken)}; train it with a lower learning rate")
