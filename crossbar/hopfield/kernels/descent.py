"""Element-wise passes of the solvers, one row a sample: between two matrix products nothing leaves the cache twice.

Numbers are typed by their arrays: a bare 1 would turn float32 arithmetic into float64. The passes run on one thread, a
fifth of a sweep: threads of numba and of the matrix product, waiting for each other, made a step 14 times slower.

Notation, per neuron: r = rho(s) the signal, u = W r + drive the pull, d the search direction in r, q = W d,
h(r) = s / rho'(s), so that the energy of eq. (1) seen as a function of r has the gradient h(r) - u (plus the nudge's).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.hopfield.kernels import laws
from crossbar.hopfield.kernels.floats import number, rank
from crossbar.hopfield.kernels.laws import VECTORISED

ROUNDS = 8  # trials of a line search


@njit(cache=True, error_model="numpy")
def begin(
    signals, pull, linear, quadratic, kinds, bounds, numbers, alone, near, direction, gradient, own, decrease, residual
):
    """Evaluate each row at its start, and set out along the preconditioned steepest descent."""
    n = signals.shape[1]
    trial, distance = np.empty(n, signals.dtype), np.empty(n, signals.dtype)
    still = np.zeros(n, signals.dtype)
    laws_of = (kinds, bounds, numbers)
    for row in range(signals.shape[0]):
        r, u, nudge = signals[row], pull[row], linear[min(row, linear.shape[0] - 1)]
        own[row], _, _ = _probe(r, u, still, still, r.dtype.type(0), nudge, quadratic, laws_of, trial)
        decrease[row] = np.inf
        _turn(r, u, trial, quadratic, laws_of, alone, near, direction[row], gradient[row], distance, decrease, row)
        residual[row] = _largest(r, trial, laws_of)


@njit(cache=True, error_model="numpy")
def descend(
    signals, pull, direction, product, gradient, linear, quadratic, kinds, bounds, numbers, reach, stride, slack,
    alone, near, own, decrease, residual,
):  # fmt: skip
    """Go along each row's direction as far as the energy falls well, and choose the next one.

    With q = W d given as `product`, all of it is element-wise; a row is done while it lies in the first-level cache.
    `own` keeps the row's sum of phi, s^2 / 2 and nudge: what the energy holds besides its quadratic part. Run k of the
    neurons is ``bounds[k]:bounds[k + 1]``, and follows the law ``kinds[k]`` of ``numbers[k]``, its gain or limit;
    `reach` (runs,) is the least signal that it may give.
    """
    n = signals.shape[1]
    trial, distance = np.empty(n, signals.dtype), np.empty(n, signals.dtype)
    laws_of = (kinds, bounds, numbers)
    for row in range(signals.shape[0]):
        r, u, d, q, g = signals[row], pull[row], direction[row], product[row], gradient[row]
        nudge = linear[min(row, linear.shape[0] - 1)]
        step, own[row] = _search(r, u, d, q, g, nudge, quadratic, laws_of, reach, stride, slack, own[row], trial)
        _move(r, u, d, q, step)
        _turn(r, u, trial, quadratic, laws_of, alone, near, d, g, distance, decrease, row)
        residual[row] = _largest(r, trial, laws_of)


@njit(cache=True, error_model="numpy")
def _search(r, u, d, q, g, linear, quadratic, laws_of, reach, stride, slack, own, trial):
    """Return a step along `d` that meets the approximate Wolfe conditions, and `own` there; `trial` is the gradient.

    The step starts as Newton's, held inside the signals' range and below `stride`. It passes when the slope along d is
    at most a tenth of what it was and the energy has not risen by more than `slack` of itself. (0.3 to 0.8 took up to a
    tenth more sweeps on trained networks, and no less time.) Others are bracketed (lower end: descending; upper end:
    ascending or higher) and tried again by Newton's step, or by bisection where that leaves the bracket; after ROUNDS
    trials the farthest point known to be lower is taken.
    """
    slope, curvature, along, bent = _line(r, u, d, q, g, quadratic, laws_of)
    high = min(stride, r.dtype.type(1) / max(_speed(r, d, reach, laws_of), reach.min()))
    low = r.dtype.type(0)
    newton = -slope / curvature if curvature > 0 else high
    step = min(newton, r.dtype.type(0.98) * high)
    for _ in range(ROUNDS):
        now, climb, curved = _probe(r, u, d, q, step, linear, quadratic, laws_of, trial)
        rise = now - own - step * (along + r.dtype.type(0.5) * step * bent)
        higher = rise > slack * (r.dtype.type(1) + abs(own))
        if not higher and abs(climb) <= r.dtype.type(0.1) * abs(slope):
            return step, now
        if higher or climb > 0:
            high = step
        else:
            low = step
        newton = step - climb / curved if curved > 0 else high
        step = newton if low < newton < high and not higher else (low + high) * r.dtype.type(0.5)
    now, _, _ = _probe(r, u, d, q, low, linear, quadratic, laws_of, trial)
    return low, now


@njit(cache=True, error_model="numpy")
def _line(r, u, d, q, g, quadratic, laws_of):
    """Return along d: slope and curvature of the energy, d.u and d.q."""
    kinds, bounds, numbers = laws_of
    slope = r.dtype.type(0)
    own = r.dtype.type(0)
    along = r.dtype.type(0)
    bent = r.dtype.type(0)
    for k in range(kinds.shape[0]):
        a, b = bounds[k], bounds[k + 1]
        one, two, three, four = laws.line(
            kinds[k], numbers[k], r[a:b], u[a:b], d[a:b], q[a:b], g[a:b], quadratic[a:b]
        )
        slope += one
        own += two
        along += three
        bent += four
    return slope, own - bent, along, bent


@njit(cache=True, error_model="numpy")
def _speed(r, d, reach, laws_of):
    """Return the largest |d| / (what is left of the signals' range in that direction)."""
    kinds, bounds, _ = laws_of
    fastest = rank(r.dtype.type(0))
    for k in range(kinds.shape[0]):
        a, b = bounds[k], bounds[k + 1]
        fastest = max(fastest, laws.speed(kinds[k], r[a:b], d[a:b], reach[k]))
    return number(fastest)


@njit(cache=True, error_model="numpy")
def _probe(r, u, d, q, step, linear, quadratic, laws_of, gradient):
    """Return at r + step d: the sum of phi and nudge, and slope and curvature along d; write the `gradient`."""
    kinds, bounds, numbers = laws_of
    own = r.dtype.type(0)
    slope = r.dtype.type(0)
    curvature = r.dtype.type(0)
    for k in range(kinds.shape[0]):
        a, b = bounds[k], bounds[k + 1]
        one, two, three = laws.probe(
            kinds[k], numbers[k], r[a:b], u[a:b], d[a:b], q[a:b], step, linear[a:b], quadratic[a:b], gradient[a:b]
        )
        own += one
        slope += two
        curvature += three
    return own, slope, curvature


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def _move(r, u, d, q, step):
    for i in range(r.shape[0]):
        r[i] += step * d[i]
        u[i] += step * q[i]


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def _turn(r, u, new, quadratic, laws_of, alone, near, d, g, z, decrease, row):
    """Turn the direction `d` by Polak and Ribiere's rule, preconditioned neuron by neuron, and renew the gradient `g`.

    `decrease` keeps gradient . distance. A direction that would climb is replaced by the preconditioned steepest
    descent.
    """
    zero = r.dtype.type(0)
    now = zero
    mixed = zero
    kinds, bounds, numbers = laws_of
    for k in range(kinds.shape[0]):
        a, b = bounds[k], bounds[k + 1]
        laws.precondition(
            kinds[k], numbers[k], r[a:b], u[a:b], new[a:b], quadratic[a:b], alone, near, z[a:b]
        )
    for i in range(r.shape[0]):
        now += z[i] * new[i]
        mixed += z[i] * g[i]
    turn = max(zero, (now - mixed) / decrease[row])
    climb = zero
    for i in range(r.shape[0]):
        g[i] = new[i]
        d[i] = turn * d[i] - z[i]
        climb += d[i] * new[i]
    if climb >= 0:
        for i in range(r.shape[0]):
            d[i] = -z[i]
    decrease[row] = now


@njit(cache=True, error_model="numpy")
def _largest(r, gradient, laws_of):
    """Return max |rho' gradient|, the largest component of grad E with respect to s; NaN if there is one."""
    kinds, bounds, numbers = laws_of
    worst = rank(r.dtype.type(0))
    for k in range(kinds.shape[0]):
        a, b = bounds[k], bounds[k + 1]
        worst = max(worst, laws.largest(kinds[k], numbers[k], r[a:b], gradient[a:b]))
    return number(worst)


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def respond(slope, diagonal, product, solution, remainder, direction, scaled, decrease, curvature):
    """Make one step of conjugate gradients for H x = b on each row, preconditioned by H's `diagonal`.

    H p = diagonal p - slope W (slope p), with `product` = W (slope p) given; writes the next scaled = slope p. A row
    of curvature p.H p <= 0 is left as it is. `decrease` keeps remainder . remainder / diagonal.
    """
    for row in range(slope.shape[0]):
        s, e, q, x = slope[row], diagonal[row], product[row], solution[row]
        rest, p = remainder[row], direction[row]
        curved = s.dtype.type(0)
        for i in range(s.shape[0]):
            curved += p[i] * (e[i] * p[i] - s[i] * q[i])
        curvature[row] = curved
        if curved <= 0:
            continue
        step = decrease[row] / curved
        now = s.dtype.type(0)
        for i in range(s.shape[0]):
            x[i] += step * p[i]
            rest[i] -= step * (e[i] * p[i] - s[i] * q[i])
            now += rest[i] * rest[i] / e[i]
        turn = now / decrease[row]
        decrease[row] = now
        for i in range(s.shape[0]):
            p[i] = rest[i] / e[i] + turn * p[i]
            scaled[row, i] = s[i] * p[i]


@njit(cache=True, error_model="numpy")
def euler(
    states, signals, product, drive, linear, quadratic, kinds, bounds, numbers, time_step, residual
):
    """Make one step of eq. (3), with the nudge of eq. (4), by each law; `residual` is max |grad E| before it."""
    for row in range(states.shape[0]):
        worst = rank(states.dtype.type(0))
        for k in range(kinds.shape[0]):
            a, b = bounds[k], bounds[k + 1]
            moved = laws.euler(
                kinds[k], numbers[k], states[row, a:b], signals[row, a:b], product[row, a:b], drive[row, a:b],
                linear[row, a:b], quadratic[a:b], time_step,
            )  # fmt: skip
            worst = max(worst, moved)
        residual[row] = number(worst)
