"""The passes of a sweep as plain torch operations: on any device, and what the fused ones are held against.

The formulas are those of `crossbar.hopfield.kernels.descent`, for all rows at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch

from hvae.tensors.neurons import Columns
from hvae.tensors.passes import GENTLE_STEPS, ROUNDS, Along, Remaining, Rules, Solving, Walking, walking
from hvae.tensors.rows import Rows

FARTHEST = 1152.0  # gain^2 |pull| beyond which a neuron's own minimum is taken as there


class Probe(NamedTuple):
    """At a trial step: the sum of phi and nudge, slope and curvature along d, each (..., rows), and the gradient."""

    own: torch.Tensor
    slope: torch.Tensor
    curvature: torch.Tensor
    gradient: torch.Tensor


@dataclass(frozen=True)
class Plain:
    """Torch operations, one after the other."""

    def begin(self, rows: Rows, rules: Rules, *, cold: bool) -> None:  # noqa: ARG002
        """Evaluate each row at its start, and set out along the preconditioned steepest descent."""
        at, each = walking(rows, rules), Along(*rows.vectors)
        still = torch.zeros_like(at.signals)
        found = probe(at, still, torch.zeros_like(each.own), rules.columns)
        each.own.copy_(found.own)
        z = precondition(at.signals, at.pull, found.gradient, at, rules)
        at.direction.copy_(-z)
        at.gradient.copy_(found.gradient)
        each.decrease.copy_((z * found.gradient).sum(-1))
        each.residual.copy_(largest(at.signals, found.gradient, rules.columns))
        rows.moving.copy_(each.residual >= rules.constants[0])

    def descend(self, rows: Rows, rules: Rules, *, cold: bool) -> None:
        """Go along each direction as far as the energy falls well, and choose the next one."""
        at, each, columns = walking(rows, rules), Along(*rows.vectors), rules.columns
        moves = rows.moving == 1
        rows.sweeps.add_(rows.moving)
        stride = torch.full_like(each.own, float("inf"))
        if cold:
            stride = torch.where(rows.sweeps <= GENTLE_STEPS, rules.constants[4], stride)
        step, found = search(at, each, stride, rules, moves)
        signals = at.signals + step[..., None] * at.direction
        pull = at.pull + step[..., None] * at.product
        new = found.gradient
        z = precondition(signals, pull, new, at, rules)
        now, mixed = (z * new).sum(-1), (z * at.gradient).sum(-1)
        ratio = (now - mixed) / each.decrease
        turn = torch.where(ratio > 0, ratio, 0.0)
        direction = turn[..., None] * at.direction - z
        climbs = (direction * new).sum(-1) >= 0
        direction = torch.where(climbs[..., None], -z, direction)
        for old, renewed in (
            (at.signals, signals), (at.pull, pull), (at.direction, direction), (at.gradient, new),
        ):  # fmt: skip
            old.copy_(torch.where(moves[..., None], renewed, old))
        residual = largest(signals, new, columns)
        for kept, value in ((each.own, found.own), (each.decrease, now), (each.residual, residual)):
            kept.copy_(torch.where(moves, value, kept))
        rows.moving.mul_((each.residual >= rules.constants[0]) & (rows.sweeps < rules.max_sweeps))

    def respond(self, rows: Rows, tolerance: float, max_sweeps: int) -> None:
        """Make one step of conjugate gradients for H x = b on each row, preconditioned by H's diagonal."""
        at, each = Solving(*rows.matrices), Remaining(*rows.vectors)
        rows.sweeps.add_(rows.moving)
        bent = at.diagonal * at.direction - at.slope * at.product
        curved = (at.direction * bent).sum(-1)
        each.curvature.copy_(torch.where(rows.moving == 1, curved, each.curvature))
        goes = (rows.moving == 1) & (curved > 0)
        step = torch.where(goes, each.now / curved, 0.0)
        at.solution.add_(step[..., None] * at.direction)
        at.remainder.sub_(step[..., None] * bent)
        scaled = at.remainder / at.diagonal
        now = (at.remainder * scaled).sum(-1)
        direction = scaled + (now / each.now)[..., None] * at.direction
        at.direction.copy_(torch.where(goes[..., None], direction, at.direction))
        at.scaled.copy_(at.slope * at.direction)
        each.now.copy_(torch.where(goes, now, each.now))
        rows.moving.copy_(goes & (each.now > tolerance**2 * each.first) & (rows.sweeps < max_sweeps))


def search(
    at: Walking, each: Along, stride: torch.Tensor, rules: Rules, moves: torch.Tensor
) -> tuple[torch.Tensor, Probe]:
    """Return steps along d that meet the approximate Wolfe conditions, and what is found there.

    See `crossbar.hopfield.kernels.descent`: Newton's step first, then Newton's or bisection inside the bracket.
    """
    d, columns = at.direction, rules.columns
    slope = (d * at.gradient).sum(-1)
    along, bent = (d * at.pull).sum(-1), (d * at.product).sum(-1)
    curvature = (d * d * bends(at.signals, at, columns)).sum(-1) - bent
    floor = rules.constants[3]
    high = torch.minimum(stride, 1 / torch.clamp(speed(at.signals, d, rules), min=floor))
    low = torch.zeros_like(high)
    newton = torch.where(curvature > 0, -slope / curvature, high)
    step = torch.minimum(newton, 0.98 * high)
    done = ~moves
    for _ in range(ROUNDS):
        found = probe(at, d, step, columns)
        rise = found.own - each.own - step * (along + 0.5 * step * bent)
        higher = rise > rules.constants[1] * (1 + each.own.abs())
        done = done | (~higher & (found.slope.abs() <= 0.1 * slope.abs()))
        if bool(done.all()):
            return step, found
        above = higher | (found.slope > 0)
        high, low = torch.where(above, step, high), torch.where(above, low, step)
        newton = torch.where(found.curvature > 0, step - found.slope / found.curvature, high)
        inside = (low < newton) & (newton < high) & ~higher
        step = torch.where(done, step, torch.where(inside, newton, (low + high) * 0.5))
    step = torch.where(done, step, low)
    return step, probe(at, d, step, columns)


def probe(at: Walking, d: torch.Tensor, step: torch.Tensor, columns: Columns) -> Probe:
    """Evaluate the energy and its slopes at r + step d."""
    stride = step[..., None]
    signals = at.signals + stride * d
    s, steep, lean = columns.at(signals)
    nudge = at.quadratic * s + at.linear
    force = torch.where(columns.classical, s + nudge * steep, (s + nudge) * steep)
    gradient = force - (at.pull + stride * at.product)
    bend = _bends(s, steep, lean, nudge, at, columns)
    own = columns.energy(s, signals) + 0.5 * (nudge + at.linear) * s
    curvature = (d * (d * bend - at.product)).sum(-1)
    return Probe(own.sum(-1), (d * gradient).sum(-1), curvature, gradient)


def bends(signals: torch.Tensor, at: Walking, columns: Columns) -> torch.Tensor:
    """Return the Hessian's diagonal in r, couplings apart."""
    s, steep, lean = columns.at(signals)
    return _bends(s, steep, lean, at.quadratic * s + at.linear, at, columns)


def _bends(
    s: torch.Tensor, steep: torch.Tensor, lean: torch.Tensor, nudge: torch.Tensor, at: Walking, columns: Columns
) -> torch.Tensor:
    of_state = steep * steep * (1 + at.quadratic + lean * (s + nudge))
    classical = steep * (1 + steep * (at.quadratic + lean * nudge))
    return torch.where(columns.classical, classical, of_state)


def speed(signals: torch.Tensor, d: torch.Tensor, rules: Rules) -> torch.Tensor:
    """Return the largest |d| / (what is left of the signals' range in that direction), (..., rows)."""
    room = torch.where(d > 0, 1 - rules.reach - signals, signals - rules.reach)
    fast = torch.where(rules.columns.bounded, (d / room).abs(), 0.0)
    return fast.amax(-1)


def precondition(
    signals: torch.Tensor, pull: torch.Tensor, gradient: torch.Tensor, at: Walking, rules: Rules
) -> torch.Tensor:
    """Return how far each neuron is from the minimum that it would have if no other neuron moved.

    Newton's step where it is at most `near`, or where the lone minimum lies on the other side; else r - r*(u).
    """
    columns = rules.columns
    s, steep, lean = columns.at(signals)
    slant = 1 / steep
    nudge = at.quadratic * s + at.linear
    of_state = slant * slant / torch.clamp(1 + at.quadratic + lean * (s + nudge), min=0.25)
    classical = slant / torch.clamp(1 + steep * (at.quadratic + lean * nudge), min=0.25)
    newton = gradient * torch.where(columns.classical, classical, of_state)
    away = signals - lone(pull, rules)
    far = columns.bounded & (newton.abs() > rules.constants[2]) & (away * gradient > 0)
    return torch.where(far, away, newton)


def lone(pull: torch.Tensor, rules: Rules) -> torch.Tensor:
    """Return the signals at which neurons of the bounded laws would rest under `pull` without nudge."""
    gain, p = rules.columns.gain, rules.constants[5:]
    v = torch.clamp(gain * gain * pull.abs(), max=FARTHEST)
    x = torch.log(1 + v / 9)
    series = p[0] + x * (p[1] + x * (p[2] + x * (p[3] + x * (p[4] + x * (p[5] + x * p[6])))))
    rest = 1 - 1 / (2 + v * series)
    sigmoid = torch.where(pull > 0, rest, 1 - rest)
    return torch.where(rules.columns.classical, torch.sigmoid(gain * pull), sigmoid)


def largest(signals: torch.Tensor, gradient: torch.Tensor, columns: Columns) -> torch.Tensor:
    """Return max |rho' gradient|, the largest component of grad E with respect to s; NaN if there is one."""
    return (columns.slopes(signals) * gradient).abs().amax(-1)
