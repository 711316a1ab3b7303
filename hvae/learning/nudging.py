"""The nudged phases: from a free equilibrium and a cost to a contrast of signals, eq. (4) and (5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from crossbar.hopfield.energy import Landscape, Nudge
from crossbar.hopfield.linear_response import LinearResponse, ResponseOutcome
from crossbar.hopfield.settling import Settled, Solver
from crossbar.numerics import checks


@dataclass(frozen=True, kw_only=True)
class Nudged:
    """The contrast of the nudged equilibria over the free neurons of a role.

    Attributes
    ----------
    difference : ndarray (batch, n_free)
        (rho(s+) - rho(s-)) / (2 beta), or its limit rho'(s) ds/dbeta.
    mean : ndarray (batch, n_free)
        (rho(s+) + rho(s-)) / 2.
    sweeps : ndarray (batch,)
        Products with W, all nudged phases together.
    failed : ndarray (batch,) of bool
        Samples whose nudged states did not settle, or whose state is no minimum.
    """

    difference: np.ndarray
    mean: np.ndarray
    sweeps: np.ndarray
    failed: np.ndarray


class Nudging(Protocol):
    """A way to make a contrast."""

    def contrast(self, landscape: Landscape, free: Settled, cost: Nudge) -> Nudged:
        """Nudge the equilibria `free` by `cost`."""
        ...


@dataclass(frozen=True, kw_only=True)
class LinearResponseNudging:
    """The limit beta -> 0 of eq. (5): one linear system in place of two nudged phases; see `LinearResponse`.

    An error of the free state enters the response divided by the smallest Hessian eigenvalue, twice: the few samples
    that are nearly singular are those of the longest contrasts, and dominate both a batch's gradient and its error.
    """

    solver: LinearResponse
    refinement: Refinement | None = None

    def contrast(self, landscape: Landscape, free: Settled, cost: Nudge) -> Nudged:
        """Return rho' delta and rho(s), where H delta = -grad L."""
        nudged = _respond(self.solver, landscape, free, cost)
        return nudged if self.refinement is None else self.refinement.refine(landscape, free, cost, nudged)


@dataclass(frozen=True, kw_only=True)
class Refinement:
    """Sweeps where they tell: samples of long contrasts are settled on, and their response is found again, closer.

    Attributes
    ----------
    above : float
        Length of a contrast, in medians of the batch, from which a sample is refined; failed ones always are.
    settler : Solver
        Goes on from the free states, at a tighter tolerance.
    solver : LinearResponse
        At a tighter tolerance too.
    """

    above: float
    settler: Solver
    solver: LinearResponse

    def __post_init__(self) -> None:
        checks.positive("above", self.above)

    def refine(self, landscape: Landscape, free: Settled, cost: Nudge, nudged: Nudged) -> Nudged:
        """Return `nudged` with its long contrasts made anew, their sweeps counted."""
        norms = np.sqrt(np.einsum("ij,ij->i", nudged.difference, nudged.difference))
        rows = np.flatnonzero((norms > self.above * np.median(norms)) | nudged.failed)
        if not len(rows):
            return nudged
        some = landscape.select(rows)
        closer = self.settler.settle(some, free.states[rows])
        again = _respond(self.solver, some, closer, cost.select(rows))
        again = replace(again, sweeps=nudged.sweeps[rows] + closer.sweeps + again.sweeps)
        merged = {name: getattr(nudged, name).copy() for name in ("difference", "mean", "sweeps", "failed")}
        for name, values in merged.items():
            values[rows] = getattr(again, name)
        return Nudged(**merged)


def _respond(solver: LinearResponse, landscape: Landscape, free: Settled, cost: Nudge) -> Nudged:
    response = solver.respond(landscape, free, cost.quadratic * free.states + cost.linear)
    signals = landscape.neurons.signals(free.states)
    return Nudged(
        difference=landscape.neurons.slopes(signals) * response.displacement,
        mean=signals,
        sweeps=response.sweeps,
        failed=~np.isin(response.outcome, (ResponseOutcome.SOLVED, ResponseOutcome.UNSETTLED)),  # settling counts those
    )


SIGNS: Mapping[str, tuple[float, float]] = {"centred": (1, -1), "positive": (1, 0), "negative": (0, -1)}
"""The two nudges, in units of beta, of each estimator: eq. (5) is centred (bias O(beta^2)), the others O(beta)."""


@dataclass(frozen=True, kw_only=True)
class FiniteNudging:
    """Two equilibria of the total energy F = E +- beta L, eq. (4), each settled from the free one.

    Attributes
    ----------
    signs : tuple of float
        See `SIGNS`; a sign of 0 is the free equilibrium itself.
    beta : float
        Must stay well below the smallest Hessian eigenvalue: the squared error changes the output's by -beta.
    solver : Solver
    prediction : LinearResponse or None
        Where given, phases start from the equilibria that linear response predicts.

    References
    ----------
    Laborieux et al., Front. Neurosci. 15, 633674 (2021), doi:10.3389/fnins.2021.633674 (symmetric nudging).
    """

    signs: tuple[float, float]
    beta: float
    solver: Solver
    prediction: LinearResponse | None = None

    def __post_init__(self) -> None:
        checks.positive("beta", self.beta)

    def contrast(self, landscape: Landscape, free: Settled, cost: Nudge) -> Nudged:
        """Return (rho(s+) - rho(s-)) / (b+ - b-) and (rho(s+) + rho(s-)) / 2."""
        sweeps = np.zeros(len(free.states), np.int64)
        failed = np.zeros(len(free.states), bool)
        slope = np.zeros_like(free.states)
        if self.prediction is not None:
            response = self.prediction.respond(landscape, free, cost.quadratic * free.states + cost.linear)
            slope, sweeps = response.displacement, sweeps + response.sweeps
        phases = []
        for sign in self.signs:
            beta = free.states.dtype.type(sign * self.beta)
            if sign == 0:
                phases.append(landscape.neurons.signals(free.states))
                continue
            nudge = Nudge(linear=beta * cost.linear, quadratic=beta * cost.quadratic)
            nudged = self.solver.settle(landscape.nudged(nudge), free.states + beta * slope)
            sweeps, failed = sweeps + nudged.sweeps, failed | ~nudged.settled
            phases.append(landscape.neurons.signals(nudged.states))
        plus, minus = phases
        width = free.states.dtype.type(self.beta * (self.signs[0] - self.signs[1]))
        return Nudged(difference=(plus - minus) / width, mean=(plus + minus) / 2, sweeps=sweeps, failed=failed)
