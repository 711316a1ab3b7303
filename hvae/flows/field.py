"""The field of a Hopfield network whose state neurons are clamped, and the local rule that teaches it.

With the states x and the time neurons, if any, clamped, the hidden neurons settle to E*(x, t) = min_h E(x, t, h),
eq. (1). The field is v(x, t) = -dE*/dx. By the envelope theorem that is what the state neurons' lines bring less
their own leak,

    v(x, t) = W_xh rho(h*) + W_xt tau(t) - x,

one read of the array at equilibrium. Flow matching (Lipman et al., arXiv:2210.02747) asks it to be u = x_1 - x_0 at
x = (1 - t) x_0 + t x_1, equilibrium matching a share of that (`hvae.flows.matching`); with r = v - u the loss is
|r|^2 / 2 and its gradient

    dL/dW_ij = R_i S_j + S_i R_j,   S = rho(x, tau, h*),   R = (r, 0, rho'(h*) dh),

where dh is what the hidden neurons move when x moves along r. That is the limit of the contrast of two settlings, with
the states moved by +epsilon r and -epsilon r (`two_settlings`): eq. (5) with clamped neurons in the part of the nudge.
FlowEqProp (arXiv:2604.08150) trains such a field by three phases of steps; here the hidden neurons are solved for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, Self

import numpy as np

from crossbar.hopfield.clock import times
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.network import Network, Role
from crossbar.hopfield.neurons import Linear, Sigmoid
from crossbar.hopfield.settling import Settled
from hvae.config.flow import GAIN, TIMES


def network(n_states: int, n_hidden: int, n_times: int = TIMES, gain: float = GAIN) -> Network:
    """Return a dense network of linear states and times and sigmoid hidden neurons; states are called ``pixels``.

    Without times it has no such block.

    >>> network(4, 10).size, network(4, 10, 0).names
    (22, ('pixels', 'hidden'))
    """
    linear = [("pixels", n_states), *([("time", n_times)] if n_times else [])]
    return Network((*linear, ("hidden", n_hidden)), neurons=(*(Linear() for _ in linear), Sigmoid(gain)))


class Velocity(Protocol):
    """Something that a network of weights makes of states and times, and that can be taught."""

    @property
    def network(self) -> Network:
        """Return its neurons."""
        ...

    @property
    def weights(self) -> np.ndarray:
        """Return the weights (N, N)."""
        ...

    @property
    def devices(self) -> int:
        """Pairs of devices that a chip holds for it."""
        ...

    def velocity(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return v(x, t) (n, n_states)."""
        ...

    def gradient(self, x: np.ndarray, t: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the gradient of the loss by each pair's weight (N, N), and the loss, means over the batch."""
        ...

    def with_weights(self, weights: np.ndarray) -> Self:
        """Return the same of other `weights`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Rest:
    """Where the hidden neurons came to rest.

    Attributes
    ----------
    landscape : Landscape
    settled : Settled
    clamped : ndarray (batch, n_states + n_times)
    signals : ndarray (batch, n_hidden)
        rho(h*).
    """

    landscape: Landscape
    settled: Settled
    clamped: np.ndarray
    signals: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field v(x, t) = -dE*/dx.

    Attributes
    ----------
    network : Network
        Blocks ``pixels``, ``time`` unless the field has no time, and ``hidden``.
    weights : ndarray (N, N)
        Symmetric, zero among times and among states.
    solver, response : ConjugateGradient, LinearResponse
        What settles the hidden neurons, and what finds how they answer.
    """

    network: Network
    weights: np.ndarray
    solver: ConjugateGradient = ConjugateGradient(tolerance=1e-3, max_sweeps=200)  # noqa: RUF009 - it is frozen
    response: LinearResponse = LinearResponse(tolerance=5e-2, max_sweeps=60)  # noqa: RUF009

    @cached_property
    def role(self) -> Role:
        """States and times are held, the hidden neurons settle."""
        return self.network.role(name for name in self.network.names if name != "hidden")

    @cached_property
    def time(self) -> slice:
        """The time neurons, which stand between pixels and hidden ones."""
        return slice(self.network.block("pixels").stop, self.network.block("hidden").start)

    @property
    def devices(self) -> int:
        """Pairs of devices that a chip holds for it."""
        return int(self.network.mask().sum()) // 2

    def rest(self, x: np.ndarray, t: np.ndarray, start: np.ndarray | None = None) -> Rest:
        """Settle the hidden neurons for states `x` (n, n_states) at times `t` (n,), from `start` (n, n_hidden) or zero.

        A field without time is the same at every `t`.
        """
        n_times = self.time.stop - self.time.start
        clamped = np.concatenate([x, times(t, n_times).astype(x.dtype)], axis=1)
        landscape = Landscape.clamp(IdealWeights(self.network, self.weights), self.role, clamped)
        settled = self.solver.settle(landscape, start)
        signals = landscape.neurons.signals(settled.states)
        return Rest(landscape=landscape, settled=settled, clamped=clamped, signals=signals)

    def velocity(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return v(x, t) (n, n_states)."""
        return self.at_rest(self.rest(x, t))

    def at_rest(self, rest: Rest) -> np.ndarray:
        """Return v (n, n_states) where the hidden neurons came to `rest`: one read."""
        states, hidden = (self.network.block(name) for name in ("pixels", "hidden"))
        x, held = np.split(rest.clamped, [states.stop - states.start], axis=1)
        found: np.ndarray = rest.signals @ self.weights[hidden, states] + held @ self.weights[self.time, states] - x
        return found

    def potential(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return E*(x, t) (n,), up to what the time alone makes."""
        return self.energy(self.rest(x, t))

    def energy(self, rest: Rest) -> np.ndarray:
        """Return E* (n,) where the hidden neurons came to `rest`."""
        x, held = np.split(rest.clamped, [self.time.start], axis=1)
        held = held @ self.weights[self.time, self.network.block("pixels")]
        found: np.ndarray = rest.landscape.energy(rest.settled.states) + 0.5 * (x * x).sum(1) - (x * held).sum(1)
        return found

    def contrast(self, rest: Rest, residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return R and S (n, N), whose products are the gradient, for `residual` = v - u (n, n_states)."""
        states, hidden = self.network.block("pixels"), self.network.block("hidden")
        slopes = rest.landscape.neurons.slopes(rest.signals)
        force = -slopes * (residual @ self.weights[states, hidden])
        answer = self.response.respond(rest.landscape, rest.settled, force)
        still = np.zeros((len(residual), rest.clamped.shape[1] - residual.shape[1]), residual.dtype)
        moved = np.concatenate([residual, still, slopes * answer.displacement], axis=1)
        return moved, np.concatenate([rest.clamped, rest.signals], axis=1)

    def gradient(self, x: np.ndarray, t: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
        """Return dL/dW (N, N) of each pair's weight and the loss |v - target|^2 / 2, means over the batch."""
        rest = self.rest(x, t)
        residual = self.at_rest(rest) - target
        moved, signals = self.contrast(rest, residual)
        one_way = moved.T @ signals / len(x)
        gradient = np.where(self.network.mask(), one_way + one_way.T, 0).astype(self.weights.dtype)
        return gradient, float((residual**2).sum(1).mean() / 2)

    def two_settlings(self, x: np.ndarray, t: np.ndarray, target: np.ndarray, epsilon: float) -> np.ndarray:
        """Return what `gradient` is, by two settlings with the states moved by +-epsilon (v - target)."""
        residual = self.velocity(x, t) - target
        sides = []
        for sign in (1, -1):
            rest = self.rest(x + sign * epsilon * residual, t)
            signals = np.concatenate([rest.clamped, rest.signals], axis=1)
            sides.append(signals.T @ signals / len(x))
        return np.where(self.network.mask(), (sides[0] - sides[1]) / (2 * epsilon), 0)

    def with_weights(self, weights: np.ndarray) -> Field:
        """Return the field of other `weights`."""
        return replace(self, weights=weights)
