"""Neurons side by side in one array of states: each run of columns follows the law of its block.

Where a chip's neurons are not alike (`crossbar.hopfield.mismatch`), each law is taken at x = a (s - o): a derivative by
s is a derivative by x times a, and the leak l multiplies what phi = s^2 / 2 makes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar.hopfield.mismatch import Mismatch
from crossbar.hopfield.neurons import REACH, Classical, Linear, Neuron, rho


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
        """Return kinds (runs,), bounds (runs + 1,) and gains (runs,) of the runs, as the kernels take them."""
        kinds = np.array([law.kind for law in self.laws], np.int64)
        gains: np.ndarray = np.array([law.gain for law in self.laws], dtype)
        return kinds, np.array((0, *self.stops), np.int64), gains

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
        """Return phi of each neuron, (batch, n)."""
        return self._leaking(self._each(lambda law, one: law.energy(one), states))

    def forces(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return dE/ds (batch, n)."""
        seen = self._times_gain(self._per_leak(pull))
        return self._leaking(self._each(lambda law, *some: law.force(*some), states, signals, seen))

    def curvatures(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return the part of d2E/ds2 that no coupling makes, (batch, n)."""
        seen = self._times_gain(self._times_gain(self._per_leak(pull)))
        return self._leaking(self._each(lambda law, *some: law.curvature(*some), states, signals, seen))

    def twists(self, states: np.ndarray, signals: np.ndarray, pull: np.ndarray) -> np.ndarray:
        """Return d curvature / ds, the pull held, (batch, n)."""
        seen = self._times_gain(self._times_gain(self._times_gain(pull)))
        return self._each(lambda law, *some: law.twist(*some), states, signals, seen)

    def stiffnesses(self, states: np.ndarray, signals: np.ndarray) -> np.ndarray:
        """Return the curvatures at rest without a nudge (batch, n), where dE/ds = 0 tells the pull."""
        scaled = self._times_gain(states)
        return self._leaking(self._each(lambda law, *some: law.stiffness(*some), scaled, signals))

    def _times_gain(self, array: np.ndarray) -> np.ndarray:
        return array if self.mismatch is None else array * self.mismatch.gain.astype(array.dtype)

    def _per_leak(self, array: np.ndarray) -> np.ndarray:
        return array if self.mismatch is None else array / self.mismatch.leak.astype(array.dtype)

    def _leaking(self, array: np.ndarray) -> np.ndarray:
        return array if self.mismatch is None else array * self.mismatch.leak.astype(array.dtype)

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
            if law.kind != Linear.kind:
                held[:, columns] = np.clip(signals[:, columns], 2 * reach, 1 - 2 * reach)
        return held
