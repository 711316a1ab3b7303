"""How a network settles: the protocol of solvers, what they return, and the paper's own Euler scheme, eq. (3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import real_signals
from crossbar.hopfield.energy import Landscape
from crossbar.hopfield.kernels import descent
from crossbar.hopfield.neurons import REACH
from crossbar.hopfield.population import Population
from crossbar.numerics import checks


class Outcome(IntEnum):
    """How the settling of one sample ended."""

    SETTLED = 0
    SWEEP_LIMIT = 1
    DIVERGED = 2

    @property
    def message(self) -> str:
        """What it means, and the remedy."""
        return {
            Outcome.SETTLED: "settled: every component of grad E is below the tolerance",
            Outcome.SWEEP_LIMIT: "not settled: the sweep limit was reached; raise `max_sweeps` or the tolerance "
            f"(no fast solver passes gain |s| = {REACH:g}: where pulls are so strong, settle by `Euler`)",
            Outcome.DIVERGED: "diverged: a state is no longer finite; check the weights, or lower `time_step`",
        }[self]


@dataclass(frozen=True, kw_only=True)
class Settled:
    """States after settling, and how each sample got there.

    Attributes
    ----------
    states : ndarray (batch, n_free)
    pull : ndarray (batch, n_free)
        u = W rho(s) + drive at these states.
    residual : ndarray (batch,)
        max |grad E|.
    sweeps : ndarray (batch,)
        Products with W that each sample took part in.
    outcome : ndarray (batch,) of Outcome
    """

    states: np.ndarray
    pull: np.ndarray
    residual: np.ndarray
    sweeps: np.ndarray
    outcome: np.ndarray

    @property
    def settled(self) -> np.ndarray:
        """Which samples converged, (batch,) boolean."""
        return self.outcome == Outcome.SETTLED

    def __repr__(self) -> str:
        count = int(self.settled.sum())
        others = ((end, int((self.outcome == end).sum())) for end in Outcome if end != Outcome.SETTLED)
        remedies = "".join(f"; {number} {end.message}" for end, number in others if number)
        return (
            f"Settled({count} of {len(self.outcome)} samples settled, "
            f"{self.sweeps.mean() if len(self.sweeps) else 0:.1f} sweeps on average, "
            f"largest residual {self.residual.max(initial=0):.1e}{remedies})"
        )


class Solver(Protocol):
    """Something that brings a batch of states to rest."""

    def settle(self, landscape: Landscape, start: np.ndarray | None = None) -> Settled:
        """Settle from `start` (batch, n_free), or from the paper's state zero."""
        ...


@dataclass(frozen=True, kw_only=True)
class Euler:
    """The paper's first-order scheme, eq. (3): s <- (1 - dt) s + dt rho'(s) (W rho(s)), with the nudge of eq. (4).

    It is also the model of the physical chip, whose neurons follow eq. (2) in units of their time constant. Stable
    only for dt < 2 / lambda_max of the Hessian: about 0.44 on trained networks.

    Attributes
    ----------
    time_step : float
        dt, in time constants of the neuron; in (0, 1].
    max_sweeps : int
        Steps to make.
    tolerance : float
        The whole batch stops once every sample has max |grad E| below it; 0 makes all steps.

    Raises
    ------
    InvalidValue
        A time step outside (0, 1], or less than one step.
    """

    time_step: float = 0.3
    max_sweeps: int = 200
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.time_step <= 1:
            raise InvalidValue(f"`time_step` must be in (0, 1] for eq. (3) to be stable, but got {self.time_step}")
        checks.at_least("max_sweeps", self.max_sweeps, 1)

    def settle(self, landscape: Landscape, start: np.ndarray | None = None) -> Settled:
        """Make the steps of eq. (3) from `start`."""
        if start is not None:
            check_states("start", start, landscape)
        drive = landscape.drive
        states = np.zeros_like(drive) if start is None else start.astype(drive.dtype, copy=True)
        linear, quadratic = nudge_arrays(landscape)
        product = np.empty_like(drive)
        residual = np.empty(len(drive), drive.dtype)
        sweeps = 0
        while sweeps < self.max_sweeps:
            signals = landscape.neurons.signals(states)
            landscape.couplings.multiply(signals, landscape.role.within, product)
            sweeps += 1
            step(landscape.neurons, states, signals, (product, drive), (linear, quadratic), self.time_step, residual)
            if residual.max(initial=0) < self.tolerance or not np.isfinite(residual).all():
                break
        pull = landscape.pull(states)
        residual = np.abs(landscape.gradient(states, pull)).max(1)
        return Settled(
            states=states,
            pull=pull,
            residual=residual,
            sweeps=np.full(len(drive), sweeps + 1),
            outcome=outcomes(residual, self.tolerance or 1e-2),
        )


def step(
    neurons: Population,
    states: np.ndarray,
    signals: np.ndarray,
    pull: tuple[np.ndarray, np.ndarray],
    nudge: tuple[np.ndarray, np.ndarray],
    time_step: float,
    residual: np.ndarray,
) -> None:
    """Make one step of eq. (3) and (4) in place; write max |grad E| before it to `residual` (batch,).

    `pull` is W rho(s) of the free neurons and the drive of the clamped ones, `nudge` its linear and quadratic part.
    """
    linear, quadratic = nudge
    dtype = states.dtype.type
    if neurons.mismatch is None:
        descent.euler(
            states, signals, *pull, linear, quadratic, *neurons.coded(dtype), dtype(time_step), residual
        )  # fmt: skip
        return
    force = neurons.forces(states, signals, pull[0] + pull[1]) + quadratic * states + linear
    np.abs(force).max(axis=1, out=residual)
    states -= neurons.eased(dtype(time_step) * force, states, time_step)


def check_states(name: str, states: np.ndarray, landscape: Landscape) -> None:
    """Raise `InvalidValue` unless `states` are real numbers of the shape (batch, n_free) of `landscape`."""
    real_signals(name, states, landscape.drive.dtype.type)
    if states.shape != landscape.drive.shape:
        raise InvalidValue(f"`{name}` must be {landscape.drive.shape}, but got {states.shape}")


def nudge_arrays(landscape: Landscape) -> tuple[np.ndarray, np.ndarray]:
    """Return the linear (batch, n_free) and quadratic (n_free,) part of the nudge, zero where there is none."""
    drive = landscape.drive
    if landscape.nudge is None:
        return np.zeros_like(drive), np.zeros(drive.shape[1], drive.dtype)
    return landscape.nudge.linear.astype(drive.dtype), landscape.nudge.quadratic.astype(drive.dtype)


def outcomes(residual: np.ndarray, tolerance: float) -> np.ndarray:
    """Return how each sample ended, from its `residual` (batch,)."""
    ended = np.where(residual < tolerance, Outcome.SETTLED, Outcome.SWEEP_LIMIT)
    return np.where(np.isfinite(residual), ended, Outcome.DIVERGED)
