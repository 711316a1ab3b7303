"""Which noise flows to which sample of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import optimize


class Pairing(Protocol):
    """Which noise flows to which sample of a batch."""

    def paired(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Return `start` (batch, d) in the order of the samples `end` (batch, d) that it goes to."""
        ...


@dataclass(frozen=True)
class Independent:
    """Any noise to any sample."""

    def paired(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Return `start` as it is."""
        del end
        return start


@dataclass(frozen=True)
class Nearest:
    """The pairs of a batch whose squared distances are least in sum: optimal transport (Tong et al., arXiv:2302.00482).

    Paths then hardly cross, so that the field is easier to learn and straighter to follow.
    """

    def paired(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Return `start` in the order of least cost."""
        squares = (start**2).sum(1) + (end**2).sum(1)[:, None] - 2 * end @ start.T
        return start[optimize.linear_sum_assignment(squares)[1]]
