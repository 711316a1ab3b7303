"""A network settling in continuous time: how long it takes, and what its devices dissipate meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.errors import InvalidValue

SETTLED = 0.01  # settled: no neuron farther from its end than this share of the largest way that any neuron went
_TAIL = 0.9  # a trajectory that still moves after this share of its length has not settled


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Relaxation:
    r"""What settling costs, per image, in units that do not depend on the technology.

    With rho_j the signal of line j and T the settle time, the energy in the devices at line voltage V is
    V^2 tau (g_min `base` + (g_max - g_min) `weight` + `devices`) for a time constant tau.

    Attributes
    ----------
    settle : ndarray (k,)
        Settle time in time constants.
    n_unsettled : int
        Trajectories that were still moving at their end; their settle time is a lower bound.
    base : ndarray (k,)
        Integral of sum_j n_j rho_j^2, n_j the devices on line j, for devices that are not programmed yet.
    weight : ndarray (k,)
        Integral of sum_j rho_j^2 times the sum of how far up in their range the devices of line j are, from 0 to 1,
        likewise.
    devices : ndarray (k,)
        Integral of sum_j rho_j^2 sum_i G_ij, in siemens, for devices that are.
    """

    settle: np.ndarray
    base: np.ndarray
    weight: np.ndarray
    devices: np.ndarray
    n_unsettled: int = 0


def settle_times(trajectory: Trajectory, tolerance: float = SETTLED) -> tuple[np.ndarray, np.ndarray]:
    """Return settle times (batch,) in time constants, and whether each trajectory has settled within its length.

    The settle time is the first one from which on every neuron stays as close to where it ends as `tolerance` times
    the largest distance that any neuron of that image travels.
    """
    distance = np.abs(trajectory.states - trajectory.states[-1]).max(axis=2)
    away = distance > tolerance * distance[0]
    last_away = np.where(away.any(axis=0), away.shape[0] - 1 - away[::-1].argmax(axis=0), -1)
    times = trajectory.times[np.minimum(last_away + 1, len(trajectory.times) - 1)]
    return times, times <= _TAIL * trajectory.times[-1]


def line_integrals(trajectory: Trajectory, until: np.ndarray, gain: float) -> np.ndarray:
    """Return the integral of rho(s_j)^2 from 0 to `until` (batch,) for every line, (batch, n_neurons), trapezoidal."""
    signals = 1 / (1 + np.exp(-gain * trajectory.states.astype(float)))
    within = trajectory.times[:, None] <= until[None, :]
    power = signals**2 * within[:, :, None]
    steps = np.diff(trajectory.times)[:, None, None] * within[1:, :, None]
    return ((power[1:] + power[:-1]) / 2 * steps).sum(axis=0)


def relaxation_of(trajectory: Trajectory, gain: float, loads: Loads) -> Relaxation:
    """Return what `trajectory` costs on lines with `loads`."""
    settle, settled = settle_times(trajectory)
    integrals = line_integrals(trajectory, settle, gain)
    return Relaxation(
        settle=settle,
        base=integrals @ loads.n_devices,
        weight=integrals @ loads.weights,
        devices=integrals @ loads.conductances,
        n_unsettled=int((~settled).sum()),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Loads:
    """What hangs on every line of a network: arrays (n_neurons,); see `Relaxation`."""

    n_devices: np.ndarray
    weights: np.ndarray
    conductances: np.ndarray


def weight_loads(weights: np.ndarray, mask: np.ndarray) -> Loads:
    """Return the loads of pairs of devices that will hold `weights` (N, N) where `mask` (N, N) is true.

    G+ + G- = 2 g_min + (g_max - g_min) |w| / max |w|; row i is what line i drives, as in a chip.
    """
    largest = float(np.abs(weights).max()) or 1.0
    return Loads(
        n_devices=2.0 * mask.sum(axis=1),
        weights=np.where(mask, np.abs(weights), 0.0).sum(axis=1, dtype=float) / largest,
        conductances=np.zeros(len(weights)),
    )


def reference_loads(weights: np.ndarray, mask: np.ndarray, references: np.ndarray) -> Loads:
    """Return the loads of single devices that will hold `weights` (N, N) where `mask` (N, N) is true.

    A weight of zero lies in the middle of the range, as in `crossbar.mapping`, and so do the devices of the reference
    columns that line i crosses, `references` (N,) of them: G = g_min + (g_max - g_min) (1 + w / max |w|) / 2. Row i is
    what line i drives.
    """
    largest = float(np.abs(weights).max()) or 1.0
    n_devices = mask.sum(axis=1) + references.astype(float)
    signed = np.where(mask, weights, 0.0).sum(axis=1, dtype=float) / largest
    return Loads(n_devices=n_devices, weights=(n_devices + signed) / 2, conductances=np.zeros(len(weights)))


def device_loads(plus: np.ndarray, minus: np.ndarray, mask: np.ndarray) -> Loads:
    """Return the loads of programmed devices, `plus` and `minus` (N, N) in siemens, where `mask` (N, N) is true.

    Row i is what line i drives, as in a chip.
    """
    idle = np.zeros(len(plus))
    return Loads(n_devices=idle, weights=idle, conductances=np.where(mask, plus + minus, 0.0).sum(axis=1, dtype=float))
