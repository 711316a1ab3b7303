"""Rows that stop one by one: a batch that is worked on while some of it still moves, in ever smaller arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from hvae.tensors.graphs import Repeated


@dataclass(frozen=True)
class Rows:
    """Arrays of one iteration.

    Attributes
    ----------
    matrices : Tensor (kinds, replicas, rows, width)
        What there is per neuron.
    vectors : Tensor (kinds, replicas, rows)
        What there is per sample.
    counts : Tensor (2, replicas, rows) of int32
        Whether a row still moves (1 or 0), and the sweeps that it took.
    """

    matrices: torch.Tensor
    vectors: torch.Tensor
    counts: torch.Tensor

    @classmethod
    def empty(
        cls, kinds: tuple[int, int], shape: tuple[int, int, int], device: torch.device, dtype: torch.dtype
    ) -> Rows:
        """Return rows of zeros: `kinds` of matrices and vectors, of `shape` (replicas, rows, width)."""
        return cls(
            torch.zeros((kinds[0], *shape), device=device, dtype=dtype),
            torch.zeros((kinds[1], *shape[:2]), device=device, dtype=dtype),
            torch.zeros((2, *shape[:2]), device=device, dtype=torch.int32),
        )

    @property
    def size(self) -> int:
        """Rows of each replica."""
        return self.matrices.shape[2]

    @property
    def width(self) -> int:
        """Columns of each matrix."""
        return self.matrices.shape[3]

    @property
    def moving(self) -> torch.Tensor:
        """Which rows move, (replicas, rows)."""
        return self.counts[0]

    @property
    def sweeps(self) -> torch.Tensor:
        """Sweeps that each row took, (replicas, rows)."""
        return self.counts[1]

    def take(self, others: Rows, index: torch.Tensor) -> None:
        """Copy the rows `index` (replicas, rows) of `others` here."""
        wide = index[None, :, :, None].expand(*self.matrices.shape)
        torch.gather(others.matrices, 2, wide, out=self.matrices)
        for mine, theirs in ((self.vectors, others.vectors), (self.counts, others.counts)):
            torch.gather(theirs, 2, index[None].expand(*mine.shape), out=mine)

    def put(self, others: Rows, index: torch.Tensor) -> None:
        """Copy `others` back to the rows `index` of this."""
        self.matrices.scatter_(2, index[None, :, :, None].expand(*others.matrices.shape), others.matrices)
        for mine, theirs in ((self.vectors, others.vectors), (self.counts, others.counts)):
            mine.scatter_(2, index[None].expand(*theirs.shape), theirs)


@dataclass(frozen=True)
class Pace:
    """How the device is driven: nothing of it changes a result.

    Attributes
    ----------
    check_every : int
        Sweeps after which the device is asked what still moves.
    smallest : int
        Rows of a replica below which arrays are not made smaller.
    shrink : int
        How many times fewer rows must move for smaller arrays to be taken.
    graphs : bool
        Whether blocks of sweeps are replayed as CUDA graphs.
    round_to : int
        Columns of states are filled up to a multiple of it: products on a GPU want rows that begin at round addresses.
    """

    check_every: int = 8
    smallest: int = 8
    shrink: int = 4
    graphs: bool = False
    round_to: int = 1

    @classmethod
    def usual(cls, device: torch.device) -> Pace:
        """Return what should pay on `device`."""
        if device.type == "cuda":
            return cls(graphs=True, round_to=16)
        return cls(check_every=2, smallest=1, shrink=2)


@dataclass
class Iteration:
    """The same sweep over and over, until no row moves.

    The device is asked after every few sweeps how many rows move; between, nothing waits. Rows that have stopped are
    left as they are by `sweep`; where few rows of each replica move, those go on in smaller arrays.

    Attributes
    ----------
    full : Rows
        All samples; a caller fills them, and reads the outcome from them.
    sweep : callable
        Changes the rows that it is given in place; it must stop each row by itself, at the latest after `max_sweeps`.
    worked : int
        Sweeps times rows so far, those that had stopped included.
    """

    full: Rows
    sweep: Callable[[Rows], None]
    max_sweeps: int
    pace: Pace
    worked: int = 0
    _levels: dict[int, Rows] = field(default_factory=dict)
    _blocks: dict[int, Repeated] = field(default_factory=dict)

    def run(self) -> None:
        """Sweep until no row moves."""
        here, index = self.full, None
        for _ in range(-(-self.max_sweeps // self.pace.check_every)):
            self._block(here)
            most = int(here.moving.sum(dim=1, dtype=torch.int32).max())
            if not most:
                break
            size = max(self.pace.smallest, 1 << (most - 1).bit_length())
            if self.pace.shrink * size <= here.size:
                if index is not None:
                    self.full.put(here, index)
                index = torch.argsort(self.full.moving, dim=1, descending=True, stable=True)[:, :size].contiguous()
                here = self._level(size)
                here.take(self.full, index)
        if index is not None:
            self.full.put(here, index)

    def _block(self, here: Rows) -> None:
        if here.size not in self._blocks:

            def block() -> None:
                for _ in range(self.pace.check_every):
                    self.sweep(here)

            self._blocks[here.size] = Repeated(block, captured=self.pace.graphs)
        self._blocks[here.size]()
        self.worked += self.pace.check_every * here.size * here.matrices.shape[1]

    def _level(self, size: int) -> Rows:
        if size not in self._levels:
            matrices, vectors = self.full.matrices, self.full.vectors
            shape = (matrices.shape[1], size, matrices.shape[3])
            self._levels[size] = Rows.empty((len(matrices), len(vectors)), shape, matrices.device, matrices.dtype)
        return self._levels[size]
