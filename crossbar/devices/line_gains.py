"""Gains of lines: every neuron's line has a scale of its own, so that all lines use the whole range of their devices.

The range of a device is that of the largest weight, and most weights are far smaller: a twentieth of it, in the
networks of docs/learning.md. With gains d_i a chip holds W' = W / (d_i d_j) and still computes

    u_i = d_i sum_j W'_ij d_j rho_j,

the signal of neuron j driven at d_j v_read, and what the bit lines of neuron i bring multiplied by d_i. W' is symmetric
where W is. A miss of a device then costs d_i d_j of what it did. The largest gain is 1, so that no line is driven
higher than before.

The loops are Sinkhorn's balancing of a matrix (Pac. J. Math. 21, 343 (1967), doi:10.2140/pjm.1967.21.343) for one
common diagonal, of the largest and of the root mean square entry of every line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from crossbar.array_fields import LineGains
from crossbar.errors import unknown_name

ROUNDS = 200

Gains = Callable[[np.ndarray], np.ndarray]
"""From weights (N, N), symmetric, to gains (N,), the largest of them 1."""


def equal(weights: np.ndarray) -> np.ndarray:
    """Return 1 for every line.

    >>> import numpy as np
    >>> equal(np.zeros((2, 2)))
    array([1., 1.])
    """
    return np.ones(len(weights))


def largest(weights: np.ndarray) -> np.ndarray:
    """Return gains with which the largest |W'| of every line is the same: none could be driven further.

    >>> import numpy as np
    >>> weights = np.array([[0, 4.0, 1.0], [4.0, 0, 1.0], [1.0, 1.0, 0]])
    >>> gains = largest(weights)
    >>> (weights / np.outer(gains, gains)).max(axis=0).round(6)
    array([4., 4., 4.])
    """
    return _balanced(np.abs(weights), lambda scaled: scaled.max(axis=1))


def mean_square(weights: np.ndarray) -> np.ndarray:
    """Return gains with which the root mean square of W' is the same on every line: few weights decide nothing."""
    return _balanced(np.abs(weights), lambda scaled: np.sqrt(np.mean(scaled**2, axis=1)))


KINDS: Mapping[LineGains, Gains] = {"equal": equal, "largest": largest, "mean-square": mean_square}
"""The ways by their names."""


def gains_of(kind: LineGains) -> Gains:
    """Return the way that is called `kind`.

    Raises
    ------
    UnknownName
        There is none.
    """
    if kind not in KINDS:
        raise unknown_name("kind of line gains", kind, KINDS)
    return KINDS[kind]


def _balanced(sizes: np.ndarray, of_lines: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return gains that make `of_lines` (N,) of `sizes` / (d_i d_j) alike; a line without weights has the mean gain."""
    sizes = np.maximum(sizes, sizes.T).astype(np.float64)  # a line is a row and a column
    held = sizes.any(axis=1)
    gains = np.ones(len(sizes))
    if not held.any():
        return gains
    for _ in range(ROUNDS):
        level = of_lines(sizes / np.outer(gains, gains))[held]
        gains[held] *= np.sqrt(level / level.max())
    gains[~held] = np.exp(np.mean(np.log(gains[held])))
    return gains / gains.max()
