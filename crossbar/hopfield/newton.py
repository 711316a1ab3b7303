"""Equilibria to rounding by Newton's method with the whole Hessian, for verification; and how soft they are.

Dense and of one sample, whatever the symmetry of W: for a few thousand neurons at most. `crossbar.hopfield.settling`
leads into the basin.
"""

from __future__ import annotations

import numpy as np

from crossbar.errors import DivergedError, InvalidValue
from crossbar.hopfield.energy import Landscape

FAR = 1e-2  # a state must not move further: it would have left the basin
SMALLEST = 1e-9  # a last step that counts as converged: the error of a state
ROUNDING = 1e-14


def newton(landscape: Landscape, states: np.ndarray) -> np.ndarray:
    """Return the equilibrium (1, n_free) of eq. (2) near `states` (1, n_free), float64.

    Raises
    ------
    InvalidValue
        More than one sample.
    DivergedError
        There is none near: the last step is longer than `SMALLEST`, or all steps together than `FAR`.
    """
    if len(states) != 1:
        raise InvalidValue(f"`states` must be of one sample, (1, n_free), but got {states.shape}")
    current, step, before = states.copy(), np.full(1, np.inf), np.inf
    for _ in range(50):
        step = np.linalg.solve(hessian(landscape, current), landscape.gradient(current)[0])
        current = current - step
        size = np.abs(step).max()
        if not size > ROUNDING or (size < SMALLEST and size > before / 2):  # rounding, also where slopes are steep
            break
        before = size
    moved = np.abs(current - states).max()
    if not (np.abs(step).max() < SMALLEST and moved < FAR):
        raise DivergedError(
            f"Newton's method found no equilibrium where the chip came to rest (last step {np.abs(step).max():.1e}); "
            "it may be on the edge of two, try another --sample"
        )
    return current


def hessian(landscape: Landscape, states: np.ndarray) -> np.ndarray:
    """Return the Hessian (n_free, n_free) at `states` (1, n_free): diag(1 - rho'' u) - rho' W^T rho'.

    Row i is what moves neuron i: the Jacobian of grad E, also where W is not symmetric and no energy exists.
    """
    weights, role = landscape.couplings.matrix(), landscape.role
    inner = np.zeros((role.n_free, role.n_free))
    for patch in role.within:
        inner[patch.target_columns, patch.source_columns] = weights[patch.sources, patch.targets].T
    slope = landscape.neurons.slopes(landscape.neurons.signals(states))[0]
    own = landscape.curvature(states, landscape.pull(states))[0]
    return np.diag(own) - slope[:, None] * inner * slope[None, :]


def softest_mode(matrix: np.ndarray) -> float:
    """Return the smallest real part of the eigenvalues of a Hessian (n, n): 1 / it is the slowest time constant."""
    symmetric = np.allclose(matrix, matrix.T, rtol=0, atol=1e-12)
    return float(np.linalg.eigvalsh(matrix)[0] if symmetric else np.linalg.eigvals(matrix).real.min())
