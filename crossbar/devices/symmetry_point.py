"""Where up and down steps of a device are equal, so that cancelling pulses leave it: the zero that learning wants."""

from __future__ import annotations

import numpy as np

from crossbar.devices.law import DeviceState
from crossbar.errors import InvalidValue

HALVINGS = 24  # the range / 2^24: single precision


def symmetry_points(state: DeviceState) -> np.ndarray:
    """Return the weight (n_rows, n_cols), device units, at which each device's mean up-step and down-step cancel.

    Found by halving the device's own range, between a point where up-steps win and one where down-steps do. Where the
    steps of one direction win at both ends cancelling pairs lead to an end, which is returned: `w_min` if down-steps
    win, `w_max` if up-steps do. A device whose steps cancel at both ends stays where it is; its zero is returned. The
    reference of a device put there makes the drift term of asymmetric steps vanish at a weight of zero (zero-shifting:
    Kim et al. 2019, arXiv:1907.10228).

    A point can also repel (steps that grow towards the bounds): pairs then lead away from it, on either side.

    Raises
    ------
    InvalidValue
        Devices whose pulses go up only.
    """
    if state.law.one_sided:
        raise InvalidValue("devices whose pulses go up only have no symmetry point: use them in pairs")
    planes = state.parameters
    low, high = planes["w_min"].copy(), planes["w_max"].copy()
    ends = _drift(state, low), _drift(state, high)
    falls, rises = (np.maximum(*ends) <= 0), (np.minimum(*ends) >= 0)
    rising = ends[0] < 0  # the point repels, and the signs are exchanged
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = (_drift(state, middle) > 0) != rising
        np.copyto(low, middle, where=above)
        np.copyto(high, middle, where=~above)
    points = np.where(falls, planes["w_min"], np.where(rises, planes["w_max"], (low + high) / 2))
    return np.where(falls & rises, 0, points).astype(low.dtype)


def _drift(state: DeviceState, weights: np.ndarray) -> np.ndarray:
    """Return the sum of one mean up-step and one mean down-step at `weights`."""
    up = state.law.mean_increment(state.parameters, weights, True)
    return up + state.law.mean_increment(state.parameters, weights, False)
