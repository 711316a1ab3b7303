"""A flow while it is taught: its weights and optimizer, step by step; `learn` takes it from the first to the last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossbar.chip import FLOW, Conductances
from crossbar.errors import DivergedError
from crossbar.hopfield.couplings import random_weights
from hvae.config.flow import Teaching
from hvae.config.run import OptimizerConfig
from hvae.flows import denoiser, field, matching
from hvae.flows.denoiser import Denoiser
from hvae.flows.field import Field, Velocity
from hvae.flows.flow import Flow
from hvae.flows.lessons import Lessons, Units, outward
from hvae.learning import optimizers
from hvae.learning.optimizers import Optimizer
from hvae.models.hopfield import Parameters
from hvae.streams import stream

MOMENTUM = 0.9  # of Muon
_START = 0.7  # of the usual spread of first weights: the energy has one minimum then


@dataclass(kw_only=True)
class Taught:
    """A flow that is being learned, by floats (`Course`) or on devices (`hvae.flows.pulsed.PulsedCourse`).

    Attributes
    ----------
    lessons : Lessons
    field : Velocity
        Its network and solvers; its weights are the first ones.
    parameters : dict
        The weights now, ``flow``.
    step : int
        Steps made.
    """

    lessons: Lessons
    field: Velocity
    parameters: Parameters
    step: int = 0

    @property
    def flow(self) -> Flow:
        """The flow that has been learned so far."""
        return Flow(
            field=self.field.with_weights(self.parameters[FLOW].copy()), units=self.lessons.units,
            matching=matching.of(self.lessons.teaching),
        )  # fmt: skip

    @property
    def finished(self) -> bool:
        """Whether all steps are made."""
        return self.step >= self.lessons.teaching.steps

    @property
    def rate(self) -> float:
        """The rate of the next step."""
        teaching = self.lessons.teaching
        return teaching.rate * schedule(self.step / teaching.steps)

    def checked(self, loss: float) -> float:
        """Return the `loss` of the next step.

        Raises
        ------
        DivergedError
            It is no longer finite.
        """
        if not np.isfinite(loss):
            rate = self.lessons.teaching.rate
            raise DivergedError(f"the flow diverged at step {self.step + 1}: lower `teaching.rate`, {rate:g}")
        return loss


@dataclass(kw_only=True)
class Course(Taught):
    """A flow that is learned in floats.

    Attributes
    ----------
    optimizer : Optimizer
    """

    optimizer: Optimizer

    @classmethod
    def begin(
        cls, samples: np.ndarray, teaching: Teaching, seed: int, spread: np.ndarray | float = 0.0,
        units: Units | None = None,
    ) -> Course:  # fmt: skip
        """Return the course of `teaching` before its first step; for its arguments see `learn`."""
        samples = np.asarray(samples, np.float32)
        own = units or Units.of(outward(samples, teaching.margin, stream(seed, "validation")), spread)
        lessons = Lessons(samples=samples, spread=spread, units=own, teaching=teaching, seed=seed)
        made: type[Denoiser | Field] = Field
        whole = field.network(samples.shape[1], teaching.hidden, teaching.n_times, teaching.gain)
        if teaching.matching == "denoiser":
            made = Denoiser
            whole = denoiser.network(samples.shape[1], teaching.hidden, teaching.n_times, teaching.gain)
        first = _START * random_weights(whole, stream(seed, "init"), np.float32) * whole.mask()
        weights = first.astype(np.float32)
        muon = OptimizerConfig(name="muon", learning_rate=teaching.rate, momentum=MOMENTUM)
        return cls(
            lessons=lessons, field=made(network=whole, weights=weights), parameters={FLOW: weights.copy()},
            optimizer=optimizers.make(muon, {FLOW: whole.spans}),
        )  # fmt: skip

    @property
    def memory(self) -> Parameters:
        """What a checkpoint keeps beside the weights."""
        return self.optimizer.state

    def restore(self, step: int, parameters: Parameters, memory: Parameters) -> None:
        """Go on from what a checkpoint holds.

        Raises
        ------
        CorruptFile
            The optimizer's memory is not there, or of another shape.
        """
        optimizers.restore(self.optimizer, parameters, memory)
        self.step, self.parameters = step, parameters

    def conductances(self) -> dict[str, Conductances]:
        """Return the devices of its chip: none, as its weights are floats."""
        return {}

    def advance(self) -> float:
        """Make one step; return the loss |v - u|^2 / 2 of its batch before it.

        Raises
        ------
        DivergedError
            The loss is no longer finite.
        """
        lesson = self.lessons.at(self.step)
        now = self.field.with_weights(self.parameters[FLOW])
        gradient, loss = now.gradient(lesson.x, lesson.t, lesson.target)
        self.checked(loss)
        self.optimizer.step(self.parameters, {FLOW: gradient}, self.rate)
        self.step += 1
        return loss


def learn(
    samples: np.ndarray,
    teaching: Teaching,
    rng: np.random.Generator,
    spread: np.ndarray | float = 0.0,
    units: Units | None = None,
    tell: Callable[[int, float], object] = lambda *_: None,
) -> Flow:
    """Return the flow that flow matching teaches to make `samples` (n, d).

    Parameters
    ----------
    rng : Generator
        Draws the seed of the course; `teaching.seed` has no part in it.
    spread : float or ndarray (d,)
        Standard deviation of noise that is added to every sample drawn, as q(z|x) has.
    units : Units or None
        Origin and unit of what flows; `Units.of` the samples, moved by `teaching.margin`, if None.
    tell : callable
        Hears each step and its loss.

    Raises
    ------
    InvalidValue
        Fewer than two samples, or numbers that are not finite.
    DivergedError
        The loss is no longer finite.
    """
    course = Course.begin(samples, teaching, int(rng.integers(2**63)), spread, units)
    while not course.finished:
        loss = course.advance()
        tell(course.step, loss)
    return course.flow


def schedule(share: float) -> float:
    """Return the rate at a `share` of the steps, relative to its height."""
    return min(1.0, 20 * share + 0.02) * min(1.0, (1 - share) * 1.5)
