"""Linear response: how the equilibrium moves under an infinitesimal nudge, the beta -> 0 limit of eq. (5) and (9)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.kernels import descent
from crossbar.hopfield.settling import Settled, check_states
from crossbar.numerics import checks


class ResponseOutcome(IntEnum):
    """How the response of one sample was found."""

    SOLVED = 0
    SWEEP_LIMIT = 1
    NEGATIVE_CURVATURE = 2
    UNSETTLED = 3


@dataclass(frozen=True, kw_only=True)
class Response:
    """Displacements of the free states per unit of nudge.

    Attributes
    ----------
    displacement : ndarray (batch, n_free)
        delta = ds/dbeta at beta = 0.
    sweeps : ndarray (batch,)
    outcome : ndarray (batch,) of ResponseOutcome
        NEGATIVE_CURVATURE marks a sample whose state is a saddle, or not yet an equilibrium; its displacement is the
        last one before the curvature showed. UNSETTLED marks one that was solved as if its state were at rest, which
        its settling says it is not: the displacement is of no equilibrium.
    """

    displacement: np.ndarray
    sweeps: np.ndarray
    outcome: np.ndarray


@dataclass(frozen=True, kw_only=True)
class LinearResponse:
    """Conjugate gradients for H delta = -force, where H is the Hessian of E at equilibrium and force = dL/ds.

    The equilibria under nudges +-beta are s +- beta delta + O(beta^2), so that delta replaces both nudged phases:
    (rho(s+) - rho(s-)) / (2 beta) -> rho'(s) delta. At equilibrium u = s / rho'(s), which makes the diagonal of H
    1 + gain s tanh(gain s / 2) >= 1 (couplings apart; 1 for a linear neuron, rho' for a classical one); it is used as
    preconditioner. Samples stop one by one.

    Attributes
    ----------
    tolerance : float
        Remaining force, in the norm of the preconditioner, relative to the force.
    max_sweeps : int

    Raises
    ------
    InvalidValue
        A tolerance outside (0, 1), no sweeps.

    References
    ----------
    Scellier and Bengio, Neural Comput. 31, 312 (2019), doi:10.1162/neco_a_01160 (EP as recurrent backpropagation);
    Hestenes and Stiefel, J. Res. Natl. Bur. Stand. 49, 409 (1952), doi:10.6028/jres.049.044.
    """

    tolerance: float = 1e-2
    max_sweeps: int = 200

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise InvalidValue(f"`tolerance` must be between 0 and 1, but got {self.tolerance}")
        checks.at_least("max_sweeps", self.max_sweeps, 1)

    def respond(self, landscape: Landscape, settled: Settled, force: np.ndarray) -> Response:
        """Return the response of the equilibria `settled` of a `landscape` without nudge to `force` (batch, n_free).

        Raises
        ------
        InvalidValue
            Couplings that are not symmetric, not static or not linear; a landscape with a nudge; wrong shapes.
        """
        couplings = landscape.couplings
        if not (couplings.symmetric and couplings.static and couplings.linear):
            raise InvalidValue(
                "`LinearResponse` needs symmetric, static couplings without converters; nudge this array by finite "
                "phases instead"
            )
        if landscape.nudge is not None:
            raise InvalidValue("`LinearResponse` is of free equilibria: give the landscape without its nudge")
        check_states("states", settled.states, landscape)
        check_states("force", force, landscape)
        solve = _Solve(landscape, settled.states, force)
        while solve.retire(self.tolerance) and solve.sweeps < self.max_sweeps:
            solve.step()
        return solve.finish(settled)


class _Solve:
    """One linear solve in progress; the first `count` rows of the buffers are the samples that are not done."""

    def __init__(self, landscape: Landscape, states: np.ndarray, force: np.ndarray) -> None:
        batch, _ = states.shape
        self.landscape, self.count, self.sweeps = landscape, batch, 0
        self.matrices = np.zeros((7, *states.shape), states.dtype)
        slope, diagonal, _, _, remainder, direction, scaled = self.matrices
        signals = landscape.neurons.signals(states)
        slope[:] = landscape.neurons.slopes(signals)
        diagonal[:] = landscape.neurons.stiffnesses(states, signals)
        np.negative(force, out=remainder)
        np.divide(remainder, diagonal, out=direction)
        np.multiply(slope, direction, out=scaled)
        decrease = np.einsum("ij,ij->i", remainder, direction)
        self.vectors = np.stack([decrease, decrease, np.ones_like(decrease)])  # at the start, now, last curvature
        self.sample = np.arange(batch)
        self.displacement = np.zeros_like(states)
        self.sample_sweeps, self.outcome = np.zeros(batch, np.int64), np.full(batch, ResponseOutcome.SWEEP_LIMIT)

    def retire(self, tolerance: float) -> int:
        """Take the samples out that are solved or hit negative curvature; return how many are left."""
        first, now, curvature = self.vectors[:, : self.count]
        solved = now <= tolerance**2 * first
        negative = ~(curvature > 0) & ~solved
        for row in np.flatnonzero(solved | negative)[::-1]:
            ended = ResponseOutcome.NEGATIVE_CURVATURE if negative[row] else ResponseOutcome.SOLVED
            self._store(slice(row, row + 1), ended)
            self.count -= 1
            for array in (self.matrices, self.vectors):
                array[:, row] = array[:, self.count]
            self.sample[row] = self.sample[self.count]
        return self.count

    def step(self) -> None:
        """Make one step of conjugate gradients with every sample that is left."""
        slope, diagonal, product, solution, remainder, direction, scaled = self.matrices[:, : self.count]
        _, now, curvature = self.vectors[:, : self.count]
        self.landscape.couplings.multiply(scaled, self.landscape.role.within, product)
        self.sweeps += 1
        descent.respond(slope, diagonal, product, solution, remainder, direction, scaled, now, curvature)

    def _store(self, rows: slice, ended: ResponseOutcome) -> None:
        samples = self.sample[rows]
        self.displacement[samples] = self.matrices[3, rows]
        self.sample_sweeps[samples] = self.sweeps
        self.outcome[samples] = ended

    def finish(self, settled: Settled) -> Response:
        """Return the displacements of all samples; those that were not `settled` say so."""
        self._store(slice(0, self.count), ResponseOutcome.SWEEP_LIMIT)
        adrift = (self.outcome == ResponseOutcome.SOLVED) & ~settled.settled
        outcome = np.where(adrift, ResponseOutcome.UNSETTLED, self.outcome)
        return Response(displacement=self.displacement, sweeps=self.sample_sweeps, outcome=outcome)
