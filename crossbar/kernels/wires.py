"""Currents in a crossbar with resistive lines: the sweeps along the lines, and conjugate gradients over the bit lines.

Every line is solved in impedance form, from its far end to its terminal and back, so that a segment of zero resistance is
no special case. With G the conductances, u and v the voltages of word and bit lines, A and B^-1 the tridiagonal matrices of
the two with G on their diagonals, Kirchhoff's law is A u = G v + drivers and B^-1 v = G u. For the currents f = G u

    f = b + N B f,    N = G A^-1 G,    b = G u0,    v = B f,

u0 being the word voltages with every bit line held at 0 V. I - N B is self-adjoint and positive in the inner product of B:
conjugate gradients in that inner product, in the three-term form (Saad, Iterative Methods for Sparse Linear Systems, 2003,
section 6.7), need nothing but r, its predecessor and N B r. They equal conjugate gradients on the bit-line equations
preconditioned with the bit lines' own tridiagonal matrices.
One iteration is one sweep `down` (recurrence, elimination of bit lines) and one `up` (substitution, word lines).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.kernels.lanes import (
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


@njit(cache=True, fastmath={"contract"})
def word_factors(conductances, segments, far):
    """Return transfer, source resistance and unit response of every word line, each (m, n).

    With Y_j the admittance seen from node j away from the driver: transfer 1 / (1 + r_j Y_j), source r_j / (1 + r_j Y_j),
    and the voltages with 1 V at the driven ends and all bit lines at 0 V.
    segments (m, n): ohm, left of each cell; far (m,): ohm from the last cell to a second driver, infinite without one.
    """
    m, n = conductances.shape
    transfer = np.zeros((m, n))
    source = np.zeros((m, n))
    response = np.ones((m, n))
    for i in range(m):
        end, last = far[i], n - 1
        while last >= 0 and end == 0.0:  # nodes tied to the second driver: both factors stay 0, the voltage 1
            end = segments[i, last]
            last -= 1
        admittance = 0.0 if end == 0.0 else 1.0 / end
        drive = admittance
        for j in range(last, -1, -1):
            admittance += conductances[i, j]
            fraction = 1.0 / (1.0 + segments[i, j] * admittance)
            transfer[i, j] = fraction
            source[i, j] = segments[i, j] * fraction
            response[i, j] = drive
            drive *= fraction
            admittance *= fraction
        voltage = 1.0
        for j in range(last + 1):
            voltage = transfer[i, j] * voltage + source[i, j] * response[i, j]
            response[i, j] = voltage
    return transfer, source, response


@njit(cache=True, fastmath={"contract"})
def bit_factors(conductances, segments, far):
    """Return transfer, source resistance and unit response of every bit line, each (m, n), from the top to the ground below.

    The unit response is also the share of a current G u into a node that reaches the grounds, word lines held at 0 V.

    segments (m, n): ohm, below each cell; far (n,): ohm from the first cell to a second ground above, infinite without one.
    """
    m, n = conductances.shape
    transfer = np.zeros((m, n))
    source = np.zeros((m, n))
    response = np.ones((m, n))
    admittance = np.zeros(n)
    end = far.copy()
    for j in range(n):
        admittance[j] = 0.0 if end[j] == 0.0 else 1.0 / end[j]
    drive = admittance.copy()
    for i in range(m):
        tied = False
        for j in range(n):
            tied |= end[j] == 0.0
        if tied:
            _tied_row(conductances[i], segments[i], end, admittance, drive, transfer[i], source[i], response[i])
            continue
        for j in range(n):
            y = admittance[j] + conductances[i, j]
            fraction = 1.0 / (1.0 + segments[i, j] * y)
            transfer[i, j] = fraction
            source[i, j] = segments[i, j] * fraction
            admittance[j] = y * fraction
            response[i, j] = drive[j]
            drive[j] *= fraction
    voltage = np.ones(n)
    for i in range(m - 1, -1, -1):
        for j in range(n):
            if transfer[i, j] > 0.0:
                voltage[j] = transfer[i, j] * voltage[j] + source[i, j] * response[i, j]
                response[i, j] = voltage[j]
    return transfer, source, response


@njit(cache=True, fastmath={"contract"})
def _tied_row(conductances, segments, end, admittance, drive, transfer, source, response):
    """One row of `bit_factors` in which some nodes are tied to the ground above."""
    for j in range(conductances.size):
        if end[j] == 0.0:
            end[j] = segments[j]
            admittance[j] = 0.0 if segments[j] == 0.0 else 1.0 / segments[j]
            drive[j] = admittance[j]
            continue
        y = admittance[j] + conductances[j]
        transfer[j] = 1.0 / (1.0 + segments[j] * y)
        source[j] = segments[j] * transfer[j]
        admittance[j] = y * transfer[j]
        response[j] = drive[j]
        drive[j] *= transfer[j]


@njit(cache=True, fastmath={"contract"})
def down(r, previous, field, transfer, source, share, keep, step, back, sums):
    """Form the next residual, eliminate the bit lines from top to bottom, and return <r, B r>.

    `previous` becomes keep r + step field + back previous; `field` becomes what `up` substitutes; `sums` (n,) the columns' sums
    of the residual times `share` (m, n).
    """
    m, n = r.shape
    energy = np.zeros(n)
    carry = np.zeros(n)
    sums[:] = 0.0
    for i in range(m):
        now, new, work, fraction, resistance, weight = r[i], previous[i], field[i], transfer[i], source[i], share[i]
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


@njit(cache=True, fastmath={"contract"})
def up(field, conductances, bit_transfer, transfer, source):
    """Substitute the bit lines from bottom to top, apply N = G A^-1 G, and return <B r, N B r>. `field` becomes N B r."""
    m, n = field.shape
    bit_voltage = np.zeros(n)
    energy = 0.0
    first = m
    while first >= LANES:
        first -= LANES
        for i in range(first + LANES - 1, first - 1, -1):
            _substitute(field[i], bit_transfer[i], bit_voltage)
        energy += _words_of_four(field, conductances, transfer, source, first)
    for i in range(first - 1, -1, -1):
        _substitute(field[i], bit_transfer[i], bit_voltage)
        energy += _word(field[i], conductances[i], transfer[i], source[i])
    return energy


@njit(cache=True, fastmath={"contract"})
def _substitute(row, transfer, voltage):
    """One step up the bit lines: row and voltage become transfer voltage + row."""
    for j in range(row.size):
        value = transfer[j] * voltage[j] + row[j]
        voltage[j] = value
        row[j] = value


@njit(cache=True, fastmath={"contract"})
def _words_of_four(field, conductances, transfer, source, i):
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


@njit(cache=True, fastmath={"contract"})
def _word(field, conductances, transfer, source):
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


@njit(cache=True, fastmath={"contract"})
def down_lanes(r, previous, field, transfer, source, share, keep, step, back, sums, energies):
    """`down` for four vectors at once: fields (m, 4 n), coefficients and energies (4,), sums (4 n,)."""
    m, n = transfer.shape
    kept, stepped, backed, energy = load(keep, 0), load(step, 0), load(back, 0), ZERO
    carry = np.zeros(LANES * n)
    sums[:] = 0.0
    for i in range(m):
        now, new, work = r[i], previous[i], field[i]
        for j in range(n):
            q = LANES * j
            value = product_sum(kept, load(now, q), product_sum(stepped, load(work, q), product(backed, load(new, q))))
            current = added(value, load(carry, q))
            voltage = scaled(source[i, j], current)
            energy = product_sum(voltage, current, energy)
            total = scaled_sum(share[i, j], value, load(sums, q))
            store(new, q, value)
            store(carry, q, scaled(transfer[i, j], current))
            store(sums, q, total)
            store(work, q, voltage)
    store(energies, 0, energy)


@njit(cache=True, fastmath={"contract"})
def up_lanes(field, conductances, bit_transfer, transfer, source, energies):
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


@njit(cache=True, fastmath={"contract"})
def node_voltages(currents, conductances, bit_transfer, bit_source, transfer, source):
    """Return bit-line voltages B f and the word-line voltages A^-1 G B f that they cause, for currents f = G u (m, n)."""
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
        _substitute(bits[i], bit_transfer[i], voltage)
        inflow, word = 0.0, 0.0
        for j in range(n - 1, -1, -1):
            inflow += conductances[i, j] * bits[i, j]
            words[i, j] = inflow
            inflow *= transfer[i, j]
        for j in range(n):
            word = transfer[i, j] * word + source[i, j] * words[i, j]
            words[i, j] = word
    return bits, words
