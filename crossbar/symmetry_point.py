"""Where up and down steps of a device are equal, so that cancelling pulses leave it: the zero that learning wants."""

from __future__ import annotations

import numpy as np

from crossbar.devices import DeviceState

HALVINGS = 24  # the range / 2^24: single precision


def symmetry_points(state: DeviceState) -> np.ndarray:
    """Return the weight (n_rows, n_cols), device units, at which each device's mean up-step and down-step cancel.

    Found by halving the device's own range, between a point where up-steps win and one where down-steps do. A device
    whose steps of one direction win everywhere has no such point: its nearest end is returned. The reference of a
    device put there makes the drift term of asymmetric steps vanish at a weight of zero (zero-shifting: Kim et al.
    2019, arXiv:1907.10228).
    """
    planes = state.planes
    low, high = planes["w_min"].copy(), planes["w_max"].copy()
    rising = _drift(state, low) < 0  # the point repels, and the signs are exchanged
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = (_drift(state, middle) > 0) != rising
        np.copyto(low, middle, where=above)
        np.copyto(high, middle, where=~above)
    return (low + high) / 2


def _drift(state: DeviceState, weights: np.ndarray) -> np.ndarray:
    """Return the sum of one mean up-step and one mean down-step at `weights`."""
    quiet = np.zeros_like(weights)
    up = state.law.increment(state.planes, weights, True, quiet)
    return up + state.law.increment(state.planes, weights, False, quiet)
