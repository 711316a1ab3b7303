"""A network settling in continuous time: how long it takes, what its lines deliver and its devices dissipate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossbar.hopfield.population import Population
from crossbar.hopfield.trajectory import Trajectory

SETTLED = 0.01  # settled: no neuron farther from its end than this share of the largest way that any neuron went
_TAIL = 0.9  # a trajectory that still moves after this share of its length has not settled


@dataclass(frozen=True, kw_only=True, slots=True)
class Siemens:
    """Conductances, or sums or integrals of them, of devices whose range only a technology sets.

    Their value is g_min `base` + (g_max - g_min) `weight` + `devices`: `base` counts devices that are not programmed
    yet, `weight` sums how far up in their range they are, from 0 to 1, `devices` is in siemens for those that are.
    """

    base: np.ndarray
    weight: np.ndarray
    devices: np.ndarray

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> Siemens:
        """Return `function` of all three."""
        return Siemens(base=function(self.base), weight=function(self.weight), devices=function(self.devices))

    def __add__(self, other: Siemens) -> Siemens:
        return Siemens(
            base=self.base + other.base, weight=self.weight + other.weight, devices=self.devices + other.devices
        )

    def __sub__(self, other: Siemens) -> Siemens:
        return self + other.map(np.negative)


@dataclass(frozen=True, kw_only=True, slots=True)
class Relaxation:
    r"""What settling costs, per image, in units that do not depend on the technology.

    With V the voltage of a line at rho = 1 and tau the time constant, lines deliver the charge V tau `drawn` and
    devices dissipate V^2 tau `dissipated`. A line of a linear neuron is at V s; below zero it takes up what it else
    would deliver, from the other supply: both count alike.

    Attributes
    ----------
    settle : ndarray (k,)
        Settle time in time constants.
    drawn : Siemens of ndarray (k,)
        Integral of sum_j |rho_j| sum_i G_ij over the devices i on line j. In the half layout, where current flows from
        line to line, that is an upper bound of what all lines deliver: of a current that one line takes up from
        another none is saved.
    dissipated : Siemens of ndarray (k,)
        Integral of sum G u^2, u the voltage across a device: rho_j on its way to a virtual ground; in the half layout
        rho_i - rho_j across G+ and rho_i + rho_j across G-.
    n_unsettled : int
        Trajectories that were still moving at their end; their settle time is a lower bound.
    """

    settle: np.ndarray
    drawn: Siemens
    dissipated: Siemens
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


def line_integrals(trajectory: Trajectory, until: np.ndarray, neurons: Population, power: int) -> np.ndarray:
    """Return the integral of |rho(s_j)|^power from 0 to `until` (batch,) for every line, (batch, n_neurons)."""
    return _integral(np.abs(_signals(trajectory, neurons)) ** power, trajectory.times, until)


def product_integrals(
    trajectory: Trajectory, until: np.ndarray, neurons: Population, matrix: np.ndarray
) -> np.ndarray:
    """Return the integral of rho^T `matrix` rho from 0 to `until` (batch,), (batch,)."""
    kept = trajectory.times <= until.max()
    signals = _signals(trajectory, neurons)[kept]
    return _integral(((signals @ matrix) * signals).sum(axis=2), trajectory.times[kept], until)


def _signals(trajectory: Trajectory, neurons: Population) -> np.ndarray:
    signals = trajectory.states.astype(float)
    if neurons.mismatch is not None:
        signals = neurons.mismatch.inner(signals)
    for law, run in neurons.runs:
        if not law.follows:
            signals[:, :, run] = 1 / (1 + np.exp(-law.gain * signals[:, :, run]))
    return signals


def _integral(values: np.ndarray, times: np.ndarray, until: np.ndarray) -> np.ndarray:
    """Return the integral of `values` (n_times, batch, ...) from 0 to `until` (batch,), trapezoidal."""
    shape = (len(times), len(until)) + (1,) * (values.ndim - 2)
    within = (times[:, None] <= until[None, :]).reshape(shape)
    steps = np.diff(times).reshape(-1, *(1,) * (values.ndim - 1)) * within[1:]
    return ((values[1:] + values[:-1]) / 2 * steps).sum(axis=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Loads:
    """What hangs on the lines of a network.

    Attributes
    ----------
    lines : Siemens of ndarray (n_neurons,)
        The devices on every line; in the half layout a device of a weight is on two.
    total : Siemens
        Sum over all devices, each counted once.
    between : Siemens of ndarray (n_neurons, n_neurons), or None
        In the half layout, G+ - G- (or G, with references) of the device between two lines, symmetric.
    n_devices : int
        Devices that conduct, each counted once.
    """

    lines: Siemens
    total: Siemens
    n_devices: int
    between: Siemens | None = None


def relaxation_of(
    trajectory: Trajectory,
    neurons: Population,
    loads: Loads,
    gains: np.ndarray | None = None,
    length: float | None = None,
) -> Relaxation:
    """Return what `trajectory` of `neurons` costs on lines with `loads`, until it settles or for a given `length`.

    Lines are driven at `gains` (N,) times the signals, if given.
    """
    settle, settled = settle_times(trajectory)
    if length is not None:
        settle, settled = np.full(len(settle), length), np.ones(len(settle), bool)
    at: np.ndarray = np.ones(1) if gains is None else gains
    signals, squares = (at**power * line_integrals(trajectory, settle, neurons, power) for power in (1, 2))
    dissipated = loads.lines.map(lambda line: squares @ line)
    if loads.between is not None:
        dissipated = dissipated - loads.between.map(
            lambda matrix: (
                product_integrals(trajectory, settle, neurons, at[:, None] * matrix * at)
                if np.any(matrix)
                else np.zeros(1)
            )
        )
    return Relaxation(
        settle=settle,
        drawn=loads.lines.map(lambda line: signals @ line),
        dissipated=dissipated,
        n_unsettled=int((~settled).sum()),
    )


def assumed_relaxation(loads: Loads) -> Relaxation:
    """Return what one time constant costs where no trajectory is known: signals spread evenly over 0 to 1, unrelated.

    The mean of rho is then 1/2, that of rho^2 1/3, that of rho_i rho_j 1/4.
    """
    dissipated = loads.lines.map(lambda line: np.array([line.sum() / 3]))
    if loads.between is not None:
        dissipated = dissipated - loads.between.map(lambda matrix: np.array([matrix.sum() / 4]))
    return Relaxation(
        settle=np.ones(1), drawn=loads.lines.map(lambda line: np.array([line.sum() / 2])), dissipated=dissipated
    )


def pair_loads(weights: np.ndarray, mask: np.ndarray, layout: str) -> Loads:
    """Return the loads of pairs of devices that will hold `weights` (N, N) where `mask` (N, N) is true.

    G+ + G- = 2 g_min + (g_max - g_min) |w| / max |w|; row i is what line i drives, as in a chip.
    """
    scaled = weights / (float(np.abs(weights).max()) or 1.0)
    return _loads(
        Siemens(base=np.broadcast_to(2.0, mask.shape), weight=np.abs(scaled), devices=_nothing(mask)),
        Siemens(base=_nothing(mask), weight=scaled, devices=_nothing(mask)),
        mask, 2, layout,
    )  # fmt: skip


def reference_loads(weights: np.ndarray, mask: np.ndarray, references: np.ndarray, layout: str) -> Loads:
    """Return the loads of single devices that will hold `weights` (N, N) where `mask` (N, N) is true.

    A weight of zero lies in the middle of the range, as in `crossbar.devices.mapping`, and so do the devices of the
    reference columns that line i crosses, `references` (N,) of them: G = g_min + (g_max - g_min) (1 + w / max |w|) / 2.
    Row i is what line i drives. In the half layout each line crosses its references too, as it does in the full one.
    """
    scaled = weights / (float(np.abs(weights).max()) or 1.0)
    single = Siemens(base=np.broadcast_to(1.0, mask.shape), weight=(1 + scaled) / 2, devices=_nothing(mask))
    loads = _loads(single, single, mask, 1, layout)
    count = int(references.sum())
    return Loads(
        lines=loads.lines + Siemens(base=references, weight=references / 2, devices=0.0 * references),
        total=loads.total + Siemens(base=np.asarray(count), weight=np.asarray(count / 2), devices=np.zeros(())),
        n_devices=loads.n_devices + count,
        between=loads.between,
    )


def device_loads(plus: np.ndarray, minus: np.ndarray, mask: np.ndarray, layout: str) -> Loads:
    """Return the loads of programmed devices, `plus` and `minus` (N, N) in siemens, where `mask` (N, N) is true.

    Row i is what line i drives, as in a chip. The half layout has one device for both directions: of two that differ,
    their mean.
    """
    nothing = _nothing(mask)
    return _loads(
        Siemens(base=nothing, weight=nothing, devices=plus + minus),
        Siemens(base=nothing, weight=nothing, devices=plus - minus),
        mask, 2, layout,
    )  # fmt: skip


def _nothing(mask: np.ndarray) -> np.ndarray:
    return np.broadcast_to(0.0, mask.shape)


def _loads(summed: Siemens, signed: Siemens, mask: np.ndarray, per_weight: int, layout: str) -> Loads:
    """Return the loads of devices [source, target] where `mask` is true, `per_weight` of them for a weight."""
    if layout == "half":
        both = mask | mask.T  # a device has two ends, each on a line
        ends = summed.map(lambda matrix: np.where(both, (matrix + matrix.T) / 2, 0.0).sum(axis=1, dtype=float))
        between = signed.map(lambda matrix: np.where(both, (matrix + matrix.T) / 2, 0.0) if np.any(matrix) else matrix)
        total = ends.map(lambda line: line.sum() / 2)
        return Loads(lines=ends, total=total, between=between, n_devices=per_weight * int(both.sum()) // 2)
    lines = summed.map(lambda matrix: np.where(mask, matrix, 0.0).sum(axis=1, dtype=float))
    return Loads(lines=lines, total=lines.map(np.sum), n_devices=per_weight * int(mask.sum()))
