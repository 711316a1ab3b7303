"""Characterised neurons together on the memristors of a chip: where they rest by their tables, and what fits them.

    l_i s_i = a_i rho'(a_i (s_i - o_i)) (sum_j eta_i W_ij eta_j rho(a_j (s_j - o_j)) + p_i)

A neuron whose lines have another height drives its whole column of weights by it. With eta the heights over their mean
the network has an energy all the same: eta_i W_ij eta_j is symmetric, and what it multiplies a row with too much goes
into leak and pull. So heights are gains of lines (`crossbar.devices.line_gains`), the rest is `Mismatch`.

What no such neuron has: rho' with another middle than rho, heights that differ by sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import root

from circuits.circuit.memristor_array import MemristorArray
from circuits.silicon.bench import Conditions
from circuits.silicon.characterised import COARSE, LARGEST, REACH, Characterised, characterise
from circuits.silicon.level import Level
from crossbar.errors import DivergedError, InvalidValue
from crossbar.hopfield.mismatch import Mismatch

STEPS, RATE, NEAR = 20_000, 0.03, 1e-4
SWEEPS, HELD = 40, 1e-12  # V


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """What `crossbar` has in place of the tables.

    Attributes
    ----------
    mismatch : Mismatch
        Gain, offset, leak and pull of each neuron.
    heights : ndarray (N,)
        eta, the gains of the lines, of mean 1.
    """

    mismatch: Mismatch
    heights: np.ndarray


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Neurons of one chip, in the order of their states, under the same conditions.

    Parameters
    ----------
    each : tuple of Characterised (N,)
        The same one N times where all are alike.
    """

    each: tuple[Characterised, ...]

    @classmethod
    def alike(cls, known: Characterised, size: int) -> Ensemble:
        """Return `size` neurons that all are `known`."""
        return cls((known,) * size)

    @property
    def conditions(self) -> Conditions:
        """Corner, temperature, volts."""
        return self.each[0].conditions

    @property
    def level(self) -> Level:
        """Volts, ohms, farads."""
        return self.each[0].level

    @cached_property
    def _tables(self) -> tuple[CubicSpline, CubicSpline, CubicSpline, CubicSpline]:
        """Splines of above, below (by state), line (by current) and drive (by state, for each current)."""
        one = self.each[0]
        above, below, line = (
            np.stack([getattr(one, name) for one in self.each], axis=1) for name in ("above", "below", "line")
        )
        drive = np.stack([one.drive for one in self.each], axis=2).transpose(1, 0, 2)
        return (
            CubicSpline(one.state, above), CubicSpline(one.state, below), CubicSpline(one.current, line),
            CubicSpline(one.state, drive),
        )  # fmt: skip

    def currents(self, array: MemristorArray, states: np.ndarray) -> np.ndarray:
        """Return the current (N,) of each bit line while the neurons are at `states` (N,)."""
        above, below, line, _ = self._tables
        brought = array.plus @ _own(above, states) + array.minus @ _own(below, states)
        total = (array.plus + array.minus).sum(axis=1)
        held = np.zeros(array.size) + self.each[0].line.mean()
        for _ in range(SWEEPS):
            before, held = held, _own(line, np.clip(brought - total * held, -LARGEST, LARGEST))
            if np.abs(held - before).max() < HELD:
                break
        return brought - total * held

    def drift(self, array: MemristorArray, states: np.ndarray) -> np.ndarray:
        """Return R C ds/dt (N,) in units."""
        by_current = _own(self._tables[3], np.clip(states, -REACH, REACH))
        pushed = _own(
            CubicSpline(self.each[0].current, by_current), np.clip(self.currents(array, states), -LARGEST, LARGEST)
        )
        return self.level.leak * pushed / self.conditions.scale - states

    def rest(self, array: MemristorArray, clamped: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return where the network rests (N,) with the neurons `clamped` (k,) at `values` (k,), from zero.

        Raises
        ------
        DivergedError
            It does not come to rest.
        InvalidValue
            A bit line carries more than the tables reach.
        """
        free = np.setdiff1d(np.arange(array.size), clamped)
        states = np.zeros(array.size)
        states[clamped] = values

        def away(some: np.ndarray) -> np.ndarray:
            states[free] = some
            return self.drift(array, states)[free]

        some = np.zeros(len(free))
        for _ in range(STEPS):
            step = away(some)
            some = some + RATE * step
            if np.abs(step).max() < NEAR:
                break
        solved = root(away, some, tol=1e-10)
        if not solved.success and np.abs(solved.fun).max() > NEAR:
            raise DivergedError(f"the characterised network does not come to rest ({solved.message}): weaker weights")
        states[free] = solved.x
        most = float(np.abs(self.currents(array, states)[free]).max())
        if most > LARGEST:
            raise InvalidValue(
                f"a bit line carries {1e6 * most:.3g} uA, but neurons were characterised up to {1e6 * LARGEST:g} uA: "
                "take a larger leak (`Level.leak`, --leak), which makes all conductances smaller"
            )
        return states

    def fitted(self, array: MemristorArray) -> Fitted:
        """Return the neurons of `crossbar` that fit these on the lines of `array`.

        A rho' of height g that is driven by lines of height h, of which the conveyor takes the share c, rests where
        l s = a rho'(a (s - o)) (u + p), l = a / (g h c). The pull p is what the state is driven by without a bit line's
        current, and what lines bring that do not end alike: their ends, the difference of their heights at a signal of
        1/2, and where conveyors hold their lines, times the conductances of the line.
        """
        fits, unit = [one.fit for one in self.each], array.siemens_per_weight
        gain, offset, height, slope_height, alone, rest, resistance = (
            np.array([getattr(one, name) for one in fits])
            for name in ("gain", "offset", "height", "slope_height", "alone", "rest", "resistance")
        )
        further = np.array([one.ends for one in fits])
        total = (array.plus + array.minus).sum(axis=1)
        taken = 1 + total * resistance
        brought = array.plus @ (further[:, 0] + rest) - array.minus @ (further[:, 1] - rest) - total * rest
        mean = float(height.mean())
        heights = height / mean
        return Fitted(
            mismatch=Mismatch(
                gain=gain, offset=offset, leak=gain / slope_height * taken * heights / mean,
                pull=(alone * taken + brought) / unit * heights / mean,
            ),
            heights=heights,
        )  # fmt: skip


def _own(spline: CubicSpline, at: np.ndarray) -> np.ndarray:
    """Return the values (..., N) of a spline whose last axis are neurons, each at its own place of `at` (N,)."""
    place = np.clip(np.searchsorted(spline.x, at, side="right") - 1, 0, len(spline.x) - 2)
    from_knot, column = at - spline.x[place], np.arange(len(at))
    cubic, square, linear, constant = np.moveaxis(spline.c[:, place, ..., column], 0, -1)
    return ((cubic * from_knot + square) * from_knot + linear) * from_knot + constant


def characterise_each(
    conditions: Conditions, level: Level, load: float, errors: Sequence[Mapping[str, float]],
    told: Callable[[int], None] = lambda _: None,
) -> Ensemble:  # fmt: skip
    """Measure every neuron of a chip of unlike transistors, one coarse table each; `told` hears how many are done.

    Raises
    ------
    InvalidValue, MissingFile, EngineError
        As in `circuits.silicon.bench.simulate`.
    """
    each = []
    for one in errors:
        each.append(characterise(conditions, level, load, one, COARSE))
        told(len(each))
    return Ensemble(tuple(each))
