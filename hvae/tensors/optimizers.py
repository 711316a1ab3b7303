"""From gradients to weights on tensors: the steps of `hvae.learning.optimizers`, each replica at its own rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch

from hvae.config.run import OptimizerConfig
from hvae.learning.muon import POLYNOMIALS, Blocks, pairs

Tensors = dict[str, torch.Tensor]


class Optimizer(Protocol):
    """A rule that changes weights (replicas, N, N) in place; `state` has the names of `hvae.learning.optimizers`."""

    state: Tensors

    def step(self, weights: Tensors, gradients: Mapping[str, torch.Tensor], rates: torch.Tensor) -> None:
        """Make one step, at `rates` (replicas,)."""
        ...


@dataclass(kw_only=True)
class SGD:
    """w <- (1 - lr decay) w - lr v, v <- momentum v + g; `momentum` and `decay` are (replicas,), or None."""

    momentum: torch.Tensor | None
    decay: torch.Tensor | None
    state: Tensors = field(default_factory=dict)

    def step(self, weights: Tensors, gradients: Mapping[str, torch.Tensor], rates: torch.Tensor) -> None:
        """Make one step of gradient descent."""
        for name, array in weights.items():
            change = gradients[name]
            if self.momentum is not None:
                velocity = self.state.setdefault(f"velocity/{name}", torch.zeros_like(array))
                change = velocity.mul_(self.momentum[:, None, None]).add_(change)
            _decay(array, self.decay, rates)
            array.addcmul_(change, -rates[:, None, None])


@dataclass(kw_only=True)
class Adam:
    """Adam, bias corrected, with decoupled weight decay; see `hvae.learning.optimizers.Adam`."""

    decay: torch.Tensor | None
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    state: Tensors = field(default_factory=dict)

    def step(self, weights: Tensors, gradients: Mapping[str, torch.Tensor], rates: torch.Tensor) -> None:
        """Make one step of Adam."""
        count = self.state.setdefault("count", torch.zeros(1, dtype=torch.int64))  # on the host: nothing waits for it
        count += 1
        first_bias, second_bias = 1 - self.beta1 ** int(count), 1 - self.beta2 ** int(count)
        for name, array in weights.items():
            gradient = gradients[name]
            mean = self.state.setdefault(f"mean/{name}", torch.zeros_like(array))
            square = self.state.setdefault(f"square/{name}", torch.zeros_like(array))
            mean.lerp_(gradient, 1 - self.beta1)
            square.mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
            scale = square.sqrt().mul_(second_bias**-0.5).add_(self.epsilon)
            _decay(array, self.decay, rates)
            array.addcmul_(torch.div(mean, scale, out=scale), (rates * (-1 / first_bias))[:, None, None])


@dataclass(kw_only=True)
class Muon:
    """Orthogonalised momentum, by pair of blocks of each network; see `hvae.learning.muon.Muon`."""

    blocks: Blocks
    momentum: torch.Tensor
    decay: torch.Tensor | None
    state: Tensors = field(default_factory=dict)

    def step(self, weights: Tensors, gradients: Mapping[str, torch.Tensor], rates: torch.Tensor) -> None:
        """Make one step."""
        momentum, rates_ = self.momentum[:, None, None], rates[:, None, None]
        for name, array in weights.items():
            velocity = self.state.setdefault(f"velocity/{name}", torch.zeros_like(array))
            velocity.mul_(momentum).add_(gradients[name])
            ahead = torch.addcmul(gradients[name], momentum, velocity)
            _decay(array, self.decay, rates)
            for rows, columns in pairs(self.blocks[name]):
                direction = ahead[:, rows, columns]
                change = rates_ * max(direction.shape[1:]) ** 0.5 * orthogonalised(direction)
                if rows == columns:
                    change = 0.5 * (change + change.mT)
                    change.diagonal(dim1=1, dim2=2).zero_()
                    array[:, rows, rows] -= change
                else:
                    array[:, rows, columns] -= change
                    array[:, columns, rows] = array[:, rows, columns].mT


def orthogonalised(matrices: torch.Tensor) -> torch.Tensor:
    """Return U f(S) V^T of each of `matrices` (replicas, n, m) = U S V^T, see `hvae.learning.muon.orthogonalised`."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    norm = torch.linalg.matrix_norm(x, keepdim=True)
    x = x / torch.where(norm == 0, torch.ones_like(norm), norm)
    for a, b, c in POLYNOMIALS:
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


def _decay(array: torch.Tensor, decay: torch.Tensor | None, rates: torch.Tensor) -> None:
    if decay is not None:
        array.mul_((1 - rates * decay)[:, None, None])


def make(
    configs: Sequence[OptimizerConfig], blocks: Blocks, device: torch.device, dtype: torch.dtype
) -> Optimizer:
    """Return the optimizer of `configs`, which differ in rate, momentum and weight decay alone.

    `blocks` are the neurons of each block, by network.
    """
    decays = [one.weight_decay for one in configs]
    decay = torch.tensor(decays, dtype=torch.float64).to(device, dtype) if any(decays) else None
    shares = [one.momentum for one in configs]
    momentum = torch.tensor(shares, dtype=torch.float64).to(device, dtype)
    if configs[0].name == "sgd":
        return SGD(momentum=momentum if any(shares) else None, decay=decay)
    if configs[0].name == "muon":
        return Muon(blocks=blocks, momentum=momentum, decay=decay)
    return Adam(decay=decay)


def to_arrays(state: Tensors, replica: int) -> dict[str, np.ndarray]:
    """Return the `state` of one replica as a checkpoint keeps it."""
    return {name: (one if name == "count" else one[replica]).cpu().numpy().copy() for name, one in state.items()}


def to_tensors(states: Sequence[Mapping[str, np.ndarray]], device: torch.device) -> Tensors:
    """Return what checkpoints keep, one of each replica, as the state of all of them."""
    found = {}
    for name, first in states[0].items():
        shared = name == "count"
        array = first.copy() if shared else np.stack([state[name] for state in states])
        found[name] = torch.as_tensor(array, device=None if shared else device)
    return found
