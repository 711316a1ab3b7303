"""From gradients to weights: stochastic gradient descent, Adam, and which optimizer a run has; learning rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from crossbar.errors import CorruptFile
from hvae.config.run import OptimizerConfig
from hvae.learning.kernels import adam
from hvae.learning.muon import Blocks, Muon
from hvae.models.hopfield import Parameters


class Optimizer(Protocol):
    """A rule that changes parameters in place, with a state that a checkpoint keeps."""

    state: Parameters

    def shapes(self, parameters: Parameters) -> dict[str, tuple[int, ...]]:
        """Return the shapes of its state after a step, by name."""
        ...

    def step(self, parameters: Parameters, gradients: Mapping[str, np.ndarray], learning_rate: float) -> None:
        """Change `parameters` in place."""
        ...


@dataclass(kw_only=True)
class SGD:
    """w <- (1 - lr decay) w - lr v, v <- momentum v + g: the local rule as it stands, no state without momentum."""

    momentum: float = 0.0
    weight_decay: float = 0.0
    state: Parameters = field(default_factory=dict)

    def shapes(self, parameters: Parameters) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the velocities."""
        return {f"velocity/{name}": weights.shape for name, weights in parameters.items()} if self.momentum else {}

    def step(self, parameters: Parameters, gradients: Mapping[str, np.ndarray], learning_rate: float) -> None:
        """Make one step of gradient descent."""
        for name, weights in parameters.items():
            change = gradients[name]
            if self.momentum:
                velocity = self.state.setdefault(f"velocity/{name}", np.zeros_like(weights))
                velocity *= weights.dtype.type(self.momentum)
                velocity += change
                change = velocity
            if self.weight_decay:
                weights *= weights.dtype.type(1 - learning_rate * self.weight_decay)
            weights -= weights.dtype.type(learning_rate) * change


@dataclass(kw_only=True)
class Adam:
    """Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1) with decoupled weight decay (arXiv:1711.05101)."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    state: Parameters = field(default_factory=dict)

    def shapes(self, parameters: Parameters) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the count and of both moments."""
        moments = {f"{kind}/{name}": parameters[name].shape for kind in ("mean", "square") for name in parameters}
        return {"count": (1,), **moments}

    def step(self, parameters: Parameters, gradients: Mapping[str, np.ndarray], learning_rate: float) -> None:
        """Make one step of Adam, bias corrected."""
        count = self.state.setdefault("count", np.zeros(1, np.int64))
        count += 1
        first_bias, second_bias = 1 - self.beta1 ** int(count[0]), 1 - self.beta2 ** int(count[0])
        for name, weights in parameters.items():
            number = weights.dtype.type
            gradient = gradients[name]
            mean = self.state.setdefault(f"mean/{name}", np.zeros_like(weights))
            square = self.state.setdefault(f"square/{name}", np.zeros_like(weights))
            adam.step(
                _flat(weights), _flat(gradient), _flat(mean), _flat(square),
                number(1 - self.beta1), number(1 - self.beta2), number(1 - learning_rate * self.weight_decay),
                number(learning_rate / first_bias), number(second_bias**-0.5), number(self.epsilon),
            )  # fmt: skip


def _flat(array: np.ndarray) -> np.ndarray:
    """Return `array` as one line that shares its memory."""
    return array.reshape(-1, copy=False)


def make(config: OptimizerConfig, blocks: Blocks) -> Optimizer:
    """Return the optimizer that `config` names, of parameters that are symmetric matrices of `blocks` where named."""
    if config.name == "sgd":
        return SGD(momentum=config.momentum, weight_decay=config.weight_decay)
    if config.name == "muon":
        return Muon(blocks=blocks, momentum=config.momentum, weight_decay=config.weight_decay)
    return Adam(weight_decay=config.weight_decay)


def restore(optimizer: Optimizer, parameters: Parameters, state: Parameters) -> None:
    """Put the `state` of a checkpoint into `optimizer`, which has made at least one step with `parameters`.

    Raises
    ------
    CorruptFile
        Something of it is missing or of another shape: moments that start at zero again would be another run.
    """
    wanted = optimizer.shapes(parameters)
    for name, shape in wanted.items():
        if name not in state or state[name].shape != shape:
            got = state[name].shape if name in state else "nothing"
            raise CorruptFile(
                f"the checkpoint should hold the optimizer's `{name}` of shape {shape}, but holds {got}: "
                "train the run again into a new folder"
            )
    optimizer.state.update({name: state[name] for name in wanted})


def learning_rate(config: OptimizerConfig, progress: float) -> float:
    """Return the learning rate at `progress` in [0, 1) through the run, by the schedule of `config`.

    Over the share `config.warmup` of the run it rises in a line from zero, times what the schedule says.
    """
    factors = {"linear": 1 - progress, "cosine": 0.5 * (1 + np.cos(np.pi * progress)), "constant": 1.0}
    rising = min(1.0, progress / config.warmup) if config.warmup else 1.0
    return config.learning_rate * float(factors[config.schedule]) * rising
