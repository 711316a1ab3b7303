"""How networks side by side settle, and how their equilibria answer an infinitesimal nudge."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from hvae.tensors.passes import Along, Passes, Remaining, Rules, Solving, walking
from hvae.tensors.roles import Weights
from hvae.tensors.rows import Iteration, Pace, Rows


@dataclass(frozen=True)
class Settled:
    """States (replicas, batch, width) after settling, their signals, and how each sample got there."""

    states: torch.Tensor
    signals: torch.Tensor
    residual: torch.Tensor
    sweeps: torch.Tensor
    settled: torch.Tensor


@dataclass(frozen=True)
class Response:
    """Displacements ds/dbeta (replicas, batch, width), their sweeps, and which samples were solved."""

    displacement: torch.Tensor
    sweeps: torch.Tensor
    solved: torch.Tensor


@dataclass(frozen=True)
class ConjugateGradient:
    """`crossbar.hopfield.conjugate_gradient` on tensors: the same directions, steps and stops for each sample.

    Attributes
    ----------
    weights : Weights
    shape : tuple of int
        Replicas and batch.
    tolerance : float
    max_sweeps : int
    nudged : bool
        Whether a nudge is added to the energy.
    """

    weights: Weights
    shape: tuple[int, int]
    tolerance: float
    max_sweeps: int
    passes: Passes
    pace: Pace
    nudged: bool = False

    @cached_property
    def rules(self) -> Rules:
        """What each row obeys."""
        return Rules.of(
            self.weights.free, tolerance=self.tolerance, max_sweeps=self.max_sweeps, nudged=self.nudged
        )

    @cached_property
    def _rows(self) -> Rows:
        within = self.weights.within
        return Rows.empty((7 if self.nudged else 5, 3), (*self.shape, self.weights.width), within.device, within.dtype)

    @cached_property
    def _cold(self) -> Iteration:
        return self._iteration(cold=True)

    @cached_property
    def _warm(self) -> Iteration:
        return self._iteration(cold=False)

    def _iteration(self, *, cold: bool) -> Iteration:
        def sweep(rows: Rows) -> None:
            at = walking(rows, self.rules)
            self.weights.product(at.direction, at.product)
            self.passes.descend(rows, self.rules, cold=cold)

        return Iteration(self._rows, sweep, self.max_sweeps, self.pace)

    @property
    def worked(self) -> int:
        """Sweeps times rows so far, those that had stopped included."""
        return sum(self.__dict__[name].worked for name in ("_cold", "_warm") if name in self.__dict__)

    def settle(
        self,
        drive: torch.Tensor,
        start: torch.Tensor | None = None,
        nudge: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> Settled:
        """Settle under `drive` (replicas, batch, width) from the states `start`, or from zero.

        `nudge` is linear and quadratic part, each broadcast to the shape of `drive`, of a solver that is `nudged`.
        """
        rows, columns = self._rows, self.weights.free
        at = walking(rows, self.rules)
        rows.counts.zero_()
        if nudge is not None:
            at.linear.copy_(nudge[0].expand_as(drive))
            at.quadratic.copy_(nudge[1].expand_as(drive))
        at.direction.zero_()
        if start is None:
            at.signals.copy_(columns.rest.expand_as(drive))
            at.pull.copy_(drive + columns.rest @ self.weights.within[:, None])
        else:
            reach = self.rules.reach
            signals = columns.signals(start)
            inside = torch.minimum(torch.maximum(signals, 2 * reach), 1 - 2 * reach)
            at.signals.copy_(torch.where(columns.bounded, inside, signals))
            self.weights.product(at.signals, at.product)
            at.pull.copy_(at.product + drive)
            rows.sweeps.fill_(1)
        self.passes.begin(rows, self.rules, cold=start is None)
        (self._cold if start is None else self._warm).run()
        residual = Along(*rows.vectors).residual.clone()
        signals = at.signals.clone()
        return Settled(
            states=columns.states(signals), signals=signals, residual=residual, sweeps=rows.sweeps.clone(),
            settled=residual < self.rules.constants[0],
        )  # fmt: skip


@dataclass(frozen=True)
class LinearResponse:
    """`crossbar.hopfield.linear_response` on tensors: conjugate gradients for H delta = -force."""

    weights: Weights
    shape: tuple[int, int]
    tolerance: float
    max_sweeps: int
    passes: Passes
    pace: Pace

    @cached_property
    def _iteration(self) -> Iteration:
        within = self.weights.within
        rows = Rows.empty((7, 3), (*self.shape, self.weights.width), within.device, within.dtype)

        def sweep(some: Rows) -> None:
            at = Solving(*some.matrices)
            self.weights.product(at.scaled, at.product)
            self.passes.respond(some, self.tolerance, self.max_sweeps)

        return Iteration(rows, sweep, self.max_sweeps, self.pace)

    @property
    def worked(self) -> int:
        """Sweeps times rows so far, those that had stopped included."""
        return self._iteration.worked

    def respond(self, settled: Settled, force: torch.Tensor) -> Response:
        """Return the response of the equilibria `settled` to `force` (replicas, batch, width)."""
        rows, columns = self._iteration.full, self.weights.free
        at, each = Solving(*rows.matrices), Remaining(*rows.vectors)
        at.slope.copy_(columns.slopes(settled.signals))
        at.diagonal.copy_(columns.stiffness(settled.states, settled.signals))
        at.solution.zero_()
        torch.neg(force, out=at.remainder)
        torch.div(at.remainder, at.diagonal, out=at.direction)
        torch.mul(at.slope, at.direction, out=at.scaled)
        each.first.copy_((at.remainder * at.direction).sum(-1))
        each.now.copy_(each.first)
        each.curvature.fill_(1)
        rows.counts.zero_()
        rows.moving.copy_(each.now > self.tolerance**2 * each.first)
        self._iteration.run()
        return Response(
            displacement=at.solution.clone(), sweeps=rows.sweeps.clone(),
            solved=each.now <= self.tolerance**2 * each.first,
        )  # fmt: skip
