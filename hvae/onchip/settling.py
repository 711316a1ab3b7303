"""How the phases of equilibrium propagation are run on an array, chosen from what the array is.

`crossbar.arrays.ways` tells which way an array allows; `array.noisy_phases` may ask for another.

`warm` is the fast path of noisy chips. Only what the noise adds is stepped: from the noise-free equilibrium (or,
nudged, from the one that linear response predicts) the fluctuation of a mode of the Hessian with eigenvalue l reaches
the share 1 - (1 - dt l)^(2 k) of its stationary variance in k steps: with dt 0.3 and 15 steps 99 % for l = 0.5, 60 %
for l = 0.1. `tests/hvae/onchip/test_noise.py` compares it with plain stepping.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from crossbar.arrays import ways
from crossbar.arrays.array import CrossbarArray
from crossbar.errors import InvalidValue
from crossbar.hopfield.chip_steps import ChipSteps
from crossbar.hopfield.energy import Landscape, Nudge
from crossbar.hopfield.linear_response import LinearResponse
from crossbar.hopfield.network import Role
from crossbar.hopfield.settling import Settled, Solver
from hvae.config.array import ArraySettings
from hvae.config.run import RunConfig
from hvae.learning.learners import make_nudged_solver, make_solver
from hvae.learning.nudging import SIGNS
from hvae.onchip.reads import ReadBack, noise_free, reads


@dataclass(frozen=True, kw_only=True)
class ChipFree:
    """A free phase on the chip: what was read, and where a nudged phase starts from."""

    settled: Settled
    start: np.ndarray
    landscape: Landscape


@dataclass(frozen=True, kw_only=True)
class ChipNudged:
    """Two nudged phases on the chip.

    Attributes
    ----------
    plus, minus : ndarray (batch, n_free)
        rho(s) of both.
    width : float
        Difference of the two nudges.
    received : ndarray (batch, n_clamped)
        What the clamped neurons received, plus phase less minus phase, over `width`: eq. (9) needs it.
    sweeps : ndarray (batch,)
    failed : ndarray (batch,) of bool
    """

    plus: np.ndarray
    minus: np.ndarray
    width: float
    received: np.ndarray
    sweeps: np.ndarray
    failed: np.ndarray


class NudgedReads(Protocol):
    """Which way an array is read in a nudged phase."""

    def landscape(self, array: CrossbarArray, role: Role, inputs: np.ndarray, free: ChipFree) -> Landscape:
        """Begin a nudged phase after `free`, and return what the free neurons settle in."""
        ...

    def outward(self, array: CrossbarArray, role: Role, signals: np.ndarray, out: np.ndarray) -> None:
        """Write to `out` (batch, n_clamped) what the clamped neurons receive of `signals` (batch, n_free)."""
        ...


class Way(Protocol):
    """How one phase is brought to rest."""

    @property
    def nudged_reads(self) -> NudgedReads:
        """Which way the array is read in nudged phases."""
        ...

    def free(self, array: CrossbarArray, role: Role, inputs: np.ndarray) -> ChipFree:
        """Settle on `inputs` (batch, n_clamped)."""
        ...

    def start(self, free: ChipFree, cost: Nudge, beta: float) -> np.ndarray:
        """Return the state (batch, n_free) that a phase nudged by `beta` starts from."""
        ...

    @property
    def nudged(self) -> Solver:
        """What settles a nudged phase."""
        ...


@dataclass(frozen=True, kw_only=True)
class Forward:
    """Nudged phases read the array as free ones do."""

    def landscape(self, array: CrossbarArray, role: Role, inputs: np.ndarray, free: ChipFree) -> Landscape:
        """Begin a nudged phase."""
        del free
        return reads(array, role, inputs).landscape()

    def outward(self, array: CrossbarArray, role: Role, signals: np.ndarray, out: np.ndarray) -> None:
        """Write what the clamped neurons receive to `out`."""
        array.multiply(signals, role.outward, out)


@dataclass(frozen=True, kw_only=True)
class Backward:
    """What a nudge changed is read the other way, see `ReadBack`; so is what the clamped neurons receive of it."""

    def landscape(self, array: CrossbarArray, role: Role, inputs: np.ndarray, free: ChipFree) -> Landscape:
        """Begin a nudged phase."""
        del inputs
        settled = free.settled
        return ReadBack.at(array, role, role.free_neurons.signals(settled.states), settled.pull).landscape()

    def outward(self, array: CrossbarArray, role: Role, signals: np.ndarray, out: np.ndarray) -> None:
        """Write what the clamped neurons receive to `out`: through the devices by which they drive the free ones."""
        array.multiply_back(signals, role.outward, out)


NUDGED_READS: dict[str, NudgedReads] = {"forward": Forward(), "backward": Backward()}


@dataclass(frozen=True, kw_only=True)
class FromZero:
    """Every phase settled by `solver` (free) and `nudged` on the array itself."""

    solver: Solver
    nudged: Solver
    nudged_reads: NudgedReads = field(default_factory=Forward)

    def free(self, array: CrossbarArray, role: Role, inputs: np.ndarray) -> ChipFree:
        """Settle from zero."""
        landscape = reads(array, role, inputs).landscape()
        settled = self.solver.settle(landscape)
        return ChipFree(settled=settled, start=settled.states, landscape=landscape)

    def start(self, free: ChipFree, cost: Nudge, beta: float) -> np.ndarray:
        """Go on from the free state."""
        del cost, beta
        return free.start


@dataclass(frozen=True, kw_only=True)
class Warm:
    """The noise-free equilibrium by `solver`, then the chip's own steps by `nudged`."""

    solver: Solver
    response: LinearResponse
    nudged: ChipSteps
    nudged_reads: NudgedReads = field(default_factory=Forward)

    def free(self, array: CrossbarArray, role: Role, inputs: np.ndarray) -> ChipFree:
        """Settle without noise, then with it."""
        landscape = reads(array, role, inputs).landscape()
        calm = noise_free(array, role, inputs)
        rest = self.solver.settle(calm)
        settled = self.nudged.settle(landscape, rest.states)
        total = Settled(
            states=settled.states, pull=settled.pull, residual=settled.residual,
            sweeps=settled.sweeps + rest.sweeps, outcome=np.maximum(rest.outcome, settled.outcome),
        )  # fmt: skip
        return ChipFree(settled=total, start=rest.states, landscape=calm)

    def start(self, free: ChipFree, cost: Nudge, beta: float) -> np.ndarray:
        """Return the noise-free equilibrium that linear response predicts."""
        states = free.start
        force = cost.quadratic * states + cost.linear
        response = self.response.respond(free.landscape, _at(free), force)
        return states + states.dtype.type(beta) * response.displacement


def nudge_twice(
    way: Way, array: CrossbarArray, role: Role, inputs: np.ndarray, free: ChipFree, cost: Nudge,
    *, beta: float, signs: tuple[float, float],
) -> ChipNudged:  # fmt: skip
    """Run the two nudged phases of eq. (4), each with its own noise, and read what the clamped neurons receive."""
    signals, received, sweeps = [], [], np.zeros(len(inputs), np.int64)
    failed = np.zeros(len(inputs), bool)
    for sign in signs:
        strength = inputs.dtype.type(sign * beta)
        landscape = way.nudged_reads.landscape(array, role, inputs, free)
        nudge = Nudge(linear=strength * cost.linear, quadratic=strength * cost.quadratic)
        settled = way.nudged.settle(landscape.nudged(nudge), way.start(free, cost, float(strength)))
        sweeps, failed = sweeps + settled.sweeps, failed | ~settled.settled
        signals.append(role.free_neurons.signals(settled.states))
        sums = np.empty_like(inputs)
        way.nudged_reads.outward(array, role, signals[-1], sums)
        received.append(sums)
    width = inputs.dtype.type(beta * (signs[0] - signs[1]))
    return ChipNudged(
        plus=signals[0], minus=signals[1], width=float(width), received=(received[0] - received[1]) / width,
        sweeps=sweeps, failed=failed,
    )  # fmt: skip


def choose(settings: ArraySettings, array: CrossbarArray) -> str:
    """Return the name of how phases on `array` are run, see the table of this module.

    Raises
    ------
    InvalidValue
        The fast path is asked for where it does not hold.
    """
    if settings.noisy_phases == "stepped":
        return "stepped"
    found = ways.way(array)
    if settings.noisy_phases == "warm" and found == "stepped":
        raise InvalidValue("`array.noisy_phases` 'warm' needs shared devices and white noise: use 'stepped'")
    return found


def make_way(config: RunConfig, name: str) -> Way:
    """Return the way `name` of running phases, with the tolerances and steps of `config`."""
    settling, nudging, settings = config.settling, config.nudging, config.array
    steps: dict[str, Any] = {"time_step": settling.time_step, "average": settings.average_steps}
    if name == "stepped":
        return FromZero(
            solver=ChipSteps(steps=settling.max_sweeps, tolerance=settling.tolerance, **steps),
            nudged=ChipSteps(steps=nudging.max_sweeps, tolerance=settling.tolerance * nudging.beta, **steps),
            nudged_reads=NUDGED_READS[settings.nudged_reads],
        )
    solver = make_solver(settling)
    if name == "warm":
        response = LinearResponse(tolerance=nudging.tolerance, max_sweeps=nudging.max_sweeps)
        return Warm(solver=solver, response=response, nudged=ChipSteps(steps=settings.noisy_steps, **steps))
    return FromZero(solver=solver, nudged=make_nudged_solver(nudging, settling))


def nudge_signs(config: RunConfig) -> tuple[float, float]:
    """Return the two nudges of a chip's phases in units of beta; linear response stands for centred ones."""
    method = config.nudging.method
    return SIGNS["centred" if method == "linear-response" else method]


def _at(free: ChipFree) -> Settled:
    """Return the noise-free equilibrium as the result of a settling."""
    states = free.start
    batch = len(states)
    zero = np.zeros(batch)
    return Settled(states=states, pull=states, residual=zero, sweeps=np.zeros(batch, np.int64), outcome=zero)
