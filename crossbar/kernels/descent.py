"""Element-wise passes of the solvers, one row a sample: between two matrix products nothing leaves the cache twice.

Numbers are typed by their arrays: a bare 1 would turn float32 arithmetic into float64. The passes run on one thread, a
fifth of a sweep: threads of numba and of the matrix product, waiting for each other, made a step 14 times slower.

Notation, per neuron: r = rho(s) the signal, u = W r + drive the pull, d the search direction in r, q = W d,
h(r) = s / rho'(s), so that the energy of eq. (1) seen as a function of r has the gradient h(r) - u (plus the nudge's).
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Sums may be reassociated so that the compiler can vectorise them; NaN and infinity keep their meaning.
VECTORISED = {"reassoc", "contract", "nsz", "arcp"}

# A largest value is vectorised only if NaN may be ignored: where these are used a sum beside them catches it.
FINITE = VECTORISED | {"nnan"}


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def propose(signals, direction, gradient, bend, product, reach, stride, slope, step, longest, odds):
    """Take Newton's step along each row's direction, held inside the signals' range, and give the odds r / (1 - r).

    Writes slope = d.gradient, step = -slope / (d.bend.d - d.product), longest = the step that would reach `reach`
    or 1 - `reach`, but at most `stride`, and odds at the step.
    """
    for row in range(signals.shape[0]):
        r, d, g, b, q = signals[row], direction[row], gradient[row], bend[row], product[row]
        zero = r.dtype.type(0)
        down = zero
        curvature = zero
        for i in range(r.shape[0]):
            down += d[i] * g[i]
            curvature += d[i] * (d[i] * b[i] - q[i])
        longest[row] = min(stride, r.dtype.type(1) / max(_speed(r, d, reach), reach))
        newton = -down / curvature if curvature > 0 else longest[row]
        slope[row] = down
        step[row] = min(newton, r.dtype.type(0.98) * longest[row])
        _odds_at(r, d, step[row], odds[row])


@njit(cache=True, fastmath=FINITE, error_model="numpy")
def _speed(r, d, reach):
    """Return the largest |d| / (what is left of the signals' range in that direction)."""
    zero = r.dtype.type(0)
    top = r.dtype.type(1) - reach
    speed = zero
    for i in range(r.shape[0]):
        room = top - r[i] if d[i] > zero else r[i] - reach
        speed = max(speed, abs(d[i]) / room)
    return speed


@njit(cache=True, fastmath=FINITE, error_model="numpy")
def _largest(r, gradient, gain):
    """Return max |rho' gradient|."""
    one = r.dtype.type(1)
    worst = r.dtype.type(0)
    for i in range(r.shape[0]):
        worst = max(worst, abs(gain * r[i] * (one - r[i]) * gradient[i]))
    return worst


@njit(cache=True, fastmath=FINITE, error_model="numpy")
def _largest_of(forces):
    worst = forces.dtype.type(0)
    for i in range(forces.shape[0]):
        worst = max(worst, abs(forces[i]))
    return worst


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def _odds_at(r, d, step, odds):
    one = r.dtype.type(1)
    for i in range(r.shape[0]):
        trial = r[i] + step * d[i]
        odds[i] = trial / (one - trial)


@njit(cache=True, error_model="numpy")
def retry(signals, direction, step, rejected, odds):
    """Give the odds r / (1 - r) again for the rows whose step was `rejected`."""
    for row in range(signals.shape[0]):
        if rejected[row]:
            _odds_at(signals[row], direction[row], step[row], odds[row])


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def probe(
    log_odds, signals, direction, product, pull, drive, linear, quadratic, gain, step, pending,
    gradient, bend, energy, slope, curvature,
):  # fmt: skip
    """Evaluate energy, gradient and curvature at the trial signals r + step d of each row that is `pending`.

    Writes gradient and bend (batch, n), with respect to r, and energy, slope and curvature (batch,), of which the last
    two are derivatives along d.
    """
    half, one = log_odds.dtype.type(0.5), log_odds.dtype.type(1)
    per_gain = one / gain
    for row in range(signals.shape[0]):
        if not pending[row]:
            continue
        d, q, a = direction[row], product[row], step[row]
        total = half - half
        along = half - half
        curved = half - half
        for i in range(d.shape[0]):
            r = signals[row, i] + a * d[i]
            s = log_odds[row, i] * per_gain
            slant = gain * r * (one - r)
            steep = one / slant
            received = pull[row, i] + a * q[i]
            force = s + quadratic[i] * s + linear[row, i]
            total += half * ((force + linear[row, i]) * s - r * (received + drive[row, i]))
            climb = force * steep - received
            bent = (one + quadratic[i] + gain * (r + r - one) * force) * steep * steep
            gradient[row, i] = climb
            bend[row, i] = bent
            along += d[i] * climb
            curved += d[i] * (d[i] * bent - q[i])
        energy[row] = total
        slope[row] = along
        curvature[row] = curved


@njit(cache=True)
def refine(first_slope, first_energy, slope, curvature, energy, slack, bracket, step, rejected):
    """Judge each row's step by the approximate Wolfe conditions, and give the rejected ones a better step.

    A step passes when the slope along d is at most a tenth of what it was and the energy has not risen by more than
    `slack` of itself. (0.3 to 0.8 took up to a tenth more sweeps on trained networks, and no less time.)
    Others are bracketed (lower end: descending; upper end: ascending or higher) and tried again by Newton's
    step, or by bisection where that leaves the bracket. Returns how many were rejected.
    """
    count = 0
    for row in range(step.shape[0]):
        if not rejected[row]:
            continue
        higher = energy[row] > first_energy[row] + slack * (1 + abs(first_energy[row]))
        rejected[row] = higher or abs(slope[row]) > 0.1 * abs(first_slope[row])
        if not rejected[row]:
            continue
        count += 1
        if higher or slope[row] > 0:
            bracket[1, row] = step[row]
        else:
            bracket[0, row] = step[row]
        newton = step[row] - slope[row] / curvature[row] if curvature[row] > 0 else bracket[1, row]
        inside = bracket[0, row] < newton < bracket[1, row] and not higher
        step[row] = newton if inside else (bracket[0, row] + bracket[1, row]) / 2
    return count


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def _precondition(r, u, g, bend, gain, minima, pitch, near, z):
    """Write to `z` how far each neuron is from the minimum that it would have if no other neuron moved.

    g / bend (Newton's step, `bend` held above a quarter of its least free value, as a nudge can make it negative) where
    that is at most `near`, else r - r*(u) from the table `minima`, linear between its nodes.
    """
    one, quarter = r.dtype.type(1), r.dtype.type(0.25)
    last = minima.shape[0] - 2
    for i in range(r.shape[0]):
        slant = gain * r[i] * (one - r[i])
        square = slant * slant
        newton = g[i] * (square / max(bend[i] * square, quarter))
        reach = abs(u[i]) * pitch
        place = reach if reach < last else r.dtype.type(last)  # NaN too ends inside the table
        node = int(place)
        rest = minima[node] + (place - r.dtype.type(node)) * (minima[node + 1] - minima[node])
        away = r[i] - (rest if u[i] > 0 else one - rest)
        z[i] = away if abs(newton) > near and away * g[i] > 0 else newton


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def advance(
    signals, pull, direction, product, step, gradient, trial, bend, distance, gain, minima, pitch, near, decrease,
    residual,
):  # fmt: skip
    """Move each row by its step, and turn its direction by Polak and Ribiere's rule, preconditioned neuron by neuron.

    `gradient` becomes `trial`; `decrease` keeps gradient . distance; `distance` (batch, n) is room for what
    `_precondition` finds; `residual` is max |rho' gradient|, the largest component of grad E with respect to s. A
    direction that would climb is replaced by the preconditioned steepest descent.
    """
    for row in range(signals.shape[0]):
        r, u, d, q = signals[row], pull[row], direction[row], product[row]
        g, new, z = gradient[row], trial[row], distance[row]
        zero = r.dtype.type(0)
        now = zero
        mixed = zero
        a = step[row]
        for i in range(r.shape[0]):
            r[i] += a * d[i]
            u[i] += a * q[i]
        _precondition(r, u, new, bend[row], gain, minima, pitch, near, z)
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
        residual[row] = _largest(r, new, gain) if np.isfinite(now) else now


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
def euler(states, signals, product, drive, linear, quadratic, gain, time_step, forces, residual):
    """Make one step of eq. (3), with the nudge of eq. (4); `residual` is max |grad E| before it, `forces` is room."""
    for row in range(states.shape[0]):
        one = states.dtype.type(1)
        total = states.dtype.type(0)
        for i in range(states.shape[1]):
            s, r = states[row, i], signals[row, i]
            force = s + quadratic[i] * s + linear[row, i] - gain * r * (one - r) * (product[row, i] + drive[row, i])
            total += force
            forces[row, i] = force
            states[row, i] = s - time_step * force
        residual[row] = _largest_of(forces[row]) if np.isfinite(total) else total
