"""What practitioners do against the resistance of wires: gains of the columns, order of the lines, corrected targets.

Driving word lines at both ends is an option of the solvers (`drive="both"`), and so is sensing both ends of bit lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.numerics import checks
from crossbar.wires.lines import Drive, Sense
from crossbar.wires.solver import effective_matrix


def column_gains(conductances: np.ndarray, effective: np.ndarray) -> np.ndarray:
    """Return the gain (n,) of every output that brings the effective matrix nearest to the conductances (m, n).

    gain_j = <G_j, M_j> / <M_j, M_j>, the least squares of G_j - gain_j M_j: one digital or amplifier gain a column.
    A column that passes no current keeps gain 1.
    """
    conductances, effective = np.asarray(conductances, np.float64), np.asarray(effective, np.float64)
    if conductances.shape != effective.shape:
        raise InvalidValue(f"`conductances` {conductances.shape} and `effective` {effective.shape} must have one shape")
    power = (effective**2).sum(axis=0)
    return np.where(power > 0, (conductances * effective).sum(axis=0) / np.where(power > 0, power, 1), 1.0)


def line_gains(targets: np.ndarray, effective: np.ndarray, rounds: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return gains of the rows (m,) and columns (n,) for which rows_i M_ij columns_j comes near to the targets (m, n).

    Least squares of one side after the other. A line that is driven with its gain and sensed with it keeps a read and
    its transpose equal, as devices that serve both directions need it.
    """
    rows = np.ones(len(targets))
    for _ in range(rounds):
        columns = column_gains(targets, rows[:, np.newaxis] * effective)
        rows = column_gains(targets.T, (effective * columns).T)
    return rows, columns


@dataclass(frozen=True, kw_only=True, slots=True)
class LineOrder:
    """Which logical row and column each physical line carries.

    Attributes
    ----------
    rows : (m,) int
        Logical row of every word line, top to bottom.
    columns : (n,) int
        Logical column of every bit line, left to right.
    """

    rows: np.ndarray
    columns: np.ndarray

    def place(self, matrix: np.ndarray) -> np.ndarray:
        """Return a logical matrix (m, n) as it lies on the chip."""
        return matrix[np.ix_(self.rows, self.columns)]

    def restore(self, matrix: np.ndarray) -> np.ndarray:
        """Return a matrix (m, n) of the chip, such as its effective one, in logical order."""
        logical = np.empty_like(matrix)
        logical[np.ix_(self.rows, self.columns)] = matrix
        return logical


def order_by_sensitivity(conductances: np.ndarray) -> LineOrder:
    """Return the order that puts the rows and columns of largest conductance where wires are shortest.

    The column of largest total conductance stands at the drivers (left), the row of largest total at the grounds
    (bottom): there a device's current passes the fewest segments. For lines wired at one end.
    """
    conductances = np.asarray(conductances, np.float64)
    if conductances.ndim != 2:
        raise InvalidValue(f"`conductances` must be a matrix (m, n), but has shape {conductances.shape}")
    return LineOrder(
        rows=np.argsort(conductances.sum(axis=1), kind="stable"),
        columns=np.argsort(-conductances.sum(axis=0), kind="stable"),
    )


def compensated_conductances(
    targets: np.ndarray,
    r_word_line: float | np.ndarray,
    r_bit_line: float | np.ndarray,
    *,
    g_min: float,
    g_max: float,
    rounds: int = 5,
    drive: Drive = "left",
    sense: Sense = "bottom",
) -> np.ndarray:
    """Return conductances (m, n) in [g_min, g_max] whose effective matrix comes nearer to `targets`, in S.

    Rounds of G <- clip(G + targets - M(G)), the fixed point of which is M(G) = targets; of all rounds the best by
    Frobenius norm is returned, so that the result is never worse than the targets themselves, clipped. Where a target
    is 0 the cell is open and stays so.

    Raises
    ------
    InvalidValue
        For an empty range, no rounds, and what `crossbar.wires.solver.effective_matrix` refuses.
    """
    if not 0 <= g_min < g_max:
        raise InvalidValue(f"`g_max` must exceed `g_min`, which must not be negative, but got {g_min} and {g_max}")
    checks.at_least("rounds", rounds, 1)
    targets = np.asarray(targets, np.float64)
    there = targets > 0
    conductances = np.where(there, np.clip(targets, g_min, g_max), 0)
    best, least = conductances, np.inf
    for _ in range(rounds + 1):
        missing = targets - effective_matrix(conductances, r_word_line, r_bit_line, drive=drive, sense=sense)
        error = float(np.linalg.norm(missing))
        if error < least:
            best, least = conductances, error
        conductances = np.where(there, np.clip(conductances + missing, g_min, g_max), 0)
    return best
