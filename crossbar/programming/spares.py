"""Spare lines: which line of an array each neuron takes, where some devices are known to be stuck.

An array of N + S lines holds N neurons. At first neuron i is on line i; then the neuron that stuck devices hurt most
moves to the spare line that hurts it least, as long as that helps. What a stuck device does to a weight w, in a pair
whose other device makes up for it as far as it can (write-verify), is

    plus at g_min or minus at g_max:  max(w, 0),      minus at g_min or plus at g_max:  max(-w, 0),

and the harm of a line is the sum of the squares over its devices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.devices.stuck_map import StuckMap
from crossbar.errors import InvalidValue

PLUS, LOW = 0, -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where neurons are.

    Attributes
    ----------
    lines : ndarray of int (N,)
        The line of each neuron.
    stuck : StuckMap
        Stuck devices by neurons, those of unused lines left out.
    harm_before, harm : float
        Sum of the squares of what stuck devices take from weights, without spare lines and with them.
    """

    lines: np.ndarray
    stuck: StuckMap
    harm_before: float
    harm: float

    @property
    def moved(self) -> int:
        """How many neurons took a spare line."""
        return int((self.lines != np.arange(len(self.lines))).sum())


def place(stuck: StuckMap, weights: np.ndarray, spares: int) -> Placement:
    """Return where the neurons of `weights` (N, N) stand on N + `spares` lines, of which `stuck` names bad devices.

    Raises
    ------
    InvalidValue
        Fewer than no spare lines; a stuck device on a line that there is not.

    Examples
    --------
    >>> import numpy as np
    >>> from crossbar.devices.stuck_map import StuckMap
    >>> from crossbar.programming.spares import place
    >>> broken = StuckMap(np.array([[0, 1, column, -1] for column in (0, 2)]))  # G+ of line 1 lets nothing through
    >>> found = place(broken, np.ones((3, 3)) - np.eye(3), 1)
    >>> found.lines.tolist(), found.harm
    ([0, 3, 2], 0.0)
    """
    size = len(weights)
    if spares < 0:
        raise InvalidValue(f"`spares` must be 0 or more, but got {spares}")
    stuck.check(size + spares)
    lines, free = np.arange(size), list(range(size, size + spares))
    before = harm = _harms(stuck, weights, lines, size + spares)
    while free:
        worst = int(np.argmax(harm))
        tried = [np.where(np.arange(size) == worst, line, lines) for line in free]
        after = [_harms(stuck, weights, one, size + spares) for one in tried]
        best = int(np.argmin([one.sum() for one in after]))
        if not after[best].sum() < harm.sum():
            break
        lines, harm = tried[best], after[best]
        del free[best]
    return Placement(
        lines=lines, stuck=_by_neurons(stuck, lines, size + spares), harm_before=float(before.sum() / 2),
        harm=float(harm.sum() / 2),
    )  # fmt: skip


def _by_neurons(stuck: StuckMap, lines: np.ndarray, n_lines: int) -> StuckMap:
    """Return the stuck devices in numbers of neurons."""
    neuron = np.full(n_lines, -1)
    neuron[lines] = np.arange(len(lines))
    moved = stuck.entries.copy()
    moved[:, 1:3] = neuron[moved[:, 1:3]]
    return StuckMap(moved[(moved[:, 1:3] >= 0).all(axis=1)])


def _harms(stuck: StuckMap, weights: np.ndarray, lines: np.ndarray, n_lines: int) -> np.ndarray:
    """Return the harm of every neuron (N,), each device counted for both of its ends."""
    found = _by_neurons(stuck, lines, n_lines).entries
    row, column = found[:, 1], found[:, 2]
    wanted = np.where((found[:, 0] == PLUS) == (found[:, 3] == LOW), weights[row, column], -weights[row, column])
    squares = np.maximum(wanted, 0) ** 2
    size = len(weights)
    return np.bincount(row, squares, size) + np.bincount(column, squares, size)
