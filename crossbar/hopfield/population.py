"""Neurons side by side in one array of states: each run of columns follows the law of its block.

Where a chip's neurons are not alike (`crossbar.hopfield.mismatch`), each law is taken at x = a (s - o), in which errors
are a nudge that is always on: a derivative by s is one by x, the nudge's included, times a.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar.hopfield.mismatch import Mismatch
from crossbar.hopfield.neurons import REACH, Classical, Neuron, Saturating, rho


@dataclass(frozen=True)
class Population:
    """Neurons side by side, as the columns of an array (batch, n): which law each run of columns follows.

    Attributes
    ----------
    laws : tuple of Neuron
    stops : tuple of int
        Where each run ends; it begins where the last one ended.
    mismatch : Mismatch or None
        What the neurons have of their own; None where all are as their law says.
    """

    laws: tuple[Neuron, ...]
    stops: tuple[int, ...]
    mismatch: Mismatch | None = None

    @classmethod
    def side_by_side(
        cls, laws: Sequence[Neuron], sizes: Sequence[int], mismatch: Mismatch | None = None
    ) -> Population:
        """Return runs of `sizes` neurons; neighbouring ones of one law are joined."""
        runs: list[Neuron] = []
        stops: list[int] = []
        for law, size in zip(laws, sizes, strict=True):
            at = (stops[-1] if stops else 0) + size
            if runs and runs[-1] == law:
                stops[-1] = at
            else:
                runs.append(law)
                stops.append(at)
        return cls(tuple(runs), tuple(stops), mismatch)

    @property
    def runs(self) -> list[tuple[Neuron, slice]]:
        """The laws and their columns."""
        starts = (0, *self.stops[:-1])
        return [(law, slice(*ends)) for law, *ends in zip(self.laws, starts, self.stops, strict=True)]

    def coded(self, dtype: type) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return kinds (runs,), bounds (runs + 1,) and numbers (runs,) of the runs, as the kernels take them."""
        kinds = np.array([law.kind for law in self.laws], np.int64)
        numbers: np.ndarray = np.array([law.number for law in self.laws], dtype)
        return kinds, np.array((0, *self.stops), np.int64), numbers

    def signals(self, states: np.ndarray) -> np.ndarray:
        """Return r = rho(s), (batch, n)."""
        inner = states if self.mismatch is None else self.mismatch.inner(states)
        return self._each(lambda law, one: law.signal(one), inner)

    def slopes(self, signals: np.ndarray) -> np.ndarray:
        """Return rho'(s) from the signals (batch, n)."""
        return self._times_gain(self._each(lambda law, one: law.slope(one), signals))

    def bends(self, signals: np.ndarray) -> np.ndarray:
        """Return rho''(s) from the signals (batch, n)."""
        return self._times_gain(self._times_gain(self._each(lambda law, one: law.bend(one), signals)))

    def states(self, signals: np.ndarray) -> np.ndarray:
        """Return the states that give `signals` (batch, n)."""
        inner = self._each(lambda law, one: law.state(one), signals)
        return inner if self.mismatch is None else self.mismatch.outer(inner)

    def energies(self, states: np.ndarray) -> np.ndarray:
        """Return phi of each neuron, zero at s = 0 but for what offsets make of it, (batch, n)."""
        if self.mismatch is None:
            return self._each(lambda law, one: law.energy(one), states)
        inner, (linear, quadratic) = self.mismatch.inner(states), self._standing(states)
        leak, offset = (one.astype(states.dtype) for one in (self.mismatch.leak, self.mismatch.offset))
        own = self._each(lambda law, one: law.energy(one), inner)
        return own + inner * (linear + 0.5 * quadratic * inner) + 0.5 * leak * offset**2

    def forces(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return dE/ds (batch, n)."""
        if self.mismatch is None:
            return self._each(lambda law, *some: law.force(*some), states, signals, pull)
        return self._times_gain(self._inner_forces(self.mismatch.inner(states), signals, pull))

    def curvatures(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return the part of d2E/ds2 that no coupling makes, (batch, n)."""
        inner = states if self.mismatch is None else self.mismatch.inner(states)
        curved = self._each(lambda law, *some: law.curvature(*some), inner, signals, pull)
        if self.mismatch is None:
            return curved
        return self._times_gain(self._times_gain(curved + self._standing(states)[1]))

    def twists(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return d curvature / ds, the pull held, (batch, n)."""
        inner = states if self.mismatch is None else self.mismatch.inner(states)
        twisted = self._each(lambda law, *some: law.twist(*some), inner, signals, pull)
        return self._times_gain(self._times_gain(self._times_gain(twisted)))

    def stiffnesses(self, states: np.ndarray, signals: np.ndarray) -> np.ndarray:
        """Return the curvatures at rest without a nudge (batch, n), where dE/ds = 0 tells the pull."""
        if self.mismatch is None:
            return self._each(lambda law, *some: law.stiffness(*some), states, signals)
        alone = self._inner_forces(self.mismatch.inner(states), signals, np.zeros_like(states))
        stiff = self._each(lambda law, *some: law.stiffness(*some), alone, signals)
        return self._times_gain(self._times_gain(stiff + self._standing(states)[1]))

    def eased(self, steps: np.ndarray, states: np.ndarray, time_step: float) -> np.ndarray:
        """Return steps -dt dE/ds (batch, n), linearly implicit in the supplies, which are stiff; others as they are."""
        if not any(isinstance(law, Saturating) for law in self.laws):
            return steps
        inner, held = states if self.mismatch is None else self.mismatch.inner(states), np.zeros_like(states)
        for law, run in self.runs:
            if isinstance(law, Saturating):
                held[:, run] = law.stiffening(inner[:, run])
        eased: np.ndarray = steps / (1 + time_step * self._times_gain(self._times_gain(held)))
        return eased

    def pulled(self, drive: np.ndarray) -> np.ndarray:
        """Return `drive` (batch, n) with what pulls each neuron where nothing does."""
        if self.mismatch is None or not self.mismatch.pulls.any():
            return drive
        return drive + self.mismatch.pulls.astype(drive.dtype)

    def _inner_forces(self, inner: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return dE/dx of neurons that are not alike, (batch, n)."""
        linear, quadratic = self._standing(inner)
        own = self._each(lambda law, *some: law.force(*some), inner, signals, pull)
        return own + quadratic * inner + linear

    def _standing(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the linear and quadratic terms (n,) of the neurons' errors, in x."""
        assert self.mismatch is not None
        nothing = np.zeros(len(self.mismatch), states.dtype)
        return self.mismatch.standing(nothing, nothing)

    def _times_gain(self, array: np.ndarray) -> np.ndarray:
        return array if self.mismatch is None else array * self.mismatch.gain.astype(array.dtype)

    def _each(self, formula: Callable[..., np.ndarray], *arrays: np.ndarray) -> Any:
        if len(self.laws) < 2:
            return formula(self.laws[0], *arrays) if self.laws else arrays[0]
        return np.concatenate(
            [formula(law, *(array[..., columns] for array in arrays)) for law, columns in self.runs], axis=-1
        )

    def reaches(self, dtype: type) -> np.ndarray:
        """Return the least signal (runs,) that the fast solvers let a sigmoid give; 1 less it is the largest.

        What gain |s| = `REACH` gives; for classical neurons, whose states grow as the pull does, four times
        the rounding of 1.
        """
        furthest = rho(np.array([-REACH], dtype), 1)[0]
        rounding = dtype(4 * np.finfo(dtype).eps)
        return np.array([rounding if law.kind == Classical.kind else furthest for law in self.laws], dtype)

    def limited(self, signals: np.ndarray) -> np.ndarray:
        """Return `signals` (batch, n), those of sigmoids held a little inside of `reaches`."""
        held = signals.copy()
        for (law, columns), reach in zip(self.runs, self.reaches(signals.dtype.type), strict=True):
            if not law.follows:
                held[:, columns] = np.clip(signals[:, columns], 2 * reach, 1 - 2 * reach)
        return held
