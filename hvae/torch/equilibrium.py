"""The equilibrium of a Hopfield network as a function that torch can differentiate, by two exact rules.

With v = H^-1 dL/ds, H the Hessian of the energy (eq. 1) at the equilibrium s*, the gradients are

    dL/dW_ij = v_j rho'(s_j) rho(s_i),    dL/dx_i = rho'(x_i) sum_j W_ij v_j rho'(s_j),

for a neuron i that drives j. ``implicit`` solves for v by conjugate gradients. ``ep`` settles twice, under forces of
-beta and +beta times dL/ds (eq. 4 with a linear nudge), and takes the differences over 2 beta (eq. 5 and 9): its error
falls as beta^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights, multiply_patches
from crossbar.hopfield.energy import Landscape, Nudge
from crossbar.hopfield.linear_response import LinearResponse, ResponseOutcome
from crossbar.hopfield.network import Role
from crossbar.hopfield.settling import Settled


@dataclass(frozen=True, kw_only=True)
class Gradients:
    """What a backward pass gives.

    Attributes
    ----------
    weights : ndarray (N, N)
        dL/dW, every ordered pair a parameter of its own: rows drive, columns are driven.
    inputs : ndarray (batch, n_clamped)
        dL/dx.
    failed : int
        Samples for which it could not be found.
    """

    weights: np.ndarray
    inputs: np.ndarray
    failed: int


class Backward(Protocol):
    """How a gradient of the equilibrium is found."""

    def gradients(self, landscape: Landscape, inputs: np.ndarray, settled: Settled, force: np.ndarray) -> Gradients:
        """Return the gradients for `force` = dL/ds (batch, n_free) at the equilibria `settled`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Implicit:
    """By the implicit function theorem: one linear system a sample, solved by conjugate gradients."""

    solver: LinearResponse

    def gradients(self, landscape: Landscape, inputs: np.ndarray, settled: Settled, force: np.ndarray) -> Gradients:
        """Return the gradients."""
        response = self.solver.respond(landscape, settled, force)
        signals = landscape.neurons.signals(settled.states)
        push = landscape.neurons.slopes(signals) * -response.displacement  # v rho'
        held = landscape.role.held_neurons.signals(inputs)
        weights = _outer(landscape.role, signals, held, push)
        back = _back(landscape, inputs, push)
        failed = int((response.outcome != ResponseOutcome.SOLVED).sum())
        return Gradients(weights=weights, inputs=back, failed=failed)


@dataclass(frozen=True, kw_only=True)
class EquilibriumPropagation:
    """By two nudged phases, as a chip does it."""

    solver: ConjugateGradient
    beta: float

    def gradients(self, landscape: Landscape, inputs: np.ndarray, settled: Settled, force: np.ndarray) -> Gradients:
        """Return the gradients."""
        width = force.dtype.type(2 * self.beta)
        ends = [self._nudged(landscape, settled, force, sign) for sign in (1.0, -1.0)]
        plus, minus = (landscape.neurons.signals(end.states) for end in ends)
        held = landscape.role.held_neurons.signals(inputs)
        contrast = (_among(landscape.role, plus, held) - _among(landscape.role, minus, held)) / -width
        back = _back(landscape, inputs, (plus - minus) / -width)
        failed = int(sum((~end.settled).sum() for end in ends))
        return Gradients(weights=contrast, inputs=back, failed=failed)

    def _nudged(self, landscape: Landscape, settled: Settled, force: np.ndarray, sign: float) -> Settled:
        linear = force.dtype.type(sign * self.beta) * force
        nudge = Nudge(linear=linear, quadratic=np.zeros(linear.shape[1], linear.dtype))
        return self.solver.settle(landscape.nudged(nudge), settled.states)


class Equilibrium(torch.autograd.Function):
    """The states of the free neurons at rest, of weights (N, N) and clamped states (batch, n_clamped)."""

    @staticmethod
    def forward(ctx: Any, weights: torch.Tensor, inputs: torch.Tensor, layer: Any) -> torch.Tensor:
        """Settle; `layer` has the role, the solver and the way back, and is told what became of it."""
        w, x = _array(weights), _array(inputs)
        landscape = Landscape.clamp(IdealWeights(layer.role.network, w), layer.role, x)
        settled = layer.solver.settle(landscape)
        layer.settled = settled
        ctx.kept = (landscape, x, settled, layer, weights.dtype, weights.device)
        return torch.from_numpy(settled.states.copy()).to(weights.device)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        """Return the gradients of weights and inputs."""
        landscape, inputs, settled, layer, dtype, device = ctx.kept
        force = np.ascontiguousarray(_array(grads[0]), settled.states.dtype)
        found = layer.way_back.gradients(landscape, inputs, settled, force)
        layer.failed = found.failed
        weights = torch.from_numpy(found.weights).to(device=device, dtype=dtype)
        return weights, torch.from_numpy(found.inputs).to(device=device, dtype=dtype), None


def _array(tensor: torch.Tensor) -> np.ndarray:
    found: np.ndarray = tensor.detach().cpu().numpy()
    return np.ascontiguousarray(found)


def _outer(role: Role, signals: np.ndarray, held: np.ndarray, push: np.ndarray) -> np.ndarray:
    """Return sum_batch rho(s_i) push_j over all drivers i and all free neurons j, zero where nothing couples."""
    everything, driven = role.join(signals, held), role.join(push, np.zeros_like(held))
    found: np.ndarray = everything.T @ driven
    return found * role.network.mask()


def _among(role: Role, signals: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Return minus dE/dW (N, N), ordered pairs on their own: r_i r_j / 2 among free neurons, r_i r_j from clamped."""
    free, clamped = role.join(signals, np.zeros_like(held)), role.join(np.zeros_like(signals), held)
    found: np.ndarray = (free / 2 + clamped).T @ free
    return found * role.network.mask()


def _back(landscape: Landscape, inputs: np.ndarray, push: np.ndarray) -> np.ndarray:
    """Return rho'(x_i) sum_j W_ij push_j, what the clamped neurons receive."""
    role = landscape.role
    sums = np.empty_like(inputs)
    multiply_patches(landscape.couplings.matrix(), push, role.outward, sums)
    found: np.ndarray = role.held_neurons.slopes(role.held_neurons.signals(inputs)) * sums
    return found
