"""Training in memory: the steps of `hvae.training.step`, without a run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from crossbar.errors import DivergedError
from hvae.config.run import RunConfig
from hvae.learning import learners, optimizers, unsettled
from hvae.learning.learners import Learner
from hvae.models.hopfield import Parameters
from hvae.streams import stream
from hvae.training import step
from hvae.training.disturbance import Disturbance

SHARES = {"unconverged": "samples did not settle", "failed_nudges": "nudged phases failed"}
"""Metrics that tell which share of the phases came to nothing, in words."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A trained model in memory.

    Attributes
    ----------
    learner : Learner
    parameters : Parameters
    history : list of mappings
        Means of each epoch's metrics over its steps.
    steps : int
    """

    learner: Learner
    parameters: Parameters
    history: list[Mapping[str, float]]
    steps: int


def shares(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Return which shares of the phases of `metrics` came to nothing, by what failed; None where nothing settles."""
    return {words: metrics.get(name) for name, words in SHARES.items()}


def fit(config: RunConfig, images: np.ndarray, on_epoch: Callable[[int, Mapping[str, float]], None]) -> Fitted:
    """Return what `config` makes of `images` (n, pixels), pixels in [-1, 1].

    Batches, noise and initial weights follow from the seed as in a run, so that a run on the same images ends with the
    same bytes.

    Raises
    ------
    DivergedError
        Latents, a loss or a weight are no longer finite.
    UnsettledError
        More of an epoch's samples than `settling.max_unsettled` did not settle, or their nudged phases failed.
    """
    training = config.training
    learner = learners.make(config, images.shape[1])
    optimizer = optimizers.make(config.optimizer, learner.blocks())
    parameters = learner.init(stream(training.seed, "init"), np.dtype(training.precision).type)
    disturbance = Disturbance.of(config)
    steps = step.per_epoch(len(images), training.batch_size)
    history: list[Mapping[str, float]] = []
    for epoch in range(training.epochs):
        records = []
        for number in range(epoch * steps, (epoch + 1) * steps):
            batch, noise = step.draw(images, training, number, learner.latent)
            rate = optimizers.learning_rate(config.optimizer, number / (steps * training.epochs))
            at = None if disturbance is None else disturbance.at(parameters, number)
            try:
                records.append(step.advance(learner, optimizer, parameters, batch, noise, rate, at))
            except DivergedError as error:
                raise DivergedError(
                    f"training diverged at step {number + 1}: {error}; fit again with a lower `learning_rate`"
                ) from error
        history.append({name: float(np.mean([one[name] for one in records])) for name in records[0]})
        on_epoch(epoch + 1, history[-1])
        unsettled.refuse(shares(history[-1]), config.settling.max_unsettled)
    return Fitted(learner=learner, parameters=parameters, history=history, steps=steps * training.epochs)
