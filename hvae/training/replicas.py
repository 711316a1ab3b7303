"""Runs of one shape trained together on one device: each with its seed, rate, beta_KL and sigma."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import NamedTuple

import numpy as np
import torch

from crossbar.errors import InvalidValue
from hvae.config.run import RunConfig
from hvae.learning import learners
from hvae.learning import optimizers as schedules
from hvae.models.hopfield import Parameters
from hvae.streams import stream
from hvae.tensors import optimizers
from hvae.tensors.propagation import Place, Propagation, Tensors
from hvae.training import step as steps

OWN = {
    ("training", "seed"), ("training", "beta_kl"), ("model", "sigma"), ("optimizer", "learning_rate"),
    ("optimizer", "weight_decay"), ("optimizer", "momentum"), ("optimizer", "centring"), ("optimizer", "latent_rate"),
    ("optimizer", "warmup"),
}  # fmt: skip
"""What each of the runs may have of its own."""


class Epoch(NamedTuple):
    """What an epoch's steps use: rows (steps, replicas, batch), noise (.., latent) and rates (steps, replicas)."""

    number: int
    rows: torch.Tensor
    noise: torch.Tensor
    rates: torch.Tensor

    def at(self, place: Place) -> Epoch:
        """Return the same on the device, at its precision."""
        rates = self.rates.to(place.device, place.dtype)
        return Epoch(self.number, self.rows.to(place.device), self.noise.to(place.device), rates)


class Replicas:
    """Runs of one shape in training: their weights (replicas, N, N), optimizer, and the step that comes next.

    Batches, noise and initial weights are those that `hvae.training.loop` gives each run alone, so that a replica makes
    the training that its configuration says, but for rounding. An epoch's random numbers are drawn while the one before
    is trained.

    Attributes
    ----------
    configs : sequence of RunConfig
    propagation : Propagation
    weights : dict of str to Tensor
        By network.
    step, total_steps, steps_per_epoch : int
    """

    def __init__(self, configs: Sequence[RunConfig], images: np.ndarray, place: Place) -> None:
        """Put `images` (n, pixels) on the device, and initial weights.

        Raises
        ------
        InvalidValue
            No run, or two that differ in more than `OWN`.
        NotOnTensors
            A run that the torch engine does not have.
        """
        check(configs)
        training = configs[0].training
        self.configs, self.place, self.step = configs, place, 0
        self.steps_per_epoch = steps.per_epoch(len(images), training.batch_size)
        self.total_steps = self.steps_per_epoch * training.epochs
        self.n_images, self.batch = len(images), min(len(images), training.batch_size)
        self.propagation = Propagation(configs, place, batch=self.batch, n_pixels=images.shape[1])
        self.images = torch.as_tensor(images.astype(training.precision, copy=False), device=place.device)
        blocks = {name: network.spans for name, network in self.propagation.vae.networks.items()}
        self.optimizer = optimizers.make([one.optimizer for one in configs], blocks, place.device, place.dtype)
        self.weights: Tensors = {}
        self.restore([initial(one, images.shape[1]) for one in configs])
        self._drawing = ThreadPoolExecutor(max_workers=1)
        self._epoch: Epoch | None = None
        self._next: Future[Epoch] | None = None

    def restore(
        self, parameters: Sequence[Parameters], states: Sequence[Mapping[str, np.ndarray]] = (), step: int = 0
    ) -> None:
        """Go on from the weights and optimizers' states of `step`, one of each replica."""
        device = self.place.device
        for name in parameters[0]:
            self.weights[name] = torch.as_tensor(np.stack([one[name] for one in parameters]), device=device)
        self.optimizer.state.clear()
        if states:
            self.optimizer.state.update(optimizers.to_tensors(states, device))
        self.step = step

    def advance(self) -> Tensors:
        """Make one step; return the metrics of its batch and the largest weight after it, each (replicas,)."""
        number, position = divmod(self.step, self.steps_per_epoch)
        epoch = self._drawn(number)
        batch = self.images[epoch.rows[position]]
        metrics, gradients = self.propagation.gradients(self.weights, batch, epoch.noise[position])
        self.optimizer.step(self.weights, gradients, epoch.rates[position])
        self.step += 1
        largest = torch.stack([array.abs().amax((1, 2)) for array in self.weights.values()]).amax(0)
        return metrics | {"largest_weight": largest}

    def parameters(self, replica: int) -> Parameters:
        """Return the weights of one replica as arrays."""
        return {name: array[replica].cpu().numpy().copy() for name, array in self.weights.items()}

    def state(self, replica: int) -> Parameters:
        """Return the optimizer's state of one replica as arrays."""
        return optimizers.to_arrays(self.optimizer.state, replica)

    def _drawn(self, number: int) -> Epoch:
        """Return what epoch `number` uses, and let the next one be drawn meanwhile."""
        if self._epoch is None or self._epoch.number != number:
            ahead, self._next = self._next, None
            found = ahead.result() if ahead is not None else None
            drawn = found if found is not None and found.number == number else self._draw(number)
            self._epoch = drawn.at(self.place)  # not in the other thread: a CUDA graph may be recorded meanwhile
            if (number + 1) * self.steps_per_epoch < self.total_steps:
                self._next = self._drawing.submit(self._draw, number + 1)
        return self._epoch

    def _draw(self, number: int) -> Epoch:
        first, count = number * self.steps_per_epoch, self.steps_per_epoch
        shape = (self.batch, self.propagation.latent)
        rows, noise, rates = [], [], []
        for config in self.configs:
            order = steps.order(self.n_images, config.training, number)[: count * self.batch]
            rows.append(order.reshape(count, self.batch))
            noise.append(np.stack([steps.noise(config.training, first + k, shape) for k in range(count)]))
            progress = [(first + k) / self.total_steps for k in range(count)]
            rates.append([schedules.learning_rate(config.optimizer, done) for done in progress])
        return Epoch(
            number,
            torch.as_tensor(np.stack(rows, axis=1)),
            torch.as_tensor(np.stack(noise, axis=1)),
            torch.tensor(rates, dtype=torch.float64).T.contiguous(),
        )


def initial(config: RunConfig, n_pixels: int) -> Parameters:
    """Return the weights that a run of `config` begins with."""
    dtype = np.dtype(config.training.precision).type
    return learners.make(config, n_pixels).init(stream(config.training.seed, "init"), dtype)


def check(configs: Sequence[RunConfig]) -> None:
    """Refuse runs that cannot be trained together.

    Raises
    ------
    InvalidValue
    """
    if not configs:
        raise InvalidValue("`configs` must name at least one run")
    first = asdict(configs[0])
    for config in configs[1:]:
        for table, keys in asdict(config).items():
            for key, value in keys.items():
                if value != first[table][key] and (table, key) not in OWN:
                    raise InvalidValue(
                        f"runs that are trained together must have one `{table}.{key}`, but got {first[table][key]!r} "
                        f"and {value!r}: train them in two groups"
                    )


def numbers(metrics: Tensors) -> list[dict[str, float]]:
    """Return the metrics of each replica as numbers, in one transfer."""
    table = torch.stack([one.to(torch.float64) for one in metrics.values()]).cpu().tolist()
    return [dict(zip(metrics, column, strict=True)) for column in zip(*table, strict=True)]
