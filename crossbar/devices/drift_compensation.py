"""Gains of lines that make up for drift: what a chip measures of its devices' ageing, and multiplies its outputs by."""

from __future__ import annotations

from typing import get_args

import numpy as np

from crossbar.array_fields import DriftGains
from crossbar.errors import InvalidValue, unknown_name

ROUNDS = 20


def line_gains(kind: DriftGains, fresh: np.ndarray, conductances: np.ndarray) -> np.ndarray:
    """Return the gain c (N,) with which every line is driven and sensed: a weight is multiplied by those of its two.

    Parameters
    ----------
    kind : {"none", "global", "lines"}
        ``global``: one number for the array, by which all conductance is what it was when it was written; Joshi et al.
        ``lines``: one for each line, c_i sum_j G_ij c_j = fresh_i, found in `ROUNDS` reads with the lines driven by c.
        A weight is multiplied by c_i c_j, so that W_ij = W_ji stays.
    fresh : ndarray (N,)
        Conductance (S) of all devices on each line, just written: kept as numbers, one for all or one a line.
    conductances : ndarray (N, N)
        Of all devices between two lines now (S), not negative. The readings are taken as exact.

    Raises
    ------
    InvalidValue
        Shapes that do not fit, a line that conducted and now does not.
    UnknownName
        No such kind.

    References
    ----------
    Joshi et al., Nat. Commun. 11, 2473 (2020), doi:10.1038/s41467-020-16108-9, global drift compensation. Gains of
    single lines are ours: the symmetric scaling of a matrix to given sums.

    Examples
    --------
    >>> now = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> (line_gains("global", np.array([2.0, 2.0]), now) ** 2).round(12)
    array([2., 2.])
    """
    if kind not in get_args(DriftGains):
        raise unknown_name("drift_gains", kind, get_args(DriftGains))
    if conductances.shape != (len(fresh), len(fresh)):
        raise InvalidValue(f"`conductances` must be {(len(fresh),) * 2}, but got {conductances.shape}")
    gains = np.ones(len(fresh))
    now = conductances @ gains
    if np.any((now <= 0) & (fresh > 0)):
        raise InvalidValue("`conductances` must be positive where `fresh` is, but a line has lost all of its own")
    if kind == "none" or not fresh.any():
        return gains
    gains *= np.sqrt(fresh.sum() / now.sum())
    for _ in range(ROUNDS if kind == "lines" else 0):
        read = gains * (conductances @ gains)
        gains *= np.sqrt(np.divide(fresh, read, out=np.ones_like(fresh), where=read > 0))
    return gains
