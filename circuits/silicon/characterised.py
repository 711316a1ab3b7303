"""The characterised neuron: what ngspice measured of one neuron, as tables, and where a network of such neurons rests.

    s_i = (R / U) F(I_i, s_i),   I_i = sum_j G+_ij (A(s_j) - L(I_i)) + G-_ij (B(s_j) - L(I_i))

A and B are the voltages of the two word lines over the state: rho as it is, twice. F is the current into the state over
that of the bit line and the state: rho' as it is, with its height, its offsets, and what a sign takes along. L is where
the conveyor holds its line. Every neuron is the same one here; mismatch is not in it.

A table of F has 19 currents and 61 states, one simulation of 3 s. The lines are loaded as those of a chip are on
average, as a driver's voltage falls with its current, by millivolts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline, RectBivariateSpline
from scipy.optimize import root

from circuits.cells.sky130.cell import Cell, rho, slope
from circuits.cells.sky130.neuron import neuron
from circuits.circuit.memristor_array import MemristorArray
from circuits.silicon.bench import HOLD, Conditions, head, simulate
from circuits.silicon.level import Level, mounted, rails
from circuits.silicon.neuron import GAIN
from circuits.silicon.transfer import fit
from crossbar.errors import DivergedError, InvalidValue
from crossbar.hopfield.mismatch import Mismatch
from crossbar.numerics import checks

LINE = Cell(name="line", transistors=(), law=rho, share=1.0, peak=1.0)
DRIVE = Cell(name="drive", transistors=(), law=slope, share=2.0, peak=0.25)
FITTED = 15e-9  # A; of the bit line, at which rho' is fitted
SHARES = np.array([0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 1.0])
LARGEST = 0.1e-6  # A of a bit line
REACH, POINTS = 1.6, 65  # units
STEPS, RATE, NEAR = 20_000, 0.03, 1e-4
SWEEPS = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class Characterised:
    """A neuron as it was measured.

    Attributes
    ----------
    conditions : Conditions
    level : Level
    state : ndarray (n,)
        In units.
    above, below : ndarray (n,)
        Volts of the word lines.
    current : ndarray (m,)
        Of the bit line, A.
    line : ndarray (m,)
        Volts of it.
    drive : ndarray (m, n)
        Current into the state, A.
    swing : tuple of float
        The lowest and highest voltage of any node.
    """

    conditions: Conditions
    level: Level
    state: np.ndarray
    above: np.ndarray
    below: np.ndarray
    current: np.ndarray
    line: np.ndarray
    drive: np.ndarray
    swing: tuple[float, float]

    @cached_property
    def _tables(self) -> tuple[CubicSpline, CubicSpline, CubicSpline, RectBivariateSpline]:
        above, below = (CubicSpline(self.state, one) for one in (self.above, self.below))
        return above, below, CubicSpline(self.current, self.line), RectBivariateSpline(
            self.current, self.state, self.drive
        )

    def currents(self, array: MemristorArray, states: np.ndarray) -> np.ndarray:
        """Return the current (N,) of each bit line while the neurons are at `states` (N,)."""
        above, below, line, _ = self._tables
        brought = array.plus @ above(states) + array.minus @ below(states)
        total = (array.plus + array.minus).sum(axis=1)
        held = np.full(array.size, HOLD)
        for _ in range(SWEEPS):
            held = line(np.clip(brought - total * held, -LARGEST, LARGEST))
        return brought - total * held

    def drift(self, array: MemristorArray, states: np.ndarray) -> np.ndarray:
        """Return R C ds/dt (N,) in units."""
        *_, drive = self._tables
        pushed = drive.ev(np.clip(self.currents(array, states), -LARGEST, LARGEST), np.clip(states, -REACH, REACH))
        return self.level.leak * pushed / self.conditions.scale - states

    def mismatch(self, array: MemristorArray) -> Mismatch:
        """Return the neurons of `crossbar` that fit this one on the lines of `array`: gain, offset, leak and pull.

        Gain a and offset o are those of rho, the mean of both lines. A rho' of height g that is driven by lines of
        height h, of which the conveyor takes the share c, rests where l s = a rho'(a (s - o)) (u + p), l = a / (g h c).
        The pull p is what the state is driven by without a bit line's current, and what lines bring that do not end
        alike: their ends, and the difference of their heights at a signal of 1/2, times the conductances of the line.
        What such a neuron cannot have: rho' with another middle than rho, heights that differ by signal.
        """
        volts, read, unit = self.state * self.conditions.scale, self.level.read, array.siemens_per_weight
        middle = len(self.current) // 2
        zero = self.line[middle]
        ends = (self.above - zero) / read, (zero - self.below) / read
        lines = [fit(LINE, volts, one) for one in ends]
        some = [k for k, one in enumerate(self.current) if abs(abs(one) - FITTED) < 1e-12]
        slopes = [fit(DRIVE, volts, self.drive[k] / self.current[k]) for k in some]
        gain, offset = (float(np.mean([getattr(one, name) for one in lines])) for name in ("gain", "offset"))
        of_lines, of_slopes = (float(np.mean([one.amplitude for one in group])) for group in (lines, slopes))
        used = np.abs(self.state) <= 1
        per_ampere = np.mean([self.drive[k] / self.current[k] for k in some], axis=0)[used]
        alone = self.drive[middle][used] @ per_ampere / (per_ampere @ per_ampere) / (read * unit)
        missed = [np.mean((one - LINE.current(volts, of.amplitude, of.gain, of.offset))[used])
                  + (of.amplitude - of_lines) / 2 for one, of in zip(ends, lines, strict=True)]  # fmt: skip
        plus, minus = array.plus.sum(axis=1), array.minus.sum(axis=1)
        brought = (missed[0] * plus - missed[1] * minus) / unit
        taken = 1 + (plus + minus) * self._line_resistance
        a = gain * self.conditions.scale / GAIN
        alike = np.ones(array.size)
        return Mismatch(
            gain=a * alike, offset=offset / self.conditions.scale * alike, leak=a / (of_lines * of_slopes) * taken,
            pull=(alone * taken + brought) / of_lines,
        )  # fmt: skip

    @property
    def _line_resistance(self) -> float:
        """By how many volts an ampere moves the line that the conveyor holds, around no current."""
        middle = len(self.current) // 2
        near = slice(middle - 3, middle + 4)
        return float(np.polyfit(self.current[near], self.line[near], 1)[0])

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


def characterise(conditions: Conditions, level: Level, load: float) -> Characterised:
    """Measure one neuron whose word lines have the conductance `load` (siemens) to lines at rest.

    Raises
    ------
    InvalidValue, MissingFile, EngineError
        As in `circuits.silicon.bench.simulate`.
    """
    checks.positive("load", load)
    current = LARGEST * np.concatenate([-SHARES[::-1], [0.0], SHARES])
    low, high = (conditions.middle + sign * REACH * conditions.scale for sign in (-1, 1))
    step = (high - low) / (POINTS - 1)
    analysis = f".dc Vs {low:.9g} {high + step / 10:.9g} {step:.9g}\n.save all"
    cards = [
        line
        for k, one in enumerate(current)
        for line in (
            *mounted(str(k), conditions, level), f"Vdrive_{k} s s_{k} 0", f"Iline_{k} vdd line_{k} {one:.9g}",
            f"Rabove_{k} above_{k} hold {1 / load:.9g}", f"Rbelow_{k} below_{k} hold {1 / load:.9g}",
        )
    ]  # fmt: skip
    kept = [*head(conditions, analysis), neuron().text(), *rails(conditions), "Vs s 0 0", *cards, analysis, ".end"]
    found, middle = simulate("\n".join(kept) + "\n", conditions), len(current) // 2
    return Characterised(
        conditions=conditions, level=level, state=(found["v(s)"] - conditions.middle) / conditions.scale,
        above=found[f"v(above_{middle})"], below=found[f"v(below_{middle})"], current=current,
        line=np.array([found[f"v(line_{k})"][POINTS // 2] for k in range(len(current))]),
        drive=np.array([-found[f"i(vdrive_{k})"] for k in range(len(current))]), swing=found.swing,
    )  # fmt: skip
