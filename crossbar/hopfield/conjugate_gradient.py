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

from crossbar.errors import InvalidValue
from crossbar.hopfield.energy import Landscape, Nudge
from crossbar.hopfield.kernels import descent, laws
from crossbar.hopfield.neurons import rho, rho_slope
from crossbar.hopfield.settling import Settled, check_states, outcomes
from crossbar.numerics import checks

_GENTLE_STEPS, _GENTLE_STRIDE = 3, 0.3  # of a cold start: with them 98 % end where slow Euler does, without 97 %


@lru_cache
def lone_minimum() -> np.ndarray:
    """Return the polynomial p, lowest power first, of the signal r* that minimises s^2 / 2 - rho(s) u, for one neuron.

    As a function of r the neuron's own energy is convex: h = s / rho'(s) rises with r. So there is one minimum, where
    h(r*) = u; it depends on v = gain^2 u alone, and r*(-v) = 1 - r*(v). For v >= 0 we write
    r* = 1 - 1 / (2 + v p(log(1 + v / 9))), which is right at both ends for a p that varies slowly, and fit p (degree 6)
    by least squares in r*, found by bisection: within 6e-4 up to v = 1152.
    """
    x = np.linspace(0, np.log1p(laws.FARTHEST / 9), 801)[1:]
    v = 9 * np.expm1(x)
    low, high = np.zeros_like(v), np.full_like(v, 8.0)
    for _ in range(50):
        middle = (low + high) / 2
        above = middle > rho_slope(rho(middle, 1), 1) * v
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    rest = 1 - rho(low, 1)
    return np.polynomial.Polynomial.fit(x, (1 / rest - 2) / v, 6, w=v * rest**2).convert().coef


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
        checks.positive("tolerance", self.tolerance)
        checks.at_least("max_sweeps", self.max_sweeps, 2)

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
        if start is not None:
            check_states("start", start, landscape)
        search = _Search(landscape, start)
        while search.retire(self.tolerance) and search.sweeps < self.max_sweeps:
            search.step()
        return search.finish(self.tolerance)


class _Matrices(NamedTuple):
    """Per neuron, (samples, n_free): see `crossbar.hopfield.kernels.descent` for the names."""

    signals: np.ndarray
    pull: np.ndarray
    direction: np.ndarray
    product: np.ndarray
    gradient: np.ndarray


class _Vectors(NamedTuple):
    """Per sample, (samples,)."""

    own: np.ndarray
    decrease: np.ndarray
    residual: np.ndarray


class _Search:
    """One settling in progress: its buffers, of which the first `count` rows are the samples that still move."""

    def __init__(self, landscape: Landscape, start: np.ndarray | None) -> None:
        drive = landscape.drive
        batch, size = drive.shape
        dtype = drive.dtype
        self.landscape, self.count, self.cold = landscape, batch, start is None
        self.laws = landscape.neurons.coded(dtype.type)
        self.reach = landscape.neurons.reaches(dtype.type)
        self.slack = dtype.type(100 * np.finfo(dtype).eps)
        self.alone = lone_minimum().astype(dtype)
        own = landscape.neurons.mismatch
        bare = landscape.nudge is None and own is None
        self.near = dtype.type(1e-3 if bare else np.inf)  # the lone minimum knows of no nudge
        self.matrices = np.zeros((len(_Matrices._fields), batch, size), dtype)
        self.vectors = np.zeros((len(_Vectors._fields), batch), dtype)
        nudge = landscape.nudge or Nudge(linear=np.zeros((1, size), dtype), quadratic=np.zeros(size, dtype))
        self.linear, self.quadratic = nudge.linear.astype(dtype), nudge.quadratic.astype(dtype)
        if own is not None:
            self.linear, self.quadratic = own.standing(self.linear, self.quadratic)
        self.sample = np.arange(batch)
        self.states, self.pull = np.empty_like(drive), np.empty_like(drive)
        self.residual, self.sample_sweeps = np.empty(batch, dtype), np.zeros(batch, np.int64)
        self._begin(landscape, start)

    def _begin(self, landscape: Landscape, start: np.ndarray | None) -> None:
        rows, each = self._active()
        if start is None:  # all samples begin alike: one row serves the batch
            rows.signals[:] = landscape.neurons.signals(np.zeros((1, rows.signals.shape[1]), rows.signals.dtype))
            rows.pull[:] = landscape.product(rows.signals[:1]) + landscape.drive
            self.sweeps = 0
        else:
            signals = landscape.neurons.signals(start.astype(rows.signals.dtype, copy=False))
            rows.signals[:] = landscape.neurons.limited(signals)
            rows.pull[:] = landscape.product(rows.signals) + landscape.drive
            self.sweeps = 1
        descent.begin(
            rows.signals, rows.pull, self.linear, self.quadratic, *self.laws, self.alone, self.near,
            rows.direction, rows.gradient, each.own, each.decrease, each.residual,
        )  # fmt: skip

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
            if self.landscape.nudge is not None:
                self.linear[row] = self.linear[self.count]
            self.sample[row] = self.sample[self.count]
        return self.count

    def step(self) -> None:
        """Spend one product with W on a direction, and go along it as far as the energy falls well."""
        rows, each = self._active()
        self.landscape.couplings.multiply(rows.direction, self.landscape.role.within, rows.product)
        self.sweeps += 1
        descent.descend(
            rows.signals, rows.pull, rows.direction, rows.product, rows.gradient, self.linear, self.quadratic,
            *self.laws, self.reach, self._stride(), self.slack, self.alone, self.near,
            each.own, each.decrease, each.residual,
        )  # fmt: skip

    def _stride(self) -> np.floating:
        """Return the longest step: short while a cold start decides which minimum is near, then as the line allows."""
        early = self.cold and self.sweeps <= _GENTLE_STEPS
        return self.slack.dtype.type(_GENTLE_STRIDE if early else np.inf)

    def _store(self, rows: slice) -> None:
        samples = self.sample[rows]
        matrices, each = self._active()
        self.states[samples] = self.landscape.neurons.states(matrices.signals[rows])
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
