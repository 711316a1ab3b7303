"""What happens between two products with W, element by element: what it works on, and the protocol of its forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch

from crossbar.hopfield.conjugate_gradient import lone_minimum
from crossbar.hopfield.neurons import REACH
from hvae.tensors.neurons import Columns
from hvae.tensors.rows import Rows

GENTLE_STEPS, GENTLE_STRIDE = 3, 0.3  # of a cold start, as in `crossbar.hopfield.conjugate_gradient`
ROUNDS = 8  # trials of a line search


class Walking(NamedTuple):
    """What a settling keeps per neuron; `linear` and `quadratic` are the nudge's, zero where there is none."""

    signals: torch.Tensor
    pull: torch.Tensor
    direction: torch.Tensor
    product: torch.Tensor
    gradient: torch.Tensor
    linear: torch.Tensor
    quadratic: torch.Tensor


class Along(NamedTuple):
    """What a settling keeps per sample."""

    own: torch.Tensor
    decrease: torch.Tensor
    residual: torch.Tensor


class Solving(NamedTuple):
    """What a linear response keeps per neuron."""

    slope: torch.Tensor
    diagonal: torch.Tensor
    product: torch.Tensor
    solution: torch.Tensor
    remainder: torch.Tensor
    direction: torch.Tensor
    scaled: torch.Tensor


class Remaining(NamedTuple):
    """What a linear response keeps per sample: remainder . remainder / diagonal at the start and now, and p.H p."""

    first: torch.Tensor
    now: torch.Tensor
    curvature: torch.Tensor


@dataclass(frozen=True)
class Rules:
    """What a settling obeys.

    Attributes
    ----------
    columns : Columns
    reach : Tensor (width,)
        Smallest signal of each neuron, see `crossbar.hopfield.population.Population.reaches`; its largest is 1 - reach.
        Of no matter where it is linear.
    constants : Tensor (12,)
        tolerance, slack, near, floor, gentle stride, and the polynomial of `lone_minimum`.
    nothing : Tensor ()
        Zero, where there is no nudge.
    max_sweeps : int
    nudged : bool
        Whether the matrices `linear` and `quadratic` are there.
    """

    columns: Columns
    reach: torch.Tensor
    constants: torch.Tensor
    nothing: torch.Tensor
    max_sweeps: int
    nudged: bool

    @classmethod
    def of(cls, columns: Columns, *, tolerance: float, max_sweeps: int, nudged: bool) -> Rules:
        """Return the rules of a settling to `tolerance`."""
        gain = columns.gain
        furthest = 0.5 + 0.5 * torch.tanh(torch.full_like(gain, -0.5 * REACH))
        rounding = torch.full_like(gain, 4 * torch.finfo(gain.dtype).eps)
        reach = torch.where(columns.classical, rounding, furthest)
        inside = reach[columns.bounded]
        floor = float(inside.min()) if len(inside) else 1e-6
        near = float("inf") if nudged else 1e-3  # the lone minimum knows of no nudge
        slack = 100 * torch.finfo(gain.dtype).eps
        numbers = [tolerance, slack, near, floor, GENTLE_STRIDE, *lone_minimum()]
        constants = torch.tensor(numbers, dtype=torch.float64).to(gain.device, gain.dtype)
        return cls(columns, reach, constants, constants.new_zeros(()), max_sweeps, nudged)


class Passes(Protocol):
    """What happens to rows between two products with W; all in place."""

    def begin(self, rows: Rows, rules: Rules, *, cold: bool) -> None:
        """Evaluate each row at its signals and pull, and set out along the preconditioned steepest descent."""
        ...

    def descend(self, rows: Rows, rules: Rules, *, cold: bool) -> None:
        """Go along each direction as far as the energy falls well, and choose the next one."""
        ...

    def respond(self, rows: Rows, tolerance: float, max_sweeps: int) -> None:
        """Make one step of conjugate gradients for the linear response of each row."""
        ...


def walking(rows: Rows, rules: Rules) -> Walking:
    """Return the matrices of `rows` by name."""
    nudge = () if rules.nudged else (rules.nothing, rules.nothing)
    return Walking(*(*rows.matrices, *nudge))
