"""Element-wise passes of the solvers, one row a sample: between two matrix products nothing leaves the cache twice.

Numbers are typed by their arrays: a bare 1 would turn float32 arithmetic into float64. The passes run on one thread, a
fifth of a sweep: threads of numba and of the matrix product, waiting for each other, made a step 14 times slower.

Notation, per neuron: r = rho(s) the signal, u = W r + drive the pull, d the search direction in r, q = W d,
h(r) = s / rho'(s), so that the energy of eq. (1) seen as a function of r has the gradient h(r) - u (plus the nudge's).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from crossbar.hopfield.kernels.floats import log, number, rank

# Sums may be reassociated so that the compiler can vectorise them; NaN and infinity keep their meaning.
VECTORISED = {"reassoc", "contract", "nsz", "arcp"}
ROUNDS = 8  # trials of a line search
FARTHEST = 1152.0  # gain^2 |pull| beyond which a neuron's own minimum is taken as there


@njit(cache=True, error_model="numpy")
def begin(signals, pull, linear, quadratic, gain, alone, near, direction, gradient, own, decrease, residual):
    """Evaluate each row at its start, and set out along the preconditioned steepest descent."""
    n = signals.shape[1]
    trial, distance = np.empty(n, signals.dtype), np.empty(n, signals.dtype)
    still = np.zeros(n, signals.dtype)
    for row in range(signals.shape[0]):
        r, u, nudge = signals[row], pull[row], linear[min(row, linear.shape[0] - 1)]
        own[row], _, _ = _probe(r, u, still, still, r.dtype.type(0), nudge, quadratic, gain, trial)
        decrease[row] = np.inf
        _turn(r, u, trial, quadratic, gain, alone, near, direction[row], gradient[row], distance, decrease, row)
        residual[row] = _largest(r, trial, gain)


@njit(cache=True, error_model="numpy")
def descend(
    signals, pull, direction, product, gradient, linear, quadratic, gain, reach, stride, slack,
    alone, near, own, decrease, residual,
):  # fmt: skip
    """Go along each row's direction as far as the energy falls well, and choose the next one.

    With q = W d given as `product`, all of it is element-wise; a row is done while it lies in the first-level cache.
    `own` keeps the row's sum of phi, s^2 / 2 and nudge: what the energy holds besides its quadratic part.
    """
    n = signals.shape[1]
    trial, distance = np.empty(n, signals.dtype), np.empty(n, signals.dtype)
    for row in range(signals.shape[0]):
        r, u, d, q, g = signals[row], pull[row], direction[row], product[row], gradient[row]
        nudge = linear[min(row, linear.shape[0] - 1)]
        step, own[row] = _search(r, u, d, q, g, nudge, quadratic, gain, reach, stride, slack, own[row], trial)
        _move(r, u, d, q, step)
        _turn(r, u, trial, quadratic, gain, alone, near, d, g, distance, decrease, row)
        residual[row] = _largest(r, trial, gain)


@njit(cache=True, error_model="numpy")
def _search(r, u, d, q, g, linear, quadratic, gain, reach, stride, slack, own, trial):
    """Return a step along `d` that meets the approximate Wolfe conditions, and `own` there; `trial` is the gradient.

    The step starts as Newton's, held inside the signals' range and below `stride`. It passes when the slope along d is
    at most a tenth of what it was and the energy has not risen by more than `slack` of itself. (0.3 to 0.8 took up to a
    tenth more sweeps on trained networks, and no less time.) Others are bracketed (lower end: descending; upper end:
    ascending or higher) and tried again by Newton's step, or by bisection where that leaves the bracket; after ROUNDS
    trials the farthest point known to be lower is taken.
    """
    slope, curvature, along, bent = _line(r, u, d, q, g, quadratic, gain)
    high = min(stride, r.dtype.type(1) / max(_speed(r, d, reach), reach))
    low = r.dtype.type(0)
    newton = -slope / curvature if curvature > 0 else high
    step = min(newton, r.dtype.type(0.98) * high)
    for _ in range(ROUNDS):
        now, climb, curved = _probe(r, u, d, q, step, linear, quadratic, gain, trial)
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
    now, _, _ = _probe(r, u, d, q, low, linear, quadratic, gain, trial)
    return low, now


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def _line(r, u, d, q, g, quadratic, gain):
    """Return along d: slope and curvature of the energy, d.u and d.q.

    The Hessian's diagonal without W is (1 + quadratic + gain (2 r - 1) rho' (g + u)) / rho'^2, for rho' (g + u) is the
    force s + nudge.
    """
    one = r.dtype.type(1)
    slope = one - one
    own = one - one
    along = one - one
    bent = one - one
    for i in range(r.shape[0]):
        steep = one / (gain * r[i] * (one - r[i]))
        bend = steep * ((one + quadratic[i]) * steep + gain * (r[i] + r[i] - one) * (g[i] + u[i]))
        slope += d[i] * g[i]
        own += d[i] * d[i] * bend
        along += d[i] * u[i]
        bent += d[i] * q[i]
    return slope, own - bent, along, bent


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def _speed(r, d, reach):
    """Return the largest |d| / (what is left of the signals' range in that direction)."""
    zero = r.dtype.type(0)
    top = r.dtype.type(1) - reach
    speed = rank(zero)
    for i in range(r.shape[0]):
        room = top - r[i] if d[i] > zero else r[i] - reach
        speed = max(speed, rank(abs(d[i] / room)))
    return number(speed)


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def _probe(r, u, d, q, step, linear, quadratic, gain, gradient):
    """Return at r + step d: the sum of phi and nudge, and slope and curvature along d; write the `gradient`."""
    half, one = r.dtype.type(0.5), r.dtype.type(1)
    per_gain = one / gain
    own = half - half
    slope = half - half
    curvature = half - half
    for i in range(r.shape[0]):
        signal = r[i] + step * d[i]
        inverse = one / (signal * (one - signal))
        s = per_gain * log(signal * signal * inverse)
        steep = per_gain * inverse
        force = s + quadratic[i] * s + linear[i]
        climb = force * steep - (u[i] + step * q[i])
        bend = (one + quadratic[i] + gain * (signal + signal - one) * force) * steep * steep
        own += half * (force + linear[i]) * s
        gradient[i] = climb
        slope += d[i] * climb
        curvature += d[i] * (d[i] * bend - q[i])
    return own, slope, curvature


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def _move(r, u, d, q, step):
    for i in range(r.shape[0]):
        r[i] += step * d[i]
        u[i] += step * q[i]


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def _precondition(r, u, g, quadratic, gain, alone, near, z):
    """Write to `z` how far each neuron is from the minimum that it would have if no other neuron moved.

    g / bend (Newton's step, the bend held above a quarter of its least free value, as a nudge can make it negative)
    where that is at most `near`, else r - r*(u): v = gain^2 |u| and r* = 1 - 1 / (2 + v p(log(1 + v / 9))), with the
    polynomial p = `alone` (`crossbar.hopfield.conjugate_gradient.lone_minimum`).
    """
    one, two, quarter = r.dtype.type(1), r.dtype.type(2), r.dtype.type(0.25)
    square, ninth, farthest = gain * gain, r.dtype.type(1 / 9), r.dtype.type(FARTHEST)
    p0, p1, p2, p3, p4, p5, p6 = alone[0], alone[1], alone[2], alone[3], alone[4], alone[5], alone[6]
    for i in range(r.shape[0]):
        slant = gain * r[i] * (one - r[i])
        bend = one + quadratic[i] + gain * (r[i] + r[i] - one) * slant * (g[i] + u[i])  # times rho'^2
        newton = g[i] * (slant * slant / max(bend, quarter))
        v = min(square * abs(u[i]), farthest)
        x = log(one + ninth * v)
        rest = one - one / (two + v * (p0 + x * (p1 + x * (p2 + x * (p3 + x * (p4 + x * (p5 + x * p6)))))))
        away = r[i] - (rest if u[i] > 0 else one - rest)
        z[i] = away if abs(newton) > near and away * g[i] > 0 else newton


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def _turn(r, u, new, quadratic, gain, alone, near, d, g, z, decrease, row):
    """Turn the direction `d` by Polak and Ribiere's rule, preconditioned neuron by neuron, and renew the gradient `g`.

    `decrease` keeps gradient . distance. A direction that would climb is replaced by the preconditioned steepest
    descent.
    """
    zero = r.dtype.type(0)
    now = zero
    mixed = zero
    _precondition(r, u, new, quadratic, gain, alone, near, z)
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


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def _largest(r, gradient, gain):
    """Return max |rho' gradient|, the largest component of grad E with respect to s; NaN if there is one."""
    one = r.dtype.type(1)
    worst = rank(one - one)
    for i in range(r.shape[0]):
        worst = max(worst, rank(abs(gain * r[i] * (one - r[i]) * gradient[i])))
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


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def euler(states, signals, product, drive, linear, quadratic, gain, time_step, residual):
    """Make one step of eq. (3), with the nudge of eq. (4); `residual` is max |grad E| before it."""
    one = states.dtype.type(1)
    for row in range(states.shape[0]):
        worst = rank(one - one)
        for i in range(states.shape[1]):
            s, r = states[row, i], signals[row, i]
            force = s + quadratic[i] * s + linear[row, i] - gain * r * (one - r) * (product[row, i] + drive[row, i])
            worst = max(worst, rank(abs(force)))
            states[row, i] = s - time_step * force
        residual[row] = number(worst)
