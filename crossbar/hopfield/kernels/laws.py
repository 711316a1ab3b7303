"""What each law of neurons gives to the passes of `descent`, for one run of neurons of one sample.

Notation, per neuron: r = rho(s) the signal, u the pull, d the search direction in r, q = W d, g the gradient in r,
steep = ds/dr = 1 / rho'(s); `quadratic` and `linear` are the nudge's. A law is its own part of the energy, phi(r), as
`crossbar.hopfield.neurons` tells; each branch below is one law, so that each loop is without branches.
`gain` is the one number of a law: the limit of a saturating neuron.
(Kernels of `descent` that are cached on disk do not see changes of this file: clear `__pycache__` after one.)
"""

from __future__ import annotations

import math

from numba import njit

from crossbar.hopfield.kernels.floats import log, rank

# Sums may be reassociated so that the compiler can vectorise them; NaN and infinity keep their meaning.
VECTORISED = {"reassoc", "contract", "nsz", "arcp"}
FARTHEST = 1152.0  # gain^2 |pull| beyond which a neuron's own minimum is taken as there
SIGMOID, LINEAR, CLASSICAL, SATURATING = 0, 1, 2, 3


@njit(cache=True, inline="always")
def _eighth(x):
    square = x * x
    fourth = square * square
    return fourth * fourth


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def line(kind, gain, r, u, d, q, g, quadratic):
    """Return along d: slope and curvature (couplings apart) of the energy, d.u and d.q.

    sigmoid: rho' (g + u) is the force s + nudge, and the curvature (1 + quadratic + gain (2 r - 1) rho' (g + u)) /
    rho'^2; linear: 1 + quadratic; classical: (1 + quadratic / rho' + gain (2 r - 1) (g + u - s)) / rho'; saturating:
    1 + quadratic + 9 (r / gain)^8.
    """
    one = r.dtype.type(1)
    slope = one - one
    own = one - one
    along = one - one
    bent = one - one
    if kind == SIGMOID:
        for i in range(r.shape[0]):
            steep = one / (gain * r[i] * (one - r[i]))
            bend = steep * ((one + quadratic[i]) * steep + gain * (r[i] + r[i] - one) * (g[i] + u[i]))
            slope += d[i] * g[i]
            own += d[i] * d[i] * bend
            along += d[i] * u[i]
            bent += d[i] * q[i]
    elif kind == LINEAR:
        for i in range(r.shape[0]):
            slope += d[i] * g[i]
            own += d[i] * d[i] * (one + quadratic[i])
            along += d[i] * u[i]
            bent += d[i] * q[i]
    elif kind == SATURATING:
        nine = r.dtype.type(9)
        for i in range(r.shape[0]):
            slope += d[i] * g[i]
            own += d[i] * d[i] * (one + quadratic[i] + nine * _eighth(r[i] / gain))
            along += d[i] * u[i]
            bent += d[i] * q[i]
    else:
        per_gain = one / gain
        for i in range(r.shape[0]):
            inverse = one / (r[i] * (one - r[i]))
            s = per_gain * log(r[i] * r[i] * inverse)
            steep = per_gain * inverse
            bend = steep * (one + quadratic[i] * steep + gain * (r[i] + r[i] - one) * (g[i] + u[i] - s))
            slope += d[i] * g[i]
            own += d[i] * d[i] * bend
            along += d[i] * u[i]
            bent += d[i] * q[i]
    return slope, own, along, bent


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def speed(kind, r, d, reach):
    """Return the rank of the largest |d| / (what is left of the signals' range in that direction)."""
    zero = r.dtype.type(0)
    fastest = rank(zero)
    if kind not in (LINEAR, SATURATING):
        top = r.dtype.type(1) - reach
        for i in range(r.shape[0]):
            room = top - r[i] if d[i] > zero else r[i] - reach
            fastest = max(fastest, rank(abs(d[i] / room)))
    return fastest


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def probe(kind, gain, r, u, d, q, step, linear, quadratic, gradient):
    """Return at r + step d: the sum of phi and nudge, and slope and curvature along d; write the `gradient`."""
    half, one = r.dtype.type(0.5), r.dtype.type(1)
    per_gain = one / gain
    own = half - half
    slope = half - half
    curvature = half - half
    if kind == SIGMOID:
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
    elif kind == LINEAR:
        for i in range(r.shape[0]):
            signal = r[i] + step * d[i]
            force = signal + quadratic[i] * signal + linear[i]
            climb = force - (u[i] + step * q[i])
            own += half * (force + linear[i]) * signal
            gradient[i] = climb
            slope += d[i] * climb
            curvature += d[i] * (d[i] * (one + quadratic[i]) - q[i])
    elif kind == SATURATING:
        nine, fifth = r.dtype.type(9), r.dtype.type(0.2)
        for i in range(r.shape[0]):
            signal = r[i] + step * d[i]
            beyond = _eighth(signal / gain)
            force = signal + quadratic[i] * signal + linear[i]
            climb = force + beyond * signal - (u[i] + step * q[i])
            own += half * (force + linear[i] + fifth * beyond * signal) * signal
            gradient[i] = climb
            slope += d[i] * climb
            curvature += d[i] * (d[i] * (one + quadratic[i] + nine * beyond) - q[i])
    else:
        two = one + one
        for i in range(r.shape[0]):
            signal = r[i] + step * d[i]
            rest = one - signal
            up, down = log(signal), log(rest)
            s = per_gain * (up - down)
            steep = per_gain / (signal * rest)
            force = quadratic[i] * s + linear[i]  # of the nudge alone
            climb = s + force * steep - (u[i] + step * q[i])
            bend = steep * (one + steep * (quadratic[i] + gain * (signal + signal - one) * force))
            own += per_gain * (signal * up + rest * down + log(two)) + half * (force + linear[i]) * s
            gradient[i] = climb
            slope += d[i] * climb
            curvature += d[i] * (d[i] * bend - q[i])
    return own, slope, curvature


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def precondition(kind, gain, r, u, g, quadratic, alone, near, z):
    """Write to `z` how far each neuron is from the minimum that it would have if no other neuron moved.

    g / bend (Newton's step, the bend held above a quarter of its least free value, as a nudge can make it negative)
    where that is at most `near`, else r - r*(u). sigmoid: v = gain^2 |u| and r* = 1 - 1 / (2 + v p(log(1 + v / 9))),
    with the polynomial p = `alone` (`crossbar.hopfield.conjugate_gradient.lone_minimum`); linear: Newton's step is
    exact; classical: r* = sigmoid(gain u); saturating: two of Newton's steps from the lesser of |u| and
    gain (|u| / gain)^(1/9), which r* is below.
    """
    one, quarter = r.dtype.type(1), r.dtype.type(0.25)
    if kind == SIGMOID:
        two = one + one
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
    elif kind == LINEAR:
        for i in range(r.shape[0]):
            z[i] = g[i] / (one + quadratic[i])
    elif kind == SATURATING:
        nine, ninth = r.dtype.type(9), r.dtype.type(1 / 9)
        for i in range(r.shape[0]):
            newton = g[i] / (one + quadratic[i] + nine * _eighth(r[i] / gain))
            size = abs(u[i])
            rest = min(size, gain * (size / gain) ** ninth)
            for _ in range(2):
                beyond = _eighth(rest / gain)
                rest -= (rest + rest * beyond - size) / (one + nine * beyond)
            away = r[i] - (rest if u[i] > 0 else -rest)
            z[i] = away if abs(newton) > near and away * g[i] > 0 else newton
    else:
        half, per_gain = r.dtype.type(0.5), one / gain
        for i in range(r.shape[0]):
            slant = gain * r[i] * (one - r[i])
            s = per_gain * log(r[i] / (one - r[i]))
            bend = one + (quadratic[i] + gain * (r[i] + r[i] - one) * (g[i] + u[i] - s) * slant) / slant  # times rho'
            newton = g[i] * (slant / max(bend, quarter))
            away = r[i] - half * (one + math.tanh(half * gain * u[i]))
            z[i] = away if abs(newton) > near and away * g[i] > 0 else newton


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def largest(kind, gain, r, gradient):
    """Return the rank of max |rho' gradient|, the largest component of grad E by s; NaN if there is one."""
    one = r.dtype.type(1)
    worst = rank(one - one)
    if kind in (LINEAR, SATURATING):
        for i in range(r.shape[0]):
            worst = max(worst, rank(abs(gradient[i])))
    else:
        for i in range(r.shape[0]):
            worst = max(worst, rank(abs(gain * r[i] * (one - r[i]) * gradient[i])))
    return worst


@njit(cache=True, fastmath=VECTORISED, error_model="numpy")
def euler(kind, gain, states, signals, product, drive, linear, quadratic, time_step):
    """Make one step of each neuron's own law, the nudge of eq. (4) included; return the rank of max |grad E| before it.

    sigmoid: eq. (3); linear: ds/dt = -s + u; saturating: ds/dt = -s - s (s / gain)^8 + u; classical: ds/dt = -s + u,
    of which the nudge is a part divided by rho'. Of a supply the step is linearly implicit, for it is stiff.
    """
    one = states.dtype.type(1)
    worst = rank(one - one)
    if kind == SIGMOID:
        for i in range(states.shape[0]):
            s, r = states[i], signals[i]
            force = s + quadratic[i] * s + linear[i] - gain * r * (one - r) * (product[i] + drive[i])
            worst = max(worst, rank(abs(force)))
            states[i] = s - time_step * force
    elif kind == LINEAR:
        for i in range(states.shape[0]):
            s = states[i]
            force = s + quadratic[i] * s + linear[i] - (product[i] + drive[i])
            worst = max(worst, rank(abs(force)))
            states[i] = s - time_step * force
    elif kind == SATURATING:
        nine = states.dtype.type(9)
        for i in range(states.shape[0]):
            s = states[i]
            beyond = _eighth(s / gain)
            force = s + s * beyond + quadratic[i] * s + linear[i] - (product[i] + drive[i])
            worst = max(worst, rank(abs(force)))
            states[i] = s - time_step * force / (one + time_step * nine * beyond)
    else:
        for i in range(states.shape[0]):
            s, r = states[i], signals[i]
            slope = gain * r * (one - r)
            nudge = quadratic[i] * s + linear[i]
            off = s - (product[i] + drive[i])
            worst = max(worst, rank(abs(slope * off + nudge)))
            states[i] = s - time_step * (off + (nudge / slope if nudge != 0 else nudge))
    return worst
