"""The fast solver: nonlinear conjugate gradients on the energy as a function of the signals.

Seen as a function of the signals r = rho(s), the energy of eq. (1) is E(r) = |s(r)|^2 / 2 - r.W r / 2 - drive.r:
all that couples neurons is quadratic. One product q = W d therefore serves a whole search line, for
W (r + a d) = W r + a q, and the step along it can be sought with element-wise work only. A sweep over W is spent on
every direction, none on its length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from crossbar.energy import Landscape
from crossbar.errors import InvalidValue
from crossbar.kernels import descent
from crossbar.neurons import REACH, rho, rho_slope, state_of
from crossbar.settling import Settled, outcomes

_ROUNDS = 8
_GENTLE_STEPS, _GENTLE_STRIDE = 3, 0.3  # of a cold start: with them 98 % end where slow Euler does, without 97 %
_PITCH = 32.0  # nodes of the table of minima per unit of pull
_FARTHEST = 128.0  # pull at its end; beyond it Newton's steps, or this end, serve


@lru_cache
def minima(gain: float) -> np.ndarray:
    """Return the signals r*(u) that minimise s^2 / 2 - rho(s) u, for pulls u = 0, 1/32, ..., 128; r*(-u) = 1 - r*(u).

    As a function of r the neuron's own energy is convex: h = s / rho'(s) rises with r. So there is one minimum, where
    h(r*) = u, found by bisection.
    """
    pulls = np.linspace(0, _FARTHEST, int(_FARTHEST * _PITCH) + 1)
    low, high = np.zeros_like(pulls), np.full_like(pulls, REACH)
    for _ in range(50):
        middle = (low + high) / 2
        above = middle > rho_slope(rho(middle, gain), gain) * pulls
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return rho(low, gain)


@dataclass(frozen=True, kw_only=True)
class ConjugateGradient:
    """Polak and Ribiere's conjugate gradients in the signals, preconditioned by what each neuron would do alone.

    With h(r) = s / rho'(s) and u = W r + drive, the gradient with respect to r is h - u and the Hessian
    diag(1 + gain s tanh(gain s / 2)) / rho'^2 - W. Its diagonal is positive, so that a neuron alone has one minimum
    r*(u), h(r*) = u, which gives the preconditioned gradient z = r - r*(u): near rest that is gradient / diagonal, far
    from it a point that no neuron need overshoot. Directions d = -z + max(0, z.(g - g_old) / (z_old.g_old)) d; steps by
    Newton's method along the line until the approximate Wolfe conditions hold (slope a tenth, energy not higher). Each
    sample stops by itself, and leaves the batch.

    Needs symmetric, static couplings; the energy falls from step to step to rounding.

    Attributes
    ----------
    tolerance : float
        A sample has settled when every component of grad E (with respect to s) is smaller.
    max_sweeps : int
        Products with W that a sample may take.

    References
    ----------
    Polak and Ribiere, Rev. Francaise Informat. Recherche Operationnelle 3(16), 35 (1969).
    Hager and Zhang, SIAM J. Optim. 16, 170 (2005), doi:10.1137/030601880 (approximate Wolfe conditions).
    Brune, Knepley, Smith and Tu, SIAM Rev. 57, 535 (2015), doi:10.1137/130936725 (nonlinear preconditioning).
    We depart from them in the variable, which makes the line search free of sweeps, and in the first three steps from
    state zero, held to 0.3: they decide which minimum is found, and long ones miss that of eq. (3) more often.
    """

    tolerance: float = 1e-3
    max_sweeps: int = 300

    def __post_init__(self) -> None:
        if not self.tolerance > 0:
            raise InvalidValue(f"`tolerance` must be positive, but got {self.tolerance}")
        if self.max_sweeps < 2:
            raise InvalidValue(f"`max_sweeps` must be at least 2, but got {self.max_sweeps}")

    def settle(self, landscape: Landscape, start: np.ndarray | None = None) -> Settled:
        """Settle from `start` (batch, n_free), or from state zero.

        Raises
        ------
        InvalidValue
            The couplings are noisy or not symmetric, so that no energy exists to descend.
        """
        couplings = landscape.couplings
        if not (couplings.symmetric and couplings.static):
            raise InvalidValue("`ConjugateGradient` needs symmetric, static couplings; settle this array by `Euler`")
        search = _Search(landscape, start)
        while search.retire(self.tolerance) and search.sweeps < self.max_sweeps:
            search.step()
        return search.finish(self.tolerance)


class _Matrices(NamedTuple):
    """Per neuron, (samples, n_free): see `crossbar.kernels.descent` for the names."""

    signals: np.ndarray
    pull: np.ndarray
    direction: np.ndarray
    gradient: np.ndarray
    bend: np.ndarray
    product: np.ndarray
    odds: np.ndarray
    log_odds: np.ndarray
    trial: np.ndarray
    drive: np.ndarray
    linear: np.ndarray


class _Vectors(NamedTuple):
    """Per sample, (samples,)."""

    step: np.ndarray
    longest: np.ndarray
    slope: np.ndarray
    energy: np.ndarray
    trial_energy: np.ndarray
    trial_slope: np.ndarray
    curvature: np.ndarray
    decrease: np.ndarray
    residual: np.ndarray


class _Search:
    """One settling in progress: its buffers, of which the first `count` rows are the samples that still move."""

    def __init__(self, landscape: Landscape, start: np.ndarray | None) -> None:
        drive = landscape.drive
        batch, size = drive.shape
        dtype = drive.dtype
        self.landscape, self.count, self.cold = landscape, batch, start is None
        self.gain = dtype.type(landscape.gain)
        self.reach = rho(np.array([-REACH], dtype), landscape.gain)[0]
        self.slack = dtype.type(100 * np.finfo(dtype).eps)
        self.minima = minima(landscape.gain).astype(dtype)
        self.near = dtype.type(1e-3 if landscape.nudge is None else np.inf)  # the table knows of no nudge
        self.matrices = np.zeros((len(_Matrices._fields), batch, size), dtype)
        self.vectors = np.zeros((len(_Vectors._fields), batch), dtype)
        self.quadratic = np.zeros(size, dtype)
        self.sample = np.arange(batch)
        self.states, self.pull = np.empty_like(drive), np.empty_like(drive)
        self.residual, self.sample_sweeps = np.empty(batch, dtype), np.zeros(batch, np.int64)
        self._begin(landscape, start)

    def _begin(self, landscape: Landscape, start: np.ndarray | None) -> None:
        rows, each = self._active()
        rows.drive[:] = landscape.drive
        if landscape.nudge is not None:
            rows.linear[:], self.quadratic[:] = landscape.nudge.linear, landscape.nudge.quadratic
        if start is None:  # all samples begin alike: one row serves the batch
            rows.signals[:] = 0.5
            rows.pull[:] = landscape.product(rows.signals[:1]) + landscape.drive
            self.sweeps = 0
        else:
            signals = rho(start.astype(rows.signals.dtype, copy=False), landscape.gain)
            rows.signals[:] = np.clip(signals, 2 * self.reach, 1 - 2 * self.reach)
            rows.pull[:] = landscape.product(rows.signals) + landscape.drive
            self.sweeps = 1
        each.decrease[:] = np.inf  # no earlier direction
        np.divide(rows.signals, 1 - rows.signals, out=rows.odds)
        self._probe(rows, each, np.ones(self.count, bool))
        self._advance(rows, each)

    def _active(self) -> tuple[_Matrices, _Vectors]:
        return _Matrices(*self.matrices[:, : self.count]), _Vectors(*self.vectors[:, : self.count])

    def retire(self, tolerance: float) -> int:
        """Take the samples out that have settled or diverged; return how many still move."""
        _, each = self._active()
        for row in np.flatnonzero(~(each.residual >= tolerance))[::-1]:
            self._store(slice(row, row + 1))
            self.count -= 1
            for array in (self.matrices, self.vectors):
                array[:, row] = array[:, self.count]
            self.sample[row] = self.sample[self.count]
        return self.count

    def step(self) -> None:
        """Spend one product with W on a direction, and go along it as far as the energy falls well."""
        rows, each = self._active()
        landscape = self.landscape
        landscape.couplings.multiply(rows.direction, landscape.role.within, rows.product)
        self.sweeps += 1
        descent.propose(
            rows.signals, rows.direction, rows.gradient, rows.bend, rows.product, self.reach, self._stride(),
            each.slope, each.step, each.longest, rows.odds,
        )  # fmt: skip
        self._search_line(rows, each)
        self._advance(rows, each)

    def _stride(self) -> np.floating:
        """Return the longest step: short while a cold start decides which minimum is near, then as the line allows."""
        early = self.cold and self.sweeps <= _GENTLE_STEPS
        return self.slack.dtype.type(_GENTLE_STRIDE if early else np.inf)

    def _search_line(self, rows: _Matrices, each: _Vectors) -> None:
        bracket = np.stack([np.zeros_like(each.longest), each.longest])
        rejected = np.ones(self.count, bool)
        for _ in range(_ROUNDS):
            self._probe(rows, each, rejected)
            left = descent.refine(
                each.slope, each.energy, each.trial_slope, each.curvature, each.trial_energy, self.slack,
                bracket, each.step, rejected,
            )  # fmt: skip
            if not left:
                return
            descent.retry(rows.signals, rows.direction, each.step, rejected, rows.odds)
        each.step[rejected] = bracket[0, rejected]  # the farthest point known to be lower
        descent.retry(rows.signals, rows.direction, each.step, rejected, rows.odds)
        self._probe(rows, each, rejected)

    def _probe(self, rows: _Matrices, each: _Vectors, pending: np.ndarray) -> None:
        np.log(rows.odds, out=rows.log_odds, where=pending[:, None])
        descent.probe(
            rows.log_odds, rows.signals, rows.direction, rows.product, rows.pull, rows.drive, rows.linear,
            self.quadratic, self.gain, each.step, pending,
            rows.trial, rows.bend, each.trial_energy, each.trial_slope, each.curvature,
        )  # fmt: skip

    def _advance(self, rows: _Matrices, each: _Vectors) -> None:
        each.energy[:] = each.trial_energy
        descent.advance(
            rows.signals, rows.pull, rows.direction, rows.product, each.step, rows.gradient, rows.trial, rows.bend,
            rows.log_odds, self.gain, self.minima, _PITCH, self.near, each.decrease, each.residual,
        )  # fmt: skip

    def _store(self, rows: slice) -> None:
        samples = self.sample[rows]
        matrices, each = self._active()
        self.states[samples] = state_of(matrices.signals[rows], self.landscape.gain)
        self.pull[samples] = matrices.pull[rows]
        self.residual[samples] = each.residual[rows]
        self.sample_sweeps[samples] = self.sweeps

    def finish(self, tolerance: float) -> Settled:
        """Return the states of all samples, those that the sweep limit stopped included."""
        self._store(slice(0, self.count))
        return Settled(
            states=self.states,
            pull=self.pull,
            residual=self.residual,
            sweeps=self.sample_sweeps,
            outcome=outcomes(self.residual, tolerance),
        )
