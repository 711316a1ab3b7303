"""Currents in a crossbar with resistive lines: the sweeps along the lines, and conjugate gradients over the bit lines.

Every line is solved in impedance form, from its far end to its terminal and back, so that a segment of zero resistance
is no special case. With G the conductances, u and v the voltages of word and bit lines, A and B^-1 the tridiagonal
matrices of the two with G on their diagonals, Kirchhoff's law is A u = G v + drivers and B^-1 v = G u. For f = G u

    f = b + N B f,    N = G A^-1 G,    b = G u0,    v = B f,

u0 being the word voltages with every bit line held at 0 V. I - N B is self-adjoint and positive in the inner product of
B: conjugate gradients in that inner product, in the three-term form (Saad, Iterative Methods for Sparse Linear Systems,
2003, section 6.7), need nothing but r, its predecessor and N B r. They equal conjugate gradients on the bit-line
equations preconditioned with the bit lines' own tridiagonal matrices.
One iteration is one sweep `down` (recurrence, elimination of bit lines) and one `up` (substitution, word lines).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.wires.kernels.lanes import (
    LANES,
    ZERO,
    added,
    load,
    load_rows,
    product,
    product_sum,
    scaled,
    scaled_sum,
    store,
    store_rows,
)
from crossbar.wires.kernels.line_factors import substitute


@njit(cache=True, nogil=True, fastmath={"contract"})
def down(
    r: np.ndarray,
    previous: np.ndarray,
    field: np.ndarray,
    transfer: np.ndarray,
    source: np.ndarray,
    share: np.ndarray,
    keep: float,
    step: float,
    back: float,
    sums: np.ndarray,
) -> float:
    """Form the next residual, eliminate the bit lines from top to bottom, and return <r, B r>.

    `previous` becomes keep r + step field + back previous, the new residual; `field` what `up` substitutes; `sums` (n,)
    the columns' sums of the new residual times `share` (m, n).
    """
    m, n = r.shape
    energy = np.zeros(n)
    carry = np.zeros(n)
    sums[:] = 0.0
    for i in range(m):
        now, new, work = r[i], previous[i], field[i]
        fraction, resistance, weight = transfer[i], source[i], share[i]
        for j in range(n):
            value = keep * now[j] + step * work[j] + back * new[j]
            current = value + carry[j]
            voltage = resistance[j] * current
            new[j] = value
            carry[j] = fraction[j] * current
            energy[j] += voltage * current
            sums[j] += weight[j] * value
            work[j] = voltage
    return energy.sum()


@njit(cache=True, nogil=True, fastmath={"contract"})
def up(
    field: np.ndarray,
    conductances: np.ndarray,
    bit_transfer: np.ndarray,
    transfer: np.ndarray,
    source: np.ndarray,
) -> float:
    """Substitute the bit lines upwards and apply N = G A^-1 G: `field` becomes N B r; returns <B r, N B r>."""
    m, n = field.shape
    bit_voltage = np.zeros(n)
    energy = 0.0
    first = m
    while first >= LANES:
        first -= LANES
        for i in range(first + LANES - 1, first - 1, -1):
            substitute(field[i], bit_transfer[i], bit_voltage)
        energy += _words_of_four(field, conductances, transfer, source, first)
    for i in range(first - 1, -1, -1):
        substitute(field[i], bit_transfer[i], bit_voltage)
        energy += _word(field[i], conductances[i], transfer[i], source[i])
    return energy


@njit(cache=True, nogil=True, fastmath={"contract"})
def _words_of_four(
    field: np.ndarray,
    conductances: np.ndarray,
    transfer: np.ndarray,
    source: np.ndarray,
    i: int,
) -> float:
    """Word lines i to i + 3: field becomes G A^-1 G field; returns <field, G A^-1 G field>."""
    n = field.shape[1]
    carry, voltage, energy = ZERO, ZERO, ZERO
    for j in range(n - 1, -1, -1):
        current = product_sum(load_rows(conductances, i, j), load_rows(field, i, j), carry)
        carry = product(load_rows(transfer, i, j), current)
        store_rows(field, i, j, current)
    for j in range(n):
        current = load_rows(field, i, j)
        local = product(load_rows(source, i, j), current)
        energy = product_sum(local, current, energy)
        voltage = product_sum(load_rows(transfer, i, j), voltage, local)
        store_rows(field, i, j, product(load_rows(conductances, i, j), voltage))
    return energy[0] + energy[1] + energy[2] + energy[3]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _word(field: np.ndarray, conductances: np.ndarray, transfer: np.ndarray, source: np.ndarray) -> float:
    """One word line; see `_words_of_four`."""
    carry, voltage, energy = 0.0, 0.0, 0.0
    for j in range(field.size - 1, -1, -1):
        current = conductances[j] * field[j] + carry
        carry = transfer[j] * current
        field[j] = current
    for j in range(field.size):
        local = source[j] * field[j]
        energy += local * field[j]
        voltage = transfer[j] * voltage + local
        field[j] = conductances[j] * voltage
    return energy


@njit(cache=True, nogil=True, fastmath={"contract"})
def down_lanes(
    r: np.ndarray,
    previous: np.ndarray,
    field: np.ndarray,
    transfer: np.ndarray,
    source: np.ndarray,
    share: np.ndarray,
    keep: np.ndarray,
    step: np.ndarray,
    back: np.ndarray,
    sums: np.ndarray,
    energies: np.ndarray,
) -> None:
    """`down` for four vectors at once: fields (m, 4 n), coefficients and energies (4,), sums (4 n,)."""
    m, n = transfer.shape
    kept, stepped, backed, energy = load(keep, 0), load(step, 0), load(back, 0), ZERO
    carry = np.zeros(LANES * n)
    sums[:] = 0.0
    for i in range(m):
        now, new, work = r[i], previous[i], field[i]
        for j in range(n):
            q = LANES * j
            value = product_sum(stepped, load(work, q), product(backed, load(new, q)))
            value = product_sum(kept, load(now, q), value)
            current = added(value, load(carry, q))
            voltage = scaled(source[i, j], current)
            energy = product_sum(voltage, current, energy)
            total = scaled_sum(share[i, j], value, load(sums, q))
            store(new, q, value)
            store(carry, q, scaled(transfer[i, j], current))
            store(sums, q, total)
            store(work, q, voltage)
    store(energies, 0, energy)


@njit(cache=True, nogil=True, fastmath={"contract"})
def up_lanes(
    field: np.ndarray,
    conductances: np.ndarray,
    bit_transfer: np.ndarray,
    transfer: np.ndarray,
    source: np.ndarray,
    energies: np.ndarray,
) -> None:
    """`up` for four vectors at once: field (m, 4 n), energies (4,)."""
    m, n = transfer.shape
    bit_voltage = np.zeros(LANES * n)
    currents = np.empty(LANES * n)
    energy = ZERO
    for i in range(m - 1, -1, -1):
        work = field[i]
        carry, voltage = ZERO, ZERO
        for j in range(n - 1, -1, -1):
            q = LANES * j
            value = scaled_sum(bit_transfer[i, j], load(bit_voltage, q), load(work, q))
            current = scaled_sum(conductances[i, j], value, carry)
            carry = scaled(transfer[i, j], current)
            store(bit_voltage, q, value)
            store(currents, q, current)
        for j in range(n):
            q = LANES * j
            current = load(currents, q)
            local = scaled(source[i, j], current)
            energy = product_sum(local, current, energy)
            voltage = scaled_sum(transfer[i, j], voltage, local)
            store(work, q, scaled(conductances[i, j], voltage))
    store(energies, 0, energy)


@njit(cache=True, nogil=True, fastmath={"contract"})
def node_voltages(
    currents: np.ndarray,
    conductances: np.ndarray,
    bit_transfer: np.ndarray,
    bit_source: np.ndarray,
    transfer: np.ndarray,
    source: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return bit voltages B f and the word voltages A^-1 G B f that they cause, for currents f = G u (m, n)."""
    bits = np.empty_like(currents)
    words = np.empty_like(currents)
    m, n = currents.shape
    carry = np.zeros(n)
    for i in range(m):
        total = currents[i] + carry
        bits[i] = bit_source[i] * total
        carry = bit_transfer[i] * total
    voltage = np.zeros(n)
    for i in range(m - 1, -1, -1):
        substitute(bits[i], bit_transfer[i], voltage)
        inflow, word = 0.0, 0.0
        for j in range(n - 1, -1, -1):
            inflow += conductances[i, j] * bits[i, j]
            words[i, j] = inflow
            inflow *= transfer[i, j]
        for j in range(n):
            word = transfer[i, j] * word + source[i, j] * words[i, j]
            words[i, j] = word
    return bits, words
