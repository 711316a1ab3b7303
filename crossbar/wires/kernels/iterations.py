"""Conjugate gradients in three-term form for the sweeps: one vector, or four that share every factor."""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.wires.kernels.lanes import LANES
from crossbar.wires.kernels.line_factors import copy
from crossbar.wires.kernels.sweeps import down, down_lanes, up, up_lanes


@njit(cache=True, nogil=True)
def coefficients(
    energies: np.ndarray,
    products: np.ndarray,
    goals: np.ndarray,
    first: bool,
    memory: np.ndarray,
    table: np.ndarray,
) -> bool:
    """Fill table = (keep, step, back, gamma, rho) of every vector; return False where positivity is lost.

    With e = <r, B r>: gamma_k = e_k / <r, (I - N B) r>_B, 1/rho_{k+1} = 1 - gamma_k e_k / (gamma_{k-1} e_{k-1} rho_k).
    A vector at its goal keeps its residual. memory (3, vectors): last gamma, <r, B r> and rho.
    """
    for lane in range(energies.size):
        energy, gamma, rho, done = energies[lane], 0.0, 1.0, energies[lane] <= goals[lane]
        if not done:
            curvature = energy - products[lane]
            if not curvature > 0.0:
                return False
            gamma = energy / curvature
            if not first:
                rho = 1.0 / (1.0 - gamma * energy / (memory[0, lane] * memory[1, lane] * memory[2, lane]))
            memory[0, lane], memory[1, lane], memory[2, lane] = gamma, energy, rho
        table[0, lane], table[1, lane], table[2, lane] = rho * (1.0 - gamma), rho * gamma, 1.0 - rho
        table[3, lane], table[4, lane] = gamma, rho
    return True


@njit(cache=True, nogil=True)
def set_goals(energies: np.ndarray, tolerance: float, goals: np.ndarray) -> None:
    """Set the goal of every <r, B r> from its first value."""
    for lane in range(energies.size):
        goals[lane] = tolerance * tolerance * energies[lane]


@njit(cache=True, nogil=True, fastmath={"contract"})
def extrapolate(value: np.ndarray, previous: np.ndarray, residual: np.ndarray, gamma: float, rho: float) -> None:
    """Step the solution in three-term form: previous becomes rho (value + gamma residual) + (1 - rho) previous."""
    for q in range(value.size):
        previous[q] = rho * (value[q] + gamma * residual[q]) + (1.0 - rho) * previous[q]


@njit(cache=True, nogil=True)
def iterate(
    field: np.ndarray,
    conductances: np.ndarray,
    factors: tuple,
    tolerance: float,
    limit: int,
    whole: bool,
) -> tuple[np.ndarray, int, bool]:
    """Solve f = b + N B f for one vector; field (m, n) holds b and is consumed.

    Returns f (m n,) if `whole`, else what of it reaches the grounds (n,); the iterations; and whether <r, B r> fell to
    tolerance^2 of its first value. The residual is added at the end: one more fixed-point step for nothing.
    """
    bit_transfer, bit_source, transfer, source, share = factors
    m, n = field.shape
    r, last, sums = np.zeros((m, n)), np.zeros((m, n)), np.zeros(n)
    total = np.zeros(m * n if whole else n)
    total_last = np.zeros_like(total)
    energies, products, goals = np.zeros(1), np.zeros(1), np.zeros(1)
    memory, table = np.ones((3, 1)), np.zeros((5, 1))
    table[1] = 1.0
    count, sound = 0, True
    while sound:
        energies[0] = down(r, last, field, bit_transfer, bit_source, share, table[0, 0], table[1, 0], table[2, 0], sums)
        r, last = last, r
        if count == 0:
            set_goals(energies, tolerance, goals)
        sound = bool(np.isfinite(energies[0]))
        if not sound or energies[0] <= goals[0] or count == limit:
            break
        products[0] = up(field, conductances, bit_transfer, transfer, source)
        sound = coefficients(energies, products, goals, count == 0, memory, table)
        extrapolate(total, total_last, r.ravel() if whole else sums, table[3, 0], table[4, 0])
        total, total_last = total_last, total
        count += 1
    return total + (r.ravel() if whole else sums), count, sound and energies[0] <= goals[0]


@njit(cache=True, nogil=True)
def iterate_lanes(
    inputs: np.ndarray,
    injection: np.ndarray,
    conductances: np.ndarray,
    factors: tuple,
    tolerance: float,
    limit: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`iterate` for many vectors, four at a time: b = injection inputs, with injection (m, n) and inputs (m, k).

    Returns the currents (k, n) into the grounds, and of every group of four the iterations and whether all converged.
    """
    m, n = conductances.shape
    groups = (inputs.shape[1] + LANES - 1) // LANES
    currents = np.zeros((groups * LANES, n))
    counts, done = np.zeros(groups, np.int64), np.zeros(groups, np.bool_)
    r, last, field = np.empty((m, LANES * n)), np.empty((m, LANES * n)), np.empty((m, LANES * n))
    for group in range(groups):
        first = group * LANES
        r[:] = 0.0
        last[:] = 0.0
        _inject(inputs, injection, first, field)
        sums, counts[group], done[group] = _iterate_four(r, last, field, conductances, factors, tolerance, limit)
        for j in range(n):
            for lane in range(LANES):
                currents[first + lane, j] = sums[LANES * j + lane]
    return currents[: inputs.shape[1]], counts, done


@njit(cache=True, nogil=True)
def _inject(inputs: np.ndarray, injection: np.ndarray, first: int, field: np.ndarray) -> None:
    """Fill field (m, 4 n) with injection times the four inputs from `first` on; those past the end are zero."""
    m, n = injection.shape
    present = min(LANES, inputs.shape[1] - first)
    values = np.zeros(LANES)
    for i in range(m):
        copy(inputs[i, first : first + present], values)
        for j in range(n):
            for lane in range(LANES):
                field[i, LANES * j + lane] = injection[i, j] * values[lane]


@njit(cache=True, nogil=True)
def _iterate_four(
    r: np.ndarray,
    last: np.ndarray,
    field: np.ndarray,
    conductances: np.ndarray,
    factors: tuple,
    tolerance: float,
    limit: int,
) -> tuple[np.ndarray, int, bool]:
    """One group of four vectors; see `iterate_lanes`."""
    bit_transfer, bit_source, transfer, source, share = factors
    n = conductances.shape[1]
    total, total_last, sums = np.zeros(LANES * n), np.zeros(LANES * n), np.zeros(LANES * n)
    energies, products, goals = np.zeros(LANES), np.zeros(LANES), np.zeros(LANES)
    memory, table = np.ones((3, LANES)), np.zeros((5, LANES))
    table[1] = 1.0
    count, sound = 0, True
    while sound:
        down_lanes(r, last, field, bit_transfer, bit_source, share, table[0], table[1], table[2], sums, energies)
        r, last = last, r
        if count == 0:
            set_goals(energies, tolerance, goals)
        sound = bool(np.isfinite(energies).all())
        if not sound or (energies <= goals).all() or count == limit:
            break
        up_lanes(field, conductances, bit_transfer, transfer, source, products)
        sound = coefficients(energies, products, goals, count == 0, memory, table)
        _extrapolate_four(total, total_last, sums, table[3], table[4])
        total, total_last = total_last, total
        count += 1
    return total + sums, count, sound and bool((energies <= goals).all())


@njit(cache=True, nogil=True, fastmath={"contract"})
def _extrapolate_four(
    total: np.ndarray,
    last: np.ndarray,
    sums: np.ndarray,
    gamma: np.ndarray,
    rho: np.ndarray,
) -> None:
    """`extrapolate` of column sums (4 n,), each vector with its own coefficients."""
    for q in range(total.size):
        lane = q % LANES
        last[q] = rho[lane] * (total[q] + gamma[lane] * sums[q]) + (1.0 - rho[lane]) * last[q]
