"""Rows that the paper's models are held against: principal components, a Boltzmann machine, an f-vae as searched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from crossbar import input_files
from crossbar.errors import unknown_name
from crossbar.output_files import write_json
from hvae.baselines import pca, rbm
from hvae.config.run import Prior, RunConfig
from hvae.data.sets import Dataset
from hvae.learning import costs
from hvae.reproduction.rows import Row
from hvae.runs import images
from hvae.runs.records import environment
from hvae.scores import densities, distances, features, sampling
from hvae.scores.coder import Coder
from hvae.streams import stream

_TUNED = {"model.hidden": 739, "model.latent": 12, "training.beta_kl": 0.34, "optimizer.learning_rate": 2.46e-3}
_MIXTURES: dict[str, Prior] = {"mixture": "mixture", "mixture by held-out likelihood": "mixture-heldout"}
TUNED = [
    Row(label=f"yardstick: f-vae, tuned, {words}", model="f-vae", changes=_TUNED, prior=prior)
    for words, prior in _MIXTURES.items()
]
"""The best of 30 trials of examples/sweep-f-vae.toml, with z from a mixture: of ten Gaussians, or of its own number."""

_CHANCE = 2**29 + 2  # index of the stream that baselines are fitted with; the next one draws their images


@dataclass(frozen=True, kw_only=True)
class Made:
    """A fitted baseline, and what it has generated.

    Attributes
    ----------
    coder : Coder
    parameters : dict of ndarray
    generated : ndarray (count, pixels)
    seconds : float
        Wall time of the fit.
    components : int or None
        Gaussians of a mixture that z was drawn from.
    """

    coder: Coder
    parameters: dict[str, np.ndarray]
    generated: np.ndarray
    seconds: float
    components: int | None = None


class Baseline(Protocol):
    """A row without a run folder: fitted in one go."""

    @property
    def label(self) -> str:
        """Name of its row."""
        ...

    @property
    def model(self) -> str:
        """What it is, in short."""
        ...

    @property
    def prior(self) -> str:
        """Where its images come from."""
        ...

    @property
    def epochs(self) -> float:
        """Passes over the training images; 0 of what is solved in one go."""
        ...

    def settings(self, config: RunConfig) -> dict[str, Any]:
        """Return what decides the row beside data and seed, from the tied model's `config`."""
        ...

    def make(self, config: RunConfig, dataset: Dataset, count: int, seed: int) -> Made:
        """Return the baseline, fitted to the training images, and `count` images of it."""
        ...


@dataclass(frozen=True, kw_only=True)
class PcaMixture:
    """Principal components, as many as the tied model has latents, with z from a mixture fitted to their scores."""

    label: str
    prior: Prior
    model: ClassVar[str] = "pca"
    epochs: ClassVar[float] = 0.0

    def settings(self, config: RunConfig) -> dict[str, Any]:
        """Return the number of components, of the images that Gaussians are fitted to, and of these if it is given."""
        given = {"components": config.sampling.components} if self.prior == "mixture" else {}
        return {"latents": config.model.latent, "fit_samples": config.sampling.fit_samples, **given}

    def make(self, config: RunConfig, dataset: Dataset, count: int, seed: int) -> Made:
        """Return PCA and images of it."""
        began = time.perf_counter()
        code = pca.fit(dataset.train_images, config.model.latent)
        settings = replace(config.sampling, prior=self.prior)
        density = densities.of_model(
            settings, code, code.parameters, dataset.train_images, stream(seed, "sampling", _CHANCE)
        )
        seconds = time.perf_counter() - began
        generated = sampling.generate(code, code.parameters, count, stream(seed, "sampling", _CHANCE + 1), density)
        fitted = densities.n_components(density)
        return Made(
            coder=code, parameters=code.parameters, generated=generated, seconds=seconds, components=fitted
        )


class GibbsSampledMachine:
    """scikit-learn's BernoulliRBM with as many hidden units as the tied model has latents, sampled from noise."""

    label: ClassVar[str] = "yardstick: BernoulliRBM"
    model: ClassVar[str] = "rbm"
    prior: ClassVar[str] = "gibbs"
    epochs: ClassVar[float] = float(rbm.EPOCHS)

    def settings(self, config: RunConfig) -> dict[str, Any]:
        """Return the number of hidden units, how they are trained, and the length of a chain."""
        return {
            "hidden": config.model.latent,
            "learning_rate": rbm.LEARNING_RATE,
            "batch_size": rbm.BATCH,
            "gibbs_steps": rbm.GIBBS_STEPS,
        }

    def make(self, config: RunConfig, dataset: Dataset, count: int, seed: int) -> Made:
        """Return the machine and images of it."""
        began = time.perf_counter()
        machine = rbm.fit(dataset.train_images, config.model.latent, stream(seed, "sampling", _CHANCE))
        seconds = time.perf_counter() - began
        generated = machine.generate(count, stream(seed, "sampling", _CHANCE + 1))
        return Made(coder=machine, parameters=machine.parameters, generated=generated, seconds=seconds)


BASELINES: dict[str, tuple[Baseline, ...]] = {
    "pca": tuple(PcaMixture(label=f"yardstick: PCA, {words}", prior=prior) for words, prior in _MIXTURES.items()),
    "rbm": (GibbsSampledMachine(),),
}
NAMES = (*BASELINES, "f-vae")


def check(names: Iterable[str]) -> None:
    """Refuse the first of `names` that is no yardstick.

    Raises
    ------
    UnknownName
    """
    for name in names:
        if name not in NAMES:
            raise unknown_name("yardstick", name, NAMES)


def trained_rows(names: Iterable[str]) -> list[Row]:
    """Return those of the yardsticks `names` that are rows of a run: the tuned f-vae."""
    return list(TUNED) if "f-vae" in names else []


def make(
    names: Sequence[str],
    folder: Path,
    seeds: int,
    shared: Sequence[str],
    count: int | None,
    tell: Callable[[str], object],
) -> None:
    """Fit and score the baselines `names` that ``folder/yardsticks`` does not hold yet."""
    for baseline in _named(names):
        for seed in range(seeds):
            config = _config(shared, seed)
            path = _path(folder, baseline, seed)
            if _kept(path, baseline, config, count) is None:
                tell(f"yardstick: {path}")
                path.parent.mkdir(parents=True, exist_ok=True)
                write_json(path, _scored(baseline, config, count))


def rows(
    names: Sequence[str], folder: Path, seeds: int, shared: Sequence[str], count: int | None
) -> list[list[dict[str, Any]]]:
    """Return, of each of the baselines `names`, the scores of the seeds that `folder` holds."""
    found = []
    for baseline in _named(names):
        kept = [_kept(_path(folder, baseline, seed), baseline, _config(shared, seed), count) for seed in range(seeds)]
        found.append([one for one in kept if one is not None])
    return [one for one in found if one]


def _named(names: Iterable[str]) -> list[Baseline]:
    return [baseline for name in names for baseline in BASELINES.get(name, ())]


def _config(shared: Sequence[str], seed: int) -> RunConfig:
    """Return the tied model's configuration, whose data, latents and fit of z a baseline shares."""
    return Row(label="tdh-vae", model="tdh-vae").config(shared, seed)


def _path(folder: Path, baseline: Baseline, seed: int) -> Path:
    return folder / "yardsticks" / f"{baseline.model}-{baseline.prior}-seed{seed}.json"


def _kept(path: Path, baseline: Baseline, config: RunConfig, count: int | None) -> dict[str, Any] | None:
    """Return the scores at `path` if they are those of `baseline` with `config` and `count` images."""
    if not path.exists():
        return None
    found: dict[str, Any] = input_files.json_object(path, "remove it, and start again")
    same = found.get("data") == asdict(config.data) and found.get("changes") == baseline.settings(config)
    return found if same and found.get("n_fake") == (count or found.get("n_real")) else None


def _scored(baseline: Baseline, config: RunConfig, count: int | None) -> dict[str, Any]:
    dataset, seed = images.load(config.data), config.training.seed
    real = dataset.test_images
    made = baseline.make(config, dataset, count or len(real), seed)
    mean, _ = made.coder.encode(made.parameters, real)
    compared = distances.compare(
        features.net_of(dataset.name),
        images.enlarge(made.generated),
        images.enlarge(real),
        images.enlarge(dataset.train_images[: len(made.generated)]),
        stream(seed, "sampling", _CHANCE + 2),
    )
    return {
        "label": baseline.label,
        "model": baseline.model,
        "prior": baseline.prior,
        "changes": baseline.settings(config),
        "data": asdict(config.data),
        "dataset": dataset.name,
        "seed": seed,
        "parameters": sum(weights.size for weights in made.parameters.values()),
        "epochs": baseline.epochs,
        "fitted_components": made.components,
        "seconds": made.seconds,
        "sse_half": float(costs.sse_half(sampling.decode(made.coder, made.parameters, mean), real).mean()),
        **asdict(compared),
        "commit": environment().get("commit"),
    }
