"""What the lines of a crossbar are with the rest of it at 0 V: transfer and source resistance of every segment.

In impedance form a segment of zero resistance needs no care, and no step subtracts.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.wires.kernels.lanes import LANES, ONE, added, inverse, load, load_rows, product, product_sum, store_rows


@njit(cache=True, nogil=True, fastmath={"contract"})
def word_factors(
    conductances: np.ndarray,
    segments: np.ndarray,
    far: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return transfer, source resistance and unit response of every word line, each (m, n).

    With Y_j the admittance seen from node j away from the driver: transfer 1 / (1 + r_j Y_j), source r_j times it, and
    the voltages with 1 V at the driven ends and all bit lines at 0 V.
    segments (m, n): ohm, left of each cell; far (m,): ohm from the last cell to a second driver, infinite without one.
    """
    m, n = conductances.shape
    transfer, source, response = np.zeros((m, n)), np.zeros((m, n)), np.ones((m, n))
    rows = np.empty((LANES, n))
    first = 0
    while first + LANES <= m and far[first : first + LANES].min() > 0.0:
        for lane in range(LANES):
            copy(segments[first + lane], rows[lane])
        _factors_of_four(conductances, rows, far, first, transfer, source, response)
        first += LANES
    for i in range(first, m):
        copy(segments[i], rows[0])
        _word_factors(conductances[i], rows[0], far[i], transfer[i], source[i], response[i])
    return transfer, source, response


@njit(cache=True, nogil=True, fastmath={"contract"})
def _factors_of_four(
    conductances: np.ndarray,
    segments: np.ndarray,
    far: np.ndarray,
    i: int,
    transfer: np.ndarray,
    source: np.ndarray,
    response: np.ndarray,
) -> None:
    """Word lines i to i + 3, none of them tied to a second driver; segments (4, n)."""
    n = conductances.shape[1]
    admittance = inverse(load(far, i))
    drive = admittance
    for j in range(n - 1, -1, -1):
        resistance = load_rows(segments, 0, j)
        admittance = added(admittance, load_rows(conductances, i, j))
        fraction = inverse(product_sum(resistance, admittance, ONE))
        local = product(resistance, fraction)
        store_rows(transfer, i, j, fraction)
        store_rows(source, i, j, local)
        store_rows(response, i, j, product(local, drive))
        drive = product(drive, fraction)
        admittance = product(admittance, fraction)
    voltage = ONE
    for j in range(n):
        voltage = product_sum(load_rows(transfer, i, j), voltage, load_rows(response, i, j))
        store_rows(response, i, j, voltage)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _word_factors(
    conductances: np.ndarray,
    segments: np.ndarray,
    end: float,
    transfer: np.ndarray,
    source: np.ndarray,
    response: np.ndarray,
) -> None:
    """One word line (n,), `end` ohm from its second driver."""
    last = conductances.size - 1
    while last >= 0 and end == 0.0:  # nodes tied to the second driver: both factors stay 0, the voltage 1
        end = segments[last]
        last -= 1
    admittance = 0.0 if end == 0.0 else 1.0 / end
    drive = admittance
    for j in range(last, -1, -1):
        admittance += conductances[j]
        fraction = 1.0 / (1.0 + segments[j] * admittance)
        transfer[j] = fraction
        source[j] = segments[j] * fraction
        response[j] = source[j] * drive
        drive *= fraction
        admittance *= fraction
    voltage = 1.0
    for j in range(last + 1):
        voltage = transfer[j] * voltage + response[j]
        response[j] = voltage


@njit(cache=True, nogil=True, fastmath={"contract"})
def bit_factors(
    conductances: np.ndarray,
    segments: np.ndarray,
    far: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return transfer, source resistance and unit response of every bit line, each (m, n), from top to ground.

    The unit response is also the share of a current G u into a node that reaches the grounds, word lines held at 0 V.
    segments (m, n): ohm, below each cell; far (n,): ohm from the first cell to a second ground, infinite without one.
    """
    m, n = conductances.shape
    transfer, source, response = np.empty((m, n)), np.empty((m, n)), np.empty((m, n))
    row, admittance, end = np.empty(n), np.zeros(n), far.copy()
    for j in range(n):
        admittance[j] = 0.0 if end[j] == 0.0 else 1.0 / end[j]
    drive = admittance.copy()
    for i in range(m):
        copy(segments[i], row)
        if end.min() == 0.0:
            _tied_row(conductances[i], row, end, admittance, drive, transfer[i], source[i], response[i])
        else:
            _bit_row(conductances[i], row, admittance, drive, transfer[i], source[i], response[i])
    voltage = np.ones(n)
    for i in range(m - 1, -1, -1):
        substitute(response[i], transfer[i], voltage)
    return transfer, source, response


@njit(cache=True, nogil=True, fastmath={"contract"})
def _bit_row(
    conductances: np.ndarray,
    segments: np.ndarray,
    admittance: np.ndarray,
    drive: np.ndarray,
    transfer: np.ndarray,
    source: np.ndarray,
    response: np.ndarray,
) -> None:
    """One row of `bit_factors`."""
    for j in range(conductances.size):
        total = admittance[j] + conductances[j]
        fraction = 1.0 / (1.0 + segments[j] * total)
        local = segments[j] * fraction
        transfer[j] = fraction
        source[j] = local
        response[j] = local * drive[j]
        drive[j] *= fraction
        admittance[j] = total * fraction


@njit(cache=True, nogil=True, fastmath={"contract"})
def _tied_row(
    conductances: np.ndarray,
    segments: np.ndarray,
    end: np.ndarray,
    admittance: np.ndarray,
    drive: np.ndarray,
    transfer: np.ndarray,
    source: np.ndarray,
    response: np.ndarray,
) -> None:
    """One row of `bit_factors` with nodes tied to the ground above: they have no factors, and response 1."""
    for j in range(conductances.size):
        cell = slice(j, j + 1)
        if end[j] > 0.0:
            at_cell = (admittance[cell], drive[cell], transfer[cell], source[cell], response[cell])
            _bit_row(conductances[cell], segments[cell], *at_cell)
            continue
        transfer[j], source[j], response[j] = 0.0, 0.0, 1.0
        end[j] = segments[j]
        admittance[j] = 0.0 if segments[j] == 0.0 else 1.0 / segments[j]
        drive[j] = admittance[j]


@njit(cache=True, nogil=True)
def copy(values: np.ndarray, out: np.ndarray) -> None:
    """Copy values (n,) to `out`; a loop, for an assignment of slices costs seconds of compilation."""
    for j in range(values.size):
        out[j] = values[j]


@njit(cache=True, nogil=True, fastmath={"contract"})
def substitute(row: np.ndarray, transfer: np.ndarray, voltage: np.ndarray) -> None:
    """One step up the bit lines: row and voltage become transfer voltage + row."""
    for j in range(row.size):
        value = transfer[j] * voltage[j] + row[j]
        voltage[j] = value
        row[j] = value
