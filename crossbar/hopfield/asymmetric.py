"""Equilibria of couplings without W = W^T: descent on the symmetric part, the rest held as a field and renewed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.couplings import IdealWeights
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.settling import Settled, check_states, outcomes
from crossbar.numerics import checks

_SHARE = 0.3  # of the tolerance, that the symmetric part is settled to


@dataclass(frozen=True, kw_only=True)
class HeldAntisymmetry:
    """Equilibria of eq. (3) under static, linear couplings of any symmetry, s = rho'(s) (W^T rho(s) + drive).

    With W = S + A, S = S^T and A = -A^T, there is no energy (eq. 1) of W, but there is one of S in the constant field
    A^T rho(s'): conjugate gradients settle in it, the field is renewed from the state found, and so on. A fixed point
    is one of eq. (3) with the whole W. The rounds converge where A moves the equilibrium by less than itself, as with
    the asymmetry that wires make; a sample that does not settle is marked in the outcome. Whether a fixed point is a
    stable one of eq. (3) is not tested here: docs/wires.md compares with `crossbar.hopfield.settling.Euler`.

    Attributes
    ----------
    tolerance : float
        Settled when every component of s - rho'(s) (W^T rho(s) + drive) is smaller.
    max_sweeps : int
        Products with W that a sample may take.
    max_rounds : int

    Raises
    ------
    InvalidValue
        Values that are not positive; couplings that are noisy, or have converters.
    """

    tolerance: float = 1e-2
    max_sweeps: int = 200
    max_rounds: int = 30

    def __post_init__(self) -> None:
        checks.positive("tolerance", self.tolerance)
        checks.at_least("max_sweeps", self.max_sweeps, 2)
        checks.at_least("max_rounds", self.max_rounds, 1)

    def settle(self, landscape: Landscape, start: np.ndarray | None = None) -> Settled:
        """Settle from `start` (batch, n_free), or from state zero."""
        couplings = landscape.couplings
        if not (couplings.static and couplings.linear):
            raise InvalidValue(
                "`HeldAntisymmetry` needs static couplings without converters; settle this array by `Euler`"
            )
        if start is not None:
            check_states("start", start, landscape)
        symmetric, skew = _parts(landscape)
        inner = ConjugateGradient(tolerance=_SHARE * self.tolerance, max_sweeps=self.max_sweeps)
        found = inner.settle(symmetric, start)
        states, pull, sweeps = found.states, found.pull, found.sweeps.copy()
        field = np.zeros_like(states)
        residual = np.full(len(states), np.inf, states.dtype)
        moving = np.arange(len(states))
        for _ in range(self.max_rounds):
            renewed = skew.select(moving).product(landscape.neurons.signals(states[moving]))
            pull[moving] += renewed - field[moving]
            field[moving] = renewed
            sweeps[moving] += 1
            gradient = landscape.select(moving).gradient(states[moving], pull[moving])
            residual[moving] = np.abs(gradient).max(1)
            moving = moving[(residual[moving] >= self.tolerance) & (sweeps[moving] < self.max_sweeps)]
            if moving.size == 0:
                break
            shifted = replace(symmetric.select(moving), drive=landscape.drive[moving] + field[moving])
            found = inner.settle(shifted, states[moving])
            states[moving], pull[moving] = found.states, found.pull
            sweeps[moving] += found.sweeps
        return Settled(
            states=states, pull=pull, residual=residual, sweeps=sweeps, outcome=outcomes(residual, self.tolerance)
        )


def _parts(landscape: Landscape) -> tuple[Landscape, Landscape]:
    """Return the landscape of the symmetric part of the couplings, and one whose products are the rest's."""
    weights, network = landscape.couplings.matrix(), landscape.couplings.network
    even, odd = (weights + weights.T) / 2, (weights - weights.T) / 2
    symmetric = replace(landscape, couplings=IdealWeights(network, even))
    return symmetric, replace(landscape, couplings=IdealWeights(network, odd, symmetric=False))
