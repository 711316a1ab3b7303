"""The passes of a sweep, each one kernel: a program takes a row, and keeps it in registers from end to end.

Formulas and names are those of `crossbar.hopfield.kernels.descent` and `hvae.tensors.plain`. Columns beyond `width` are
loaded as linear neurons at zero, which give nothing to any sum. `constants` holds tolerance, slack, near, floor, gentle
stride and the polynomial of the lone minimum, so that they have the arrays' precision. Rows that do not move are left
as they are, which lets many sweeps follow each other without a look at what moves.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _laws(r, kind, gain):
    """Return s, steep = ds/dr and lean = gain (2 r - 1) of each column."""
    bounded = kind != 1
    inside = tl.where(bounded, r, 0.5)
    rest = 1.0 - inside
    s = tl.where(bounded, tl.log(inside / rest) / gain, r)
    steep = tl.where(bounded, 1.0 / (gain * inside * rest), 1.0)
    lean = tl.where(bounded, gain * (inside + inside - 1.0), 0.0)
    return s, steep, lean


@triton.jit
def _bend(s, steep, lean, nudge, quadratic, kind):
    """Return the Hessian's diagonal in r, couplings apart."""
    of_state = steep * steep * (1.0 + quadratic + lean * (s + nudge))
    classical = steep * (1.0 + steep * (quadratic + lean * nudge))
    return tl.where(kind == 2, classical, of_state)


@triton.jit
def _probe(r, u, d, q, step, linear, quadratic, kind, gain):
    """Return at r + step d: the sum of phi and nudge, slope and curvature along d, and the gradient."""
    signal = r + step * d
    s, steep, lean = _laws(signal, kind, gain)
    nudge = quadratic * s + linear
    force = tl.where(kind == 2, s + nudge * steep, (s + nudge) * steep)
    gradient = force - (u + step * q)
    bend = _bend(s, steep, lean, nudge, quadratic, kind)
    rest = tl.where(kind == 2, 1.0 - signal, 1.0)
    log2 = tl.log(gain * 0.0 + 2.0)
    phi = tl.where(kind == 2, s * signal + (tl.log(rest) + log2) / gain, 0.5 * s * s)
    own = phi + 0.5 * (nudge + linear) * s
    return tl.sum(own), tl.sum(d * gradient), tl.sum(d * (d * bend - q)), gradient


@triton.jit
def _precondition(r, u, g, linear, quadratic, kind, gain, near, constants):
    """Return how far each neuron is from the minimum that it would have if no other neuron moved."""
    s, steep, lean = _laws(r, kind, gain)
    slant = 1.0 / steep
    nudge = quadratic * s + linear
    of_state = slant * slant / tl.maximum(1.0 + quadratic + lean * (s + nudge), 0.25)
    classical = slant / tl.maximum(1.0 + steep * (quadratic + lean * nudge), 0.25)
    newton = g * tl.where(kind == 2, classical, of_state)
    v = tl.minimum(gain * gain * tl.abs(u), 1152.0)
    x = tl.log(1.0 + v / 9.0)
    series = tl.load(constants + 11)
    series = tl.load(constants + 10) + x * series
    series = tl.load(constants + 9) + x * series
    series = tl.load(constants + 8) + x * series
    series = tl.load(constants + 7) + x * series
    series = tl.load(constants + 6) + x * series
    series = tl.load(constants + 5) + x * series
    rest = 1.0 - 1.0 / (2.0 + v * series)
    sigmoid = tl.where(u > 0, rest, 1.0 - rest)
    lone = tl.where(kind == 2, 1.0 / (1.0 + tl.exp(-gain * u)), sigmoid)
    away = r - lone
    far = (kind != 1) & (tl.abs(newton) > near) & (away * g > 0)
    return tl.where(far, away, newton)


@triton.jit
def _largest(r, g, kind, gain, total):
    """Return max |rho' g|; NaN where `total`, a sum over the row, is NaN."""
    slope = tl.where(kind != 1, gain * r * (1.0 - r), 1.0)
    worst = tl.max(tl.abs(slope * g))
    return tl.where(total == total, worst, total)  # noqa: PLR0124  NaN alone is not itself


@triton.jit
def begin(
    signals, pull, direction, gradient, linear, quadratic, kinds, gains, constants,
    own, decrease, residual, moving, width,
    NUDGED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Evaluate a row at its start, and set out along the preconditioned steepest descent."""
    row = tl.program_id(0)
    column = tl.arange(0, BLOCK)
    inside = column < width
    at = row * width + column
    kind = tl.load(kinds + column, mask=inside, other=1)
    gain = tl.load(gains + column, mask=inside, other=1.0)
    r = tl.load(signals + at, mask=inside, other=0.0)
    u = tl.load(pull + at, mask=inside, other=0.0)
    still = r * 0.0
    push, stiff = still, still
    if NUDGED:
        push = tl.load(linear + at, mask=inside, other=0.0)
        stiff = tl.load(quadratic + at, mask=inside, other=0.0)
    energy, _climb, _curved, new = _probe(r, u, still, still, 0.0, push, stiff, kind, gain)
    z = _precondition(r, u, new, push, stiff, kind, gain, tl.load(constants + 2), constants)
    now = tl.sum(z * new)
    worst = _largest(r, new, kind, gain, now)
    tl.store(direction + at, -z, mask=inside)
    tl.store(gradient + at, new, mask=inside)
    tl.store(own + row, energy)
    tl.store(decrease + row, now)
    tl.store(residual + row, worst)
    tl.store(moving + row, (worst >= tl.load(constants)).to(tl.int32))


@triton.jit
def descend(  # noqa: PLR0915  one kernel, so that the row stays in registers
    signals, pull, direction, product, gradient, linear, quadratic, kinds, gains, reaches, constants,
    own, decrease, residual, moving, sweeps, width, max_sweeps,
    COLD: tl.constexpr, NUDGED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Go along a row's direction as far as the energy falls well, and choose the next one."""
    row = tl.program_id(0)
    if tl.load(moving + row) != 0:
        column = tl.arange(0, BLOCK)
        inside = column < width
        at = row * width + column
        kind = tl.load(kinds + column, mask=inside, other=1)
        gain = tl.load(gains + column, mask=inside, other=1.0)
        reach = tl.load(reaches + column, mask=inside, other=0.0)
        r = tl.load(signals + at, mask=inside, other=0.0)
        u = tl.load(pull + at, mask=inside, other=0.0)
        d = tl.load(direction + at, mask=inside, other=0.0)
        q = tl.load(product + at, mask=inside, other=0.0)
        g = tl.load(gradient + at, mask=inside, other=0.0)
        push, stiff = r * 0.0, r * 0.0
        if NUDGED:
            push = tl.load(linear + at, mask=inside, other=0.0)
            stiff = tl.load(quadratic + at, mask=inside, other=0.0)
        slack = tl.load(constants + 1)
        before = tl.load(own + row)
        count = tl.load(sweeps + row) + 1

        s, steep, lean = _laws(r, kind, gain)
        bend = _bend(s, steep, lean, stiff * s + push, stiff, kind)
        slope = tl.sum(d * g)
        along = tl.sum(d * u)
        bent = tl.sum(d * q)
        curvature = tl.sum(d * d * bend) - bent
        room = tl.where(d > 0, 1.0 - reach - r, r - reach)
        speed = tl.max(tl.where(kind != 1, tl.abs(d / tl.where(kind != 1, room, 1.0)), 0.0))
        high = 1.0 / tl.maximum(speed, tl.load(constants + 3))
        if COLD:
            high = tl.where(count <= 3, tl.minimum(high, tl.load(constants + 4)), high)
        low = high * 0.0
        newton = tl.where(curvature > 0, -slope / curvature, high)
        step = tl.minimum(newton, 0.98 * high)
        now, climb, curved, new = _probe(r, u, d, q, step, push, stiff, kind, gain)
        higher = (now - before - step * (along + 0.5 * step * bent)) > slack * (1.0 + tl.abs(before))
        good = (higher == 0) & (tl.abs(climb) <= 0.1 * tl.abs(slope))
        trials = 1
        while (trials < 8) & (good == 0):
            above = higher | (climb > 0)
            high = tl.where(above, step, high)
            low = tl.where(above, low, step)
            newton = tl.where(curved > 0, step - climb / curved, high)
            fits = (low < newton) & (newton < high) & (higher == 0)
            step = tl.where(fits, newton, (low + high) * 0.5)
            now, climb, curved, new = _probe(r, u, d, q, step, push, stiff, kind, gain)
            higher = (now - before - step * (along + 0.5 * step * bent)) > slack * (1.0 + tl.abs(before))
            good = (higher == 0) & (tl.abs(climb) <= 0.1 * tl.abs(slope))
            trials += 1
        if good == 0:
            step = tl.where(higher | (climb > 0), low, step)
            now, climb, curved, new = _probe(r, u, d, q, step, push, stiff, kind, gain)

        r = r + step * d
        u = u + step * q
        z = _precondition(r, u, new, push, stiff, kind, gain, tl.load(constants + 2), constants)
        fall = tl.sum(z * new)
        mixed = tl.sum(z * g)
        ratio = (fall - mixed) / tl.load(decrease + row)
        turn = tl.where(ratio > 0, ratio, 0.0)
        ahead = turn * d - z
        ahead = tl.where(tl.sum(ahead * new) >= 0, -z, ahead)
        worst = _largest(r, new, kind, gain, fall)
        tl.store(signals + at, r, mask=inside)
        tl.store(pull + at, u, mask=inside)
        tl.store(direction + at, ahead, mask=inside)
        tl.store(gradient + at, new, mask=inside)
        tl.store(own + row, now)
        tl.store(decrease + row, fall)
        tl.store(residual + row, worst)
        tl.store(sweeps + row, count)
        tl.store(moving + row, ((worst >= tl.load(constants)) & (count < max_sweeps)).to(tl.int32))


@triton.jit
def respond(
    slopes, diagonals, product, solution, remainder, direction, scaled, first, now, curvature, moving, sweeps,
    width, max_sweeps, squared,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Make one step of conjugate gradients for H x = b on a row, preconditioned by H's diagonal.

    H p = diagonal p - slope W (slope p), with `product` = W (slope p) given; writes the next scaled = slope p. A row of
    curvature p.H p <= 0 is left as it is. `squared` holds the square of the tolerance.
    """
    row = tl.program_id(0)
    if tl.load(moving + row) != 0:
        column = tl.arange(0, BLOCK)
        inside = column < width
        at = row * width + column
        slope = tl.load(slopes + at, mask=inside, other=0.0)
        diagonal = tl.load(diagonals + at, mask=inside, other=1.0)
        q = tl.load(product + at, mask=inside, other=0.0)
        p = tl.load(direction + at, mask=inside, other=0.0)
        count = tl.load(sweeps + row) + 1
        bent = diagonal * p - slope * q
        curved = tl.sum(p * bent)
        tl.store(curvature + row, curved)
        tl.store(sweeps + row, count)
        if curved > 0:
            before = tl.load(now + row)
            step = before / curved
            x = tl.load(solution + at, mask=inside, other=0.0) + step * p
            rest = tl.load(remainder + at, mask=inside, other=0.0) - step * bent
            eased = rest / diagonal
            after = tl.sum(rest * eased)
            p = eased + (after / before) * p
            tl.store(solution + at, x, mask=inside)
            tl.store(remainder + at, rest, mask=inside)
            tl.store(direction + at, p, mask=inside)
            tl.store(scaled + at, slope * p, mask=inside)
            tl.store(now + row, after)
            left = after > tl.load(squared) * tl.load(first + row)
            tl.store(moving + row, (left & (count < max_sweeps)).to(tl.int32))
        else:
            tl.store(moving + row, 0)
