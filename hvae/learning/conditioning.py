"""Keeping a network fast to settle: a penalty on the softest modes of its energy, learned like the loss itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.settling import Settled
from hvae.learning.equilibrium import Contrast


@dataclass(frozen=True, kw_only=True)
class SoftModes:
    """Smallest Hessian eigenvalues of a few samples, and what they tell the weights.

    Attributes
    ----------
    rows : ndarray (samples,)
        Which samples of the batch.
    eigenvalues : ndarray (samples,)
    contrasts : list of Contrast
        Their sum is what the penalty adds to the gradient; see `hvae.learning.equilibrium.gradient`.
    """

    rows: np.ndarray
    eigenvalues: np.ndarray
    contrasts: list[Contrast]


@dataclass(frozen=True, kw_only=True)
class Conditioning:
    """The penalty -strength log(lambda_min), for the `share` of a batch whose contrasts are longest.

    With H = diag(1 - rho'' u) - rho' W rho' at the equilibrium s, and H v = lambda v, |v| = 1, the eigenvalue changes
    by d lambda = v.dH v. W changes H as it stands, and through ds = -H^-1 d(grad E); the adjoint a, H a = -c with
    c = d(v.H v)/ds, takes that in one more linear response. Together

        d lambda / dw_ij = -(R_i S_j + S_i R_j) - 2 (rho' v)_i (rho' v)_j,   R = rho' a + rho'' v^2,   S = rho(s),

    two contrasts of the form that eq. (5) gives. The mode v comes from inverse iteration, started at the
    contrast itself, which is mostly soft mode where it is long. A chip needs about 1 / lambda_min time constants to
    settle. No part of the paper.

    Attributes
    ----------
    strength : float
        In units of the loss, SSE/2 + beta_KL KL.
    solver : LinearResponse
    share : float
        In (0, 1].
    iterations : int
        Of inverse iteration.
    """

    strength: float
    solver: LinearResponse
    share: float = 0.0625
    iterations: int = 2

    def __post_init__(self) -> None:
        if not self.strength > 0 or not 0 < self.share <= 1 or self.iterations < 1:
            raise InvalidValue(
                "`strength` and `iterations` must be positive and `share` in (0, 1], but got "
                f"{self.strength}, {self.iterations} and {self.share}"
            )

    def soften(self, landscape: Landscape, free: Settled, inputs: np.ndarray, difference: np.ndarray) -> SoftModes:
        """Return the soft modes of the samples with the longest `difference` (batch, n_free), and their contrasts.

        Samples at a saddle (no positive eigenvalue) are left alone: there is no minimum to stiffen.
        """
        lengths = np.einsum("ij,ij->i", difference, difference)
        rows = np.sort(np.argsort(lengths, kind="stable")[-max(1, round(self.share * len(lengths))) :])
        some, states = landscape.select(rows), free.states[rows]
        settled = Settled(
            states=states, pull=free.pull[rows], residual=free.residual[rows], sweeps=free.sweeps[rows],
            outcome=free.outcome[rows],
        )  # fmt: skip
        neurons, held = landscape.role.free_neurons, landscape.role.held_neurons
        signals = neurons.signals(states)
        slope = neurons.slopes(signals)
        mode, eigenvalues = self._mode(some, settled, difference[rows] / slope)
        positive = eigenvalues > 0
        weights = np.where(positive, -self.strength / np.where(positive, eigenvalues, 1), 0)[:, None]
        weights = weights.astype(states.dtype)
        bend = neurons.bends(signals)
        adjoint = self.solver.respond(some, settled, self._force(some, settled, mode)).displacement
        share = states.dtype.type(len(rows) / len(lengths))  # a contrast is averaged over its own rows
        first = Contrast(
            role=landscape.role,
            difference=share * weights * (slope * adjoint + bend * mode**2),
            mean=landscape.role.join(signals, held.signals(inputs[rows])),
        )
        still = np.zeros((len(rows), landscape.role.n_clamped), states.dtype)
        second = Contrast(
            role=landscape.role,
            difference=share * weights * slope * mode,
            mean=landscape.role.join(slope * mode, still),
        )
        return SoftModes(rows=rows, eigenvalues=eigenvalues, contrasts=[first, second])

    def _mode(self, landscape: Landscape, settled: Settled, guess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mode (samples, n_free), of unit length, and its eigenvalue, by inverse iteration from `guess`."""
        mode = guess / np.linalg.norm(guess, axis=1, keepdims=True)
        for _ in range(self.iterations):
            mode = self.solver.respond(landscape, settled, -mode).displacement
            mode /= np.linalg.norm(mode, axis=1, keepdims=True)
        product = landscape.hessian_product(settled.states, mode, settled.pull)
        return mode, np.einsum("ij,ij->i", mode, product)

    def _force(self, landscape: Landscape, settled: Settled, mode: np.ndarray) -> np.ndarray:
        """Return c = d(v.H v)/ds = twist v^2 - rho' W (rho'' v^2) - 2 rho'' v W (rho' v), twist = -rho''' u (paper)."""
        neurons = landscape.neurons
        signals = neurons.signals(settled.states)
        slope, bend = neurons.slopes(signals), neurons.bends(signals)
        twist = neurons.twists(settled.states, signals, settled.pull)
        spread, along = landscape.product(bend * mode**2), landscape.product(slope * mode)
        return twist * mode**2 - slope * spread - 2 * bend * mode * along
