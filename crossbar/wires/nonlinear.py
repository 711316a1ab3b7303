"""Currents of crossbars whose cells are not ohmic and whose lines have resistance: Newton's method around the solver.

At voltages V a cell is a resistor of slope g = dI/dV beside a source s = I(V) - g V. With A and B^-1 the matrices of
the lines, g on their diagonals (`crossbar.wires.kernels.sweeps`), Kirchhoff's law of a step is

    A u = g v + drivers - s,    B^-1 v = g u + s,

and for f = g u + s the equation of the linear solver with another right-hand side:

    f = b + N B f,    b = g A^-1 (drivers - s) + s.

So a step costs one solution of the linear crossbar. It ends when the cells' true currents are those of the step.

Where a cell at the step's voltage would carry more than twice the step's current, the next voltage is the one that
carries that current: along an exponential the other overshoots by any number of volts (circuit simulators limit
junctions in the same way). No node of cells that rise leaves the drivers' range, so that laws are asked no further.

Bit lines whose ends are held at voltages e, as those of a write pulse, are grounded lines of cells that have e in
series: without a cell's current the whole line is at e, so that v = e + v' with v' of a grounded one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossbar.numerics import checks
from crossbar.wires.cells import Cell
from crossbar.wires.kernels.held_lines import held_words
from crossbar.wires.kernels.iterations import iterate
from crossbar.wires.kernels.sweeps import node_voltages
from crossbar.wires.lines import Drive, LineNetwork, Sense, checked_ends, checked_voltages

TOLERANCE = 1e-11
MAX_STEPS = 50
LIMIT = 2000  # iterations of conjugate gradients in a step
SOLVED = 0.01  # a step is solved to this share of what Newton's method leaves
SMALLEST = 1e-13
REFINEMENTS = 2
OVERSHOT = 2.0  # times the current of a step


@dataclass(frozen=True, kw_only=True, slots=True)
class CellSolution:
    """What `solve_cells` knows of a crossbar under k input vectors.

    Attributes
    ----------
    currents : (k, n)
        Out of the ends of the bit lines, in A.
    word_voltages, bit_voltages : (k, m, n)
        At the two terminals of every cell, in V.
    steps : (k,)
        Of Newton's method.
    residual : (k,)
        What Kirchhoff's law misses at the worst cell, as a share of the largest current of a cell.
    converged : (k,) of bool
        Whether that fell to the tolerance.
    """

    currents: np.ndarray
    word_voltages: np.ndarray
    bit_voltages: np.ndarray
    steps: np.ndarray
    residual: np.ndarray
    converged: np.ndarray

    @property
    def cell_voltages(self) -> np.ndarray:
        """Voltage across every cell (k, m, n), in V."""
        return self.word_voltages - self.bit_voltages


def solve_cells(
    conductances: np.ndarray,
    voltages: np.ndarray,
    r_word_line: float | np.ndarray,
    r_bit_line: float | np.ndarray,
    cell: Cell,
    *,
    bit_ends: np.ndarray | None = None,
    drive: Drive = "left",
    sense: Sense = "bottom",
    tolerance: float = TOLERANCE,
    max_steps: int = MAX_STEPS,
) -> CellSolution:
    """Return currents and node voltages of a crossbar of `cell`s (`crossbar.wires.cells`) behind lines of resistance.

    `bit_ends` (n, k) or (n,) are the voltages at which the ends of the bit lines are held, in V; None: ground. Other
    parameters, conventions and errors are those of `crossbar.output_currents`. A vector that does not converge is a
    result: `converged` says so, and `residual` how far it came.

    Examples
    --------
    >>> import numpy as np
    >>> from crossbar.wires.cells import SinhCell
    >>> from crossbar.wires.nonlinear import solve_cells
    >>> found = solve_cells(np.full((8, 8), 1e-4), np.full(8, 0.5), 10.0, 10.0, SinhCell(0.25))
    >>> bool(found.converged.all()), int(found.steps[0]) < 8
    (True, True)
    """
    checks.positive("tolerance", tolerance)
    network = LineNetwork.checked(conductances, r_word_line, r_bit_line, drive, sense)
    inputs = checked_voltages(voltages, network.conductances.shape[0])
    (m, n), k = network.conductances.shape, inputs.shape[1]
    ends = np.zeros((n, k)) if bit_ends is None else checked_ends(bit_ends, n, k)
    words, bits, currents = np.empty((k, m, n)), np.empty((k, m, n)), np.empty((k, n))
    steps, residual = np.zeros(k, np.int64), np.zeros(k)
    for q in range(k):
        words[q], bits[q], steps[q], residual[q] = _newton(
            network, inputs[:, q], ends[:, q], cell, tolerance, max_steps
        )
        currents[q] = cell.current(network.conductances, words[q] - bits[q]).sum(axis=0)
    return CellSolution(
        currents=currents, word_voltages=words, bit_voltages=bits, steps=steps, residual=residual,
        converged=residual <= tolerance,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Shifted:
    """Cells with the voltages `ends` (n,) of their bit lines in series."""

    cell: Cell
    ends: np.ndarray

    def current(self, conductances: np.ndarray, volts: np.ndarray) -> np.ndarray:
        return self.cell.current(conductances, volts - self.ends)

    def slope(self, conductances: np.ndarray, volts: np.ndarray) -> np.ndarray:
        return self.cell.slope(conductances, volts - self.ends)

    def volts(self, conductances: np.ndarray, currents: np.ndarray) -> np.ndarray:
        return self.cell.volts(conductances, currents) + self.ends


def _newton(
    network: LineNetwork, inputs: np.ndarray, ends: np.ndarray, law: Cell, tolerance: float, max_steps: int
) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Return word and bit voltages (m, n) of one vector (m,), the steps, and what is left."""
    held, cell = network.conductances, _Shifted(law, ends)
    reach = float(max(np.abs(inputs).max(), np.abs(ends).max()))
    words, bits = np.zeros(held.shape), np.zeros(held.shape)
    volts, left, count = np.zeros(held.shape) + ends, np.inf, 0
    while count < max_steps and left > tolerance:
        slope, current = np.ascontiguousarray(cell.slope(held, volts)), cell.current(held, volts)
        source = current - slope * volts
        words, bits, unsolved = _linear_step(network, inputs, slope, source, max(SOLVED * min(left, 1.0), SMALLEST))
        count += 1
        aim = words - bits
        told = slope * aim + source
        within = np.clip(aim, ends - 2 * reach, ends + 2 * reach)
        with np.errstate(over="ignore"):
            current = cell.current(held, within)
        left = max(_missed(current, told), unsolved)
        volts = _limited(cell, held, within, current, told)
    return words, bits + ends, count, left


def _missed(current: np.ndarray, told: np.ndarray) -> float:
    """Return how far the cells' currents are from what a step `told`, as a share of the largest."""
    scale = float(np.abs(current).max())
    if not np.isfinite(scale):
        return np.inf
    return float(np.abs(current - told).max()) / scale if scale > 0 else 0.0


def _limited(cell: Cell, held: np.ndarray, aim: np.ndarray, current: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Return the voltages of the next step: where the current at `aim` is far above what it `told`, its inverse."""
    over = (np.abs(current) > OVERSHOT * np.abs(told)) & (np.sign(told) == np.sign(current))
    return np.where(over, cell.volts(held, told), aim) if over.any() else aim


def _linear_step(
    network: LineNetwork, inputs: np.ndarray, slope: np.ndarray, source: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return word and bit voltages (m, n) of the crossbar of resistors `slope` (S) with sources `source` (A).

    The third is the largest current that Kirchhoff's law misses, as a share of the largest.
    """
    factors, response = replace(network, conductances=slope).factors()
    driven = response * inputs[:, np.newaxis] - held_words(source, *factors[2:4])
    words, bits = driven, np.zeros_like(driven)
    injected = np.zeros_like(driven)
    missing = slope * driven + source
    unsolved = np.inf
    for _ in range(1 + REFINEMENTS):
        step, _, _ = iterate(missing, slope, factors, tolerance, LIMIT, True)
        injected = injected + step.reshape(injected.shape)
        bits, words = node_voltages(injected, slope, *factors[:4])
        words += driven
        missing = slope * words + source - injected
        largest = float(np.abs(injected).max())
        unsolved = float(np.abs(missing).max()) / largest if largest > 0 else 0.0
        if unsolved <= tolerance:
            break
    return words, bits, unsolved
