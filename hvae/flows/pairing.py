"""Which noise flows to which sample of a pool."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize

Pairing = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From noise and samples (n, d) to the noise in the order of the samples that it flows to."""


def independent(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return `start` as it is: any noise to any sample."""
    del end
    return start


def nearest(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return `start` in the order whose squared distances are least in sum (Tong et al., arXiv:2302.00482).

    Optimal transport within the pool: paths hardly cross, so that the field is easier to learn and straighter to
    follow, the more so the larger the pool.
    """
    return start[optimize.linear_sum_assignment(-(end @ start.T))[1]]


PAIRINGS: dict[str, Pairing] = {"nearest": nearest, "independent": independent}
"""The pairings by their names."""
