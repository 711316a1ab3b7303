"""The denoiser's form: noisy states are clamped, and output neurons settle to the clean sample.

Blocks ``noisy``, ``time``, ``hidden`` and ``pixels``: the first two are held, the others settle. The output is nudged
by eq. (8) of the paper, |output - x_1|^2 / 2, so that the gradient is the contrast by which decoders learn. Noise is
followed by v(x, t) = (output - x) / (1 - t).

This field is not the slope of an energy: what it reads are other lines than those that it holds, so that each device of
the dense network serves one way. Beside the flow of as many weights it draws digits worse and latents of a VAE better
(docs/flows.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from crossbar.hopfield.clock import times
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.network import Network, Role
from crossbar.hopfield.neurons import Linear, Sigmoid
from crossbar.hopfield.settling import Settled
from hvae.learning.costs import decoder_cost
from hvae.learning.nudging import LinearResponseNudging


def network(n_states: int, n_hidden: int, n_times: int, gain: float) -> Network:
    """Return a dense network of linear noisy states, times and outputs, and of sigmoid hidden neurons.

    >>> network(4, 10, 2, 3.0).size
    20
    """
    blocks = (("noisy", n_states), ("time", n_times), ("hidden", n_hidden), ("pixels", n_states))
    return Network(blocks, neurons=(Linear(), Linear(), Sigmoid(gain), Linear()))


@dataclass(frozen=True, kw_only=True)
class Denoiser:
    """A field v(x, t) = (output - x) / (1 - t).

    Attributes
    ----------
    network : Network
    weights : ndarray (N, N)
        Symmetric.
    solver, response : ConjugateGradient, LinearResponse
        What settles hidden and output neurons, and what finds how they answer a nudge.
    """

    network: Network
    weights: np.ndarray
    solver: ConjugateGradient = ConjugateGradient(tolerance=1e-3, max_sweeps=200)  # noqa: RUF009 - it is frozen
    response: LinearResponse = LinearResponse(tolerance=5e-2, max_sweeps=60)  # noqa: RUF009

    @cached_property
    def role(self) -> Role:
        """Noisy states and times are held."""
        return self.network.role(["noisy", "time"])

    @property
    def devices(self) -> int:
        """Pairs of devices that a chip would hold for it."""
        return int(self.network.mask().sum()) // 2

    def held(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return what noisy neurons and those of the time hold (n, n_states + n_times)."""
        return np.concatenate([x, times(t, dict(self.network.blocks)["time"]).astype(x.dtype)], axis=1)

    def settle(self, x: np.ndarray, t: np.ndarray) -> tuple[Landscape, Settled]:
        """Settle hidden and output neurons for noisy states `x` (n, n_states) at times `t` (n,)."""
        landscape = Landscape.clamp(IdealWeights(self.network, self.weights), self.role, self.held(x, t))
        return landscape, self.solver.settle(landscape)

    def output(self, settled: Settled) -> np.ndarray:
        """Return the output (n, n_states): the clean sample that the network takes x for."""
        return settled.states[:, self.role.columns("pixels")]

    def velocity(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return v(x, t) (n, n_states), for `t` below 1."""
        found: np.ndarray = (self.output(self.settle(x, t)[1]) - x) / (1 - t)[:, None]
        return found

    def gradient(self, x: np.ndarray, t: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
        """Return dL/dW (N, N) of each pair's weight and the loss |output - x_1|^2 / 2, means over the batch.

        `target` is x_1 - x_0, so that x_1 = x + (1 - t) target.
        """
        landscape, settled = self.settle(x, t)
        clean = x + (1 - t)[:, None] * target
        nudged = LinearResponseNudging(solver=self.response).contrast(
            landscape, settled, decoder_cost(self.role, clean)
        )
        held = self.held(x, t)
        moved = self.role.join(nudged.difference, np.zeros_like(held))
        one_way = -moved.T @ self.role.join(nudged.mean, held) / len(x)
        gradient = np.where(self.network.mask(), one_way + one_way.T, 0).astype(self.weights.dtype)
        return gradient, float(((self.output(settled) - clean) ** 2).sum(1).mean() / 2)

    def with_weights(self, weights: np.ndarray) -> Denoiser:
        """Return the denoiser of other `weights`."""
        return replace(self, weights=weights)
