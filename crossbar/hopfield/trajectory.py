"""Trajectories of a network by the paper's Euler scheme, eq. (3): the model of how the analog circuit settles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.errors import DivergedError, InvalidValue
from crossbar.hopfield.energy import Landscape

KEPT = 400  # states kept of a trajectory, evenly spaced


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """States s(t) of all neurons of a network while it settles.

    Attributes
    ----------
    times : ndarray (n_times,)
        In time constants of a neuron, increasing from 0.
    states : ndarray (n_times, batch, n_neurons)
        Clamped neurons included.
    """

    times: np.ndarray
    states: np.ndarray

    def __post_init__(self) -> None:
        if self.states.ndim != 3 or len(self.times) != len(self.states) or len(self.times) < 2:
            raise InvalidValue(
                "`states` must be (n_times, batch, n_neurons) with a time each, at least two, "
                f"but got {self.states.shape} for {len(self.times)} times"
            )
        if not np.all(np.diff(self.times) > 0):
            raise InvalidValue("`times` must increase")


def follow(landscape: Landscape, clamped: np.ndarray, start: np.ndarray, *, step: float, length: float) -> Trajectory:
    """Return the trajectory s <- s - delta t grad E(s) (eq. 3) from `start` (batch, n_free).

    Parameters
    ----------
    clamped : ndarray (batch, n_clamped)
        States of the clamped neurons, which the trajectory holds too.
    step, length : float
        Time step delta t and duration, in time constants of a neuron.

    Raises
    ------
    DivergedError
        A state is no longer finite.
    """
    n_steps = round(length / step)
    every = max(1, n_steps // KEPT)
    states = start.astype(landscape.drive.dtype)
    kept = [landscape.role.join(states, clamped).astype(np.float32)]
    for number in range(1, n_steps + 1):
        states = states - landscape.neurons.eased(step * landscape.gradient(states), states, step)
        if number % every == 0:
            kept.append(landscape.role.join(states, clamped).astype(np.float32))
    if not np.isfinite(kept[-1]).all():
        raise DivergedError(f"settling diverged: choose a time step below {step} time constants")
    return Trajectory(times=step * every * np.arange(len(kept)), states=np.stack(kept))
