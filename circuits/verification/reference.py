"""Where the weights of a circuit itself rest, eq. (2): what its text and a simulator should give, whatever the chip."""

from __future__ import annotations

import numpy as np

from circuits.circuit.circuit import Circuit
from crossbar.errors import DivergedError
from crossbar.hopfield import newton
from crossbar.hopfield.neurons import Classical, Saturating, Sigmoid

TIME_STEP, MOST_STEPS = 0.1, 30_000  # of Euler's scheme, in time constants
NEAR = 1e-6  # |ds/dt| at which Newton takes over from Euler
FAR = 1e-2  # Newton must not move a state further: it would have left the basin


def settle(circuit: Circuit) -> np.ndarray:
    """Return the states (N,) at the free equilibrium that eq. (2) reaches from `circuit.start`.

    The paper's Euler scheme (eq. 3) follows the trajectory into the basin, Newton's method takes it to rounding.

    Raises
    ------
    DivergedError
        The network does not come to rest.
    """
    free = np.flatnonzero(~circuit.clamped)
    weights = circuit.weights()
    inner, drive, leak = weights[np.ix_(free, free)], _driven(circuit, weights)[free], _leaks(circuit)[free]
    states = np.where(circuit.clamped, circuit.held, circuit.start).astype(np.float64)
    residual = np.inf
    for _ in range(MOST_STEPS):
        with np.errstate(over="ignore", invalid="ignore"):  # linear neurons that couple run away, and that is told
            signals = circuit.signals(states)
            force = leak * states[free] - _gate(circuit, signals)[free] * (inner @ signals[free] + drive)
        residual = float(np.abs(force).max())
        if not NEAR <= residual < np.inf:
            break
        states[free] -= TIME_STEP * force
    if not residual <= 1e-3:
        raise DivergedError(f"the simulator does not settle (residual {residual:.1e}); check the weights")
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
        residual, hessian = _force_and_jacobian(circuit, weights, inner, current, free, beta)
        step = np.linalg.solve(hessian, residual)
        current[free] -= step
        if np.abs(step).max() < 1e-14 or not np.isfinite(step).all():
            break
    residual, _ = _force_and_jacobian(circuit, weights, inner, current, free, beta)
    moved = np.abs(current - states).max()
    if not np.abs(residual).max() < 1e-11 or moved > reach:
        raise DivergedError(f"Newton's method found no equilibrium nearby (residual {np.abs(residual).max():.1e})")
    return current


def _driven(circuit: Circuit, weights: np.ndarray) -> np.ndarray:
    """Return what every neuron (N,) gets from the clamped ones, with its own pull."""
    given = weights[:, circuit.clamped] @ circuit.signals(circuit.held)[circuit.clamped]
    return np.asarray(given + _pulls(circuit))


def _slopes(circuit: Circuit, signals: np.ndarray) -> np.ndarray:
    """Return the slope of rho by s (N,) at the signals: gain rho (1 - rho), or 1, times the neuron's own gain."""
    slopes = np.ones_like(signals)
    for law, run in circuit.neurons.runs:
        if not law.follows:
            slopes[run] = law.gain * signals[run] * (1 - signals[run])
    return slopes * _gains(circuit)


def _gains(circuit: Circuit) -> np.ndarray:
    """Return the gain a (N,) that each neuron has of its own, beside its law's."""
    own = circuit.neurons.mismatch
    return np.ones(len(circuit.names)) if own is None else own.gain


def _leaks(circuit: Circuit) -> np.ndarray:
    """Return the leak l (N,) of each neuron."""
    own = circuit.neurons.mismatch
    return np.ones(len(circuit.names)) if own is None else own.leak


def _pulls(circuit: Circuit) -> np.ndarray:
    """Return what pulls each neuron (N,) where nothing pulls."""
    own = circuit.neurons.mismatch
    return np.zeros(len(circuit.names)) if own is None else own.pulls


def _gate(circuit: Circuit, signals: np.ndarray) -> np.ndarray:
    """Return by what W rho is multiplied on its way into the states (N,): the slope of rho, 1 of a classical neuron."""
    gate, slopes = np.ones_like(signals), _slopes(circuit, signals)
    for law, run in circuit.neurons.runs:
        if law.name != Classical.name:
            gate[run] = slopes[run]
    return gate


def _supply(circuit: Circuit, signals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what supplies take from the states (N,), x (x / limit)^8 times the gain, and its slope by s (N,)."""
    ratio = np.zeros_like(signals)
    for law, run in circuit.neurons.runs:
        if isinstance(law, Saturating):
            ratio[run] = (signals[run] / law.limit) ** 8
    gains = _gains(circuit)
    return gains * signals * ratio, 9 * gains**2 * ratio


def _bend(circuit: Circuit, signals: np.ndarray) -> np.ndarray:
    """Return the slope by s (N,) of `_gate`: rho'' of a sigmoid, else 0."""
    bend = np.zeros_like(signals)
    for law, run in circuit.neurons.runs:
        if law.name == Sigmoid.name:
            bend[run] = law.gain**2 * (1 - 2 * signals[run]) * signals[run] * (1 - signals[run])
    return bend * _gains(circuit) ** 2


def _force_and_jacobian(
    circuit: Circuit, weights: np.ndarray, inner: np.ndarray, states: np.ndarray, free: np.ndarray, beta: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return -tau ds/dt (n_free,) and its derivative: gradient and Hessian of the energy, of the paper's neurons."""
    signals = circuit.signals(states)
    pull = (weights @ signals + _pulls(circuit))[free]
    here, leak = states[free], _leaks(circuit)[free]
    gate, slope = _gate(circuit, signals)[free], _slopes(circuit, signals)[free]
    rail, steeper = _supply(circuit, signals)
    gradient = leak * here - gate * pull + rail[free]
    own = leak - _bend(circuit, signals)[free] * pull + steeper[free]
    if beta and circuit.nudge is not None:
        offset, linear, exponential = (
            getattr(circuit.nudge, name)[free] for name in ("offset", "linear", "exponential")
        )
        gradient = gradient + beta * (offset + linear * here + exponential * np.expm1(here))
        own = own + beta * (linear + exponential * np.exp(here))
    return gradient, np.diag(own) - gate[:, None] * inner * slope[None, :]


def softest_mode(circuit: Circuit, states: np.ndarray) -> float:
    """Return the smallest real part of the eigenvalues of -tau d(ds/dt)/ds: 1 / it is the slowest time constant."""
    free = np.flatnonzero(~circuit.clamped)
    weights = circuit.weights()
    _, hessian = _force_and_jacobian(circuit, weights, weights[np.ix_(free, free)], states, free, 0.0)
    return newton.softest_mode(hessian)


def energy(circuit: Circuit, states: np.ndarray) -> float:
    """Return E(s) of eq. (1) over all neurons."""
    signals, own = circuit.signals(states), circuit.neurons.energies(states.astype(np.float64)[None, :]).sum()
    return float(own - 0.5 * signals @ circuit.weights() @ signals - _pulls(circuit) @ signals)
