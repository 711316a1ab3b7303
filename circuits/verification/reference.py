"""Where the weights of a circuit itself rest, eq. (2): what its text and a simulator should give, whatever the chip."""

from __future__ import annotations

import numpy as np

from circuits.circuit.circuit import Circuit
from crossbar.errors import DivergedError
from crossbar.hopfield import newton
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Sigmoid, rho, rho_slope
from crossbar.hopfield.settling import Euler

NEAR = 1e-6  # residual at which Newton takes over from Euler
FAR = 1e-2  # Newton must not move a state further: it would have left the basin


def settle(circuit: Circuit) -> np.ndarray:
    """Return the states (N,) at the free equilibrium that eq. (2) reaches from `circuit.start`.

    The paper's Euler scheme (eq. 3) follows the trajectory into the basin, Newton's method takes it to rounding.

    Raises
    ------
    DivergedError
        The network does not come to rest.
    """
    free = ~circuit.clamped
    order = np.concatenate([np.flatnonzero(circuit.clamped), np.flatnonzero(free)])
    weights = circuit.weights()[np.ix_(order, order)]
    n_clamped = int(circuit.clamped.sum())
    network = Network(
        (("clamped", n_clamped), ("free", len(order) - n_clamped)), neurons=(Sigmoid(circuit.gain),) * 2
    )
    landscape = Landscape.clamp(
        IdealWeights(network, np.ascontiguousarray(weights.T)),
        network.role(["clamped"]), circuit.held[circuit.clamped][None, :],
    )  # fmt: skip
    solver = Euler(time_step=0.1, max_sweeps=30_000, tolerance=NEAR)
    settled = solver.settle(landscape, circuit.start[free][None, :])
    if not np.isfinite(settled.states).all() or settled.residual[0] > 1e-3:
        raise DivergedError(f"the simulator does not settle (residual {settled.residual[0]:.1e}); check the weights")
    states = circuit.held.astype(np.float64)
    states[free] = settled.states[0]
    return polish(circuit, states)


def settle_nudged(circuit: Circuit, states: np.ndarray, beta: float) -> np.ndarray:
    """Return the equilibrium (N,) under the circuit's nudge of strength `beta`, followed from the free `states`."""
    for share in (0.25, 0.5, 0.75, 1.0):
        states = polish(circuit, states, share * beta, reach=np.inf)
    return states


def polish(circuit: Circuit, states: np.ndarray, beta: float = 0.0, *, reach: float = FAR) -> np.ndarray:
    """Return the equilibrium (N,) near `states` by Newton's method, nudged with strength `beta`.

    Raises
    ------
    DivergedError
        It does not converge, or leads further away than `reach`.
    """
    free = np.flatnonzero(~circuit.clamped)
    weights = circuit.weights()
    inner = weights[np.ix_(free, free)]
    current = states.astype(np.float64, copy=True)
    for _ in range(50):
        residual, hessian = _gradient_and_hessian(circuit, weights, inner, current, free, beta)
        step = np.linalg.solve(hessian, residual)
        current[free] -= step
        if np.abs(step).max() < 1e-14 or not np.isfinite(step).all():
            break
    residual, _ = _gradient_and_hessian(circuit, weights, inner, current, free, beta)
    moved = np.abs(current - states).max()
    if not np.abs(residual).max() < 1e-11 or moved > reach:
        raise DivergedError(f"Newton's method found no equilibrium nearby (residual {np.abs(residual).max():.1e})")
    return current


def _gradient_and_hessian(
    circuit: Circuit, weights: np.ndarray, inner: np.ndarray, states: np.ndarray, free: np.ndarray, beta: float
) -> tuple[np.ndarray, np.ndarray]:
    signals = rho(states, circuit.gain)
    pull = (weights @ signals)[free]
    inside, here = signals[free], states[free]
    slope = rho_slope(inside, circuit.gain)
    bend = circuit.gain * (1 - 2 * inside) * slope
    gradient, own = here - slope * pull, 1 - bend * pull
    if beta and circuit.nudge is not None:
        offset, linear, exponential = (
            getattr(circuit.nudge, name)[free] for name in ("offset", "linear", "exponential")
        )
        gradient = gradient + beta * (offset + linear * here + exponential * np.expm1(here))
        own = own + beta * (linear + exponential * np.exp(here))
    return gradient, np.diag(own) - slope[:, None] * inner * slope[None, :]


def softest_mode(circuit: Circuit, states: np.ndarray) -> float:
    """Return the smallest real part of the Hessian's eigenvalues: 1 / it is the slowest time constant of settling."""
    free = np.flatnonzero(~circuit.clamped)
    weights = circuit.weights()
    _, hessian = _gradient_and_hessian(circuit, weights, weights[np.ix_(free, free)], states, free, 0.0)
    return newton.softest_mode(hessian)


def energy(circuit: Circuit, states: np.ndarray) -> float:
    """Return E(s) of eq. (1) over all neurons."""
    signals = rho(states.astype(np.float64), circuit.gain)
    return float(0.5 * states @ states - 0.5 * signals @ circuit.weights() @ signals)
