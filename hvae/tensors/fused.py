"""The passes of a sweep fused into Triton kernels: on a GPU one launch where plain operations take a hundred."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch

from hvae.tensors.kernels import descent
from hvae.tensors.passes import Along, Remaining, Rules, Solving, walking
from hvae.tensors.rows import Rows


@lru_cache
def _shape(width: int, per_thread: int) -> dict[str, int]:
    """Return the block that holds a row of `width`, and how many warps of 32 threads work on it."""
    block = max(32, 1 << (width - 1).bit_length())
    return {"BLOCK": block, "num_warps": min(32, max(1, block // (32 * per_thread)))}


@lru_cache
def _number(value: float, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    return torch.tensor([value], dtype=torch.float64).to(device, dtype)


@dataclass(frozen=True)
class Fused:
    """Triton kernels, one program a row.

    Attributes
    ----------
    per_thread : int
        Neurons that a thread holds: with more of them the registers do not last, with fewer there are too many threads.
    """

    per_thread: int = 4

    def begin(self, rows: Rows, rules: Rules, *, cold: bool) -> None:  # noqa: ARG002
        """Evaluate each row at its start, and set out along the preconditioned steepest descent."""
        at, each = walking(rows, rules), Along(*rows.vectors)
        descent.begin[_grid(rows)](
            at.signals, at.pull, at.direction, at.gradient, at.linear, at.quadratic,
            rules.columns.kind, rules.columns.gain, rules.constants, each.own, each.decrease, each.residual,
            rows.moving, rows.width, NUDGED=rules.nudged, **_shape(rows.width, self.per_thread),
        )  # fmt: skip

    def descend(self, rows: Rows, rules: Rules, *, cold: bool) -> None:
        """Go along each direction as far as the energy falls well, and choose the next one."""
        at, each = walking(rows, rules), Along(*rows.vectors)
        descent.descend[_grid(rows)](
            at.signals, at.pull, at.direction, at.product, at.gradient, at.linear, at.quadratic,
            rules.columns.kind, rules.columns.gain, rules.reach, rules.constants,
            each.own, each.decrease, each.residual, rows.moving, rows.sweeps, rows.width, rules.max_sweeps,
            COLD=cold, NUDGED=rules.nudged, **_shape(rows.width, self.per_thread),
        )  # fmt: skip

    def respond(self, rows: Rows, tolerance: float, max_sweeps: int) -> None:
        """Make one step of conjugate gradients for the linear response of each row."""
        at, each = Solving(*rows.matrices), Remaining(*rows.vectors)
        squared = _number(tolerance**2, rows.matrices.device, rows.matrices.dtype)
        descent.respond[_grid(rows)](
            *at, *each, rows.moving, rows.sweeps, rows.width, max_sweeps, squared, **_shape(rows.width, self.per_thread)
        )


def _grid(rows: Rows) -> tuple[int]:
    return (rows.matrices.shape[1] * rows.size,)
