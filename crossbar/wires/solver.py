"""Exact currents of crossbars whose lines have resistance.

Word line i is driven at its left end, bit line j is grounded at its bottom end (badcrossbar's convention): a segment of
resistance lies between the driver and the first cell, between neighbours, and between the last cell and the ground.

        V_i --r_w--+--r_w--+--r_w--+        device (i, j): G_ij from the node of word line i to that of bit line j
                   |       |       |

The word lines are eliminated exactly and conjugate gradients solve for the bit lines; docs/wires.md has the equations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.numerics import checks, threads
from crossbar.wires.kernels.iterations import iterate, iterate_lanes
from crossbar.wires.kernels.lanes import LANES
from crossbar.wires.kernels.sweeps import node_voltages
from crossbar.wires.lines import Drive, Factors, LineNetwork, Sense, checked_voltages
from crossbar.wires.nodal import nodal_voltages

TOLERANCE = 1e-12
MAX_ITERATIONS = 1000
EASY = 60  # iterations after which the recursive residual is no longer taken on trust
LONE_VECTORS = 2  # fewer than three vectors are solved one by one: a group of four would be mostly zeros
REFINEMENTS = 3
COARSE_TOLERANCE = 1e-6  # of a refinement, which starts from an error of about 1e-12
ROUNDING = 1e-14  # of the largest current: a residual that refinement aims at
ACCEPTABLE = 100  # times that: beyond it the direct solution is taken


@dataclass(frozen=True, kw_only=True, slots=True)
class WireSolution:
    """Everything that `solve` knows of a crossbar under k input vectors.

    Attributes
    ----------
    currents : (k, n)
        Out of the grounded ends of the bit lines, in A.
    word_voltages, bit_voltages : (k, m, n)
        At the two terminals of every device, in V.
    iterations : (k,)
        Of conjugate gradients; 0 where the direct solution was taken.
    """

    currents: np.ndarray
    word_voltages: np.ndarray
    bit_voltages: np.ndarray
    iterations: np.ndarray

    @property
    def device_voltages(self) -> np.ndarray:
        """Voltage across every device (k, m, n), in V."""
        return self.word_voltages - self.bit_voltages


def output_currents(
    conductances: np.ndarray,
    voltages: np.ndarray,
    r_word_line: float | np.ndarray,
    r_bit_line: float | np.ndarray,
    *,
    drive: Drive = "left",
    sense: Sense = "bottom",
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
) -> np.ndarray:
    """Return the currents (k, n) out of the bit lines, in A.

    Parameters
    ----------
    conductances : (m, n)
        Of the devices, in S; 0 is an open cell.
    voltages : (m, k) or (m,)
        At the left ends of the word lines, in V, one column a vector.
    r_word_line : float, (n,) or (m, n)
        Resistance of the segment left of every cell, in ohm; 0 is allowed. With `drive` "both", arrays have one column
        more, for the segment from the last cell to the second driver.
    r_bit_line : float, (m,) or (m, n)
        Resistance of the segment below every cell, in ohm; 0 is allowed. With `sense` "both", arrays have one row more,
        the first, for the segment from the first cell up to the second ground.
    drive : "left" or "both"
        Whether the right ends of the word lines are driven too, at the same voltages.
    sense : "bottom" or "both"
        Whether the top ends of the bit lines are grounded too; the current is then the sum of both ends.
    tolerance : float
        Residual of Kirchhoff's law relative to its first value, in the norm of the power dissipated in the bit lines.
    max_iterations : int
        After so many, the sparse direct solution is taken.

    Raises
    ------
    InvalidValue
        For shapes that do not fit, and for numbers that are negative or not finite.

    Examples
    --------
    One device of 1 S behind two segments of 1 ohm is three ohm:

    >>> import crossbar as xb
    >>> float(xb.output_currents([[1.0]], [3.0], 1.0, 1.0)[0, 0])
    1.0
    """
    _check_limits(tolerance, max_iterations)
    network = LineNetwork.checked(conductances, r_word_line, r_bit_line, drive, sense)
    voltages = checked_voltages(voltages, network.conductances.shape[0])
    units, scales = _unit_inputs(voltages)
    return network_currents(network, units, tolerance, max_iterations) * scales[:, np.newaxis]


def effective_matrix(
    conductances: np.ndarray,
    r_word_line: float | np.ndarray,
    r_bit_line: float | np.ndarray,
    *,
    drive: Drive = "left",
    sense: Sense = "bottom",
    tolerance: float = TOLERANCE,
) -> np.ndarray:
    """Return the matrix M (m, n), in S, with output currents V^T M: what linear devices and their wires are together.

    One solution a word line, or, by reciprocity, one a bit line where these are fewer.
    Parameters, conventions and errors are those of `output_currents`.
    """
    _check_limits(tolerance, MAX_ITERATIONS)
    network = LineNetwork.checked(conductances, r_word_line, r_bit_line, drive, sense)
    m, n = network.conductances.shape
    if m <= n:
        return network_currents(network, np.eye(m), tolerance, MAX_ITERATIONS)
    return np.ascontiguousarray(
        network_currents(network.reversed(), np.eye(n), tolerance, MAX_ITERATIONS)[::-1, ::-1].T
    )


def network_currents(network: LineNetwork, units: np.ndarray, tolerance: float, limit: int) -> np.ndarray:
    """Return the currents (k, n) of a checked network for inputs `units` (m, k) of about 1 V."""
    factors, response = network.factors()
    injection = network.conductances * response
    if units.shape[1] <= LONE_VECTORS:
        currents, counts, done = _one_by_one(network, factors, injection, units, tolerance, limit)
    else:
        currents, counts, done = _four_by_four(network, factors, injection, units, tolerance, limit)
    for k in np.flatnonzero(~done | (counts > EASY)):
        words, bits, _ = _careful(network, factors, response, units[:, k], limit if done[k] else 0)
        currents[k] = (network.conductances * (words - bits)).sum(axis=0)
    return currents


def solve(
    conductances: np.ndarray,
    voltages: np.ndarray,
    r_word_line: float | np.ndarray,
    r_bit_line: float | np.ndarray,
    *,
    drive: Drive = "left",
    sense: Sense = "bottom",
    max_iterations: int = MAX_ITERATIONS,
) -> WireSolution:
    """Return currents and the voltages of all nodes, refined until Kirchhoff's law holds to rounding.

    Parameters, conventions and errors are those of `output_currents`. Memory is 2 k m n numbers.
    """
    _check_limits(TOLERANCE, max_iterations)
    network = LineNetwork.checked(conductances, r_word_line, r_bit_line, drive, sense)
    return network_solution(network, checked_voltages(voltages, network.conductances.shape[0]), max_iterations)


def network_solution(network: LineNetwork, voltages: np.ndarray, max_iterations: int = MAX_ITERATIONS) -> WireSolution:
    """Return what `solve` does for a checked network and voltages (m, k)."""
    units, scales = _unit_inputs(voltages)
    factors, response = network.factors()
    (m, n), k = network.conductances.shape, voltages.shape[1]
    words, bits = np.empty((k, m, n)), np.empty((k, m, n))
    iterations = np.zeros(k, np.int64)
    for q in range(k):
        words[q], bits[q], iterations[q] = _careful(network, factors, response, units[:, q], max_iterations)
        words[q] *= scales[q]
        bits[q] *= scales[q]
    currents = (network.conductances * (words - bits)).sum(axis=1)
    return WireSolution(currents=currents, word_voltages=words, bit_voltages=bits, iterations=iterations)


def _check_limits(tolerance: float, max_iterations: int) -> None:
    if not 0 < tolerance < 1:
        raise InvalidValue(f"`tolerance` must lie between 0 and 1, but got {tolerance}")
    checks.not_negative("max_iterations", max_iterations)


def _unit_inputs(voltages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return every vector scaled to a largest value of 1 V, and the scales (k,)."""
    scales = np.abs(voltages).max(axis=0)
    return voltages / np.where(scales > 0, scales, 1.0), scales


def _four_by_four(
    network: LineNetwork, factors: Factors, injection: np.ndarray, units: np.ndarray, tolerance: float, limit: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what `_one_by_one` does, of groups of `LANES` vectors, which do not depend on each other."""
    size = units.shape[1]

    def of(begin: int, end: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        some = np.ascontiguousarray(units[:, LANES * begin : LANES * end])
        return iterate_lanes(some, injection, network.conductances, factors, tolerance, limit)

    parts = threads.over_rows(of, np.full(-(-size // LANES), LANES * injection.size))
    currents, counts, done = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return currents, np.repeat(counts, LANES)[:size], np.repeat(done, LANES)[:size]


def _one_by_one(
    network: LineNetwork, factors: Factors, injection: np.ndarray, units: np.ndarray, tolerance: float, limit: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the currents (k, n) of each vector on its own, the iterations (k,), and whether it converged (k,)."""
    currents = np.empty((units.shape[1], injection.shape[1]))
    counts, done = np.zeros(units.shape[1], np.int64), np.zeros(units.shape[1], bool)
    for k in range(units.shape[1]):
        field = injection * units[:, k : k + 1]
        currents[k], counts[k], done[k] = iterate(field, network.conductances, factors, tolerance, limit, False)
    return currents, counts, done


def _careful(
    network: LineNetwork, factors: Factors, response: np.ndarray, voltages: np.ndarray, limit: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return word and bit voltages (m, n) and the iterations of one vector (m,), refined or direct."""
    conductances = network.conductances
    driven = response * voltages[:, np.newaxis]
    words, bits, total = driven, np.zeros_like(driven), 0
    missing = conductances * driven
    injected = np.zeros_like(missing)
    goal, error = ROUNDING * np.abs(missing).max(), np.inf
    for tolerance in (TOLERANCE, *(REFINEMENTS * (COARSE_TOLERANCE,))):
        step, count, done = iterate(missing, conductances, factors, tolerance, limit, True)
        total += count
        if not done:
            break
        injected += step.reshape(injected.shape)
        bits, words = node_voltages(injected, conductances, *factors[:4])
        words += driven
        missing = conductances * words - injected
        error = np.abs(missing).max()
        if error <= goal:
            break
    if error <= ACCEPTABLE * goal:
        return words, bits, total
    word_voltages, bit_voltages = nodal_voltages(network, voltages[:, np.newaxis])
    return word_voltages[0], bit_voltages[0], 0
