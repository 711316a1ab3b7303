"""The laws of neurons, column by column: what a signal, its slope and its state are where columns differ in law.

Signals r and states s are (..., n). A sigmoid neuron (kind 0) has r = 1 / (1 + exp(-gain s)) and phi = s^2 / 2, the
paper's; a linear one (1) r = s; a classical one (2) r = 1 / (1 + exp(-gain s)) and phi = integral of s dr.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from crossbar.hopfield.population import Population

SIGMOID, LINEAR, CLASSICAL = 0, 1, 2


class Slopes(NamedTuple):
    """What the laws give at signals r: the states s, steep = ds/dr = 1 / rho', and lean = gain (2 r - 1)."""

    states: torch.Tensor
    steep: torch.Tensor
    lean: torch.Tensor


@dataclass(frozen=True)
class Columns:
    """Neurons side by side.

    Attributes
    ----------
    kind : Tensor (n,) of int32
    gain : Tensor (n,)
        1 where the neuron is linear.
    """

    kind: torch.Tensor
    gain: torch.Tensor

    @classmethod
    def of(cls, kinds: np.ndarray, gains: np.ndarray, device: torch.device, dtype: torch.dtype) -> Columns:
        """Return the columns of `kinds` (n,) and `gains` (n,)."""
        kind = torch.as_tensor(np.asarray(kinds, np.int32), device=device)
        return cls(kind, torch.as_tensor(np.asarray(gains, np.float64), device=device).to(dtype))

    def padded(self, width: int) -> Columns:
        """Return these columns, and linear ones up to `width`: such a neuron without couplings stays at zero."""
        more = width - len(self.kind)
        pad = torch.nn.functional.pad
        return Columns(pad(self.kind, (0, more), value=LINEAR), pad(self.gain, (0, more), value=1.0))

    @cached_property
    def bounded(self) -> torch.Tensor:
        """Which signals lie in (0, 1)."""
        return self.kind != LINEAR

    @cached_property
    def classical(self) -> torch.Tensor:
        """Which neurons are Hopfield's of 1984."""
        return self.kind == CLASSICAL

    def signals(self, states: torch.Tensor) -> torch.Tensor:
        """Return r = rho(s)."""
        return torch.where(self.bounded, 0.5 + 0.5 * torch.tanh(states * (0.5 * self.gain)), states)

    def slopes(self, signals: torch.Tensor) -> torch.Tensor:
        """Return rho'(s), from the signals."""
        return torch.where(self.bounded, self.gain * signals * (1 - signals), 1.0)

    def states(self, signals: torch.Tensor) -> torch.Tensor:
        """Return the s that gives `signals`."""
        inside = torch.where(self.bounded, signals, 0.5)
        return torch.where(self.bounded, torch.log(inside / (1 - inside)) / self.gain, signals)

    def at(self, signals: torch.Tensor) -> Slopes:
        """Return states, steepness and lean at `signals`."""
        inside = torch.where(self.bounded, signals, 0.5)
        rest = 1 - inside
        states = torch.where(self.bounded, torch.log(inside / rest) / self.gain, signals)
        steep = torch.where(self.bounded, 1 / (self.gain * inside * rest), 1.0)
        return Slopes(states, steep, torch.where(self.bounded, self.gain * (inside + inside - 1), 0.0))

    def energy(self, states: torch.Tensor, signals: torch.Tensor) -> torch.Tensor:
        """Return phi of each neuron, zero at s = 0."""
        half = 0.5 * states * states
        rest = torch.where(self.classical, 1 - signals, 1.0)
        own = states * signals + (torch.log(rest) + float(np.log(2))) / self.gain
        return torch.where(self.classical, own, half)

    def stiffness(self, states: torch.Tensor, signals: torch.Tensor) -> torch.Tensor:
        """Return the Hessian's diagonal in s at rest, couplings apart: 1 + gain s (2 r - 1), 1, or rho'."""
        sigmoid = 1 + self.gain * states * (signals + signals - 1)
        stiff = torch.where(self.bounded, sigmoid, 1.0)
        return torch.where(self.classical, self.slopes(signals), stiff)

    @cached_property
    def rest(self) -> torch.Tensor:
        """Signals (n,) of state zero."""
        return torch.where(self.bounded, torch.full_like(self.gain, 0.5), torch.zeros_like(self.gain))


def of_population(neurons: Population, device: torch.device, dtype: torch.dtype) -> Columns:
    """Return `neurons` column by column."""
    count = neurons.stops[-1] if neurons.stops else 0
    kinds, gains = np.zeros(count, np.int32), np.ones(count)
    for law, columns in neurons.runs:
        kinds[columns], gains[columns] = law.kind, law.gain
    return Columns.of(kinds, gains, device, dtype)
