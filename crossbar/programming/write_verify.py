"""The pulses of write-verify: devices read, pulsed and read again, each only until it is where it should be."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from crossbar.arrays.pulsed_cells import PulsedCells
from crossbar.devices.endurance import spend
from crossbar.devices.law import DeviceState, PulsedLaw
from crossbar.devices.nonidealities import Faults
from crossbar.errors import InvalidValue
from crossbar.numerics import checks
from crossbar.pulses.engines import MAX_COUNT, apply_pulses, mirror_weights

SLOWEST = 1e-3  # smallest step that a device is believed to take, in nominal steps
BUDGET, LEAST_BUDGET = 2, 500  # pulses of a device: as a multiple of those that take it across its range, and at least
CROWDED = 0.7  # share of a bench that still works, below which the others leave it


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteVerify:
    """When to go on pulsing, and when to give up.

    Attributes
    ----------
    tolerance : float
        Largest accepted miss of a device, as a fraction of its range g_max - g_min.
    max_pulses : int or None
        Pulse budget of a device; None: `BUDGET` of the pulses that take a device of its law across the range, and
        `LEAST_BUDGET` at least.
    verify_noise : float
        Standard deviation of one verifying read, as a fraction of the range.

    Raises
    ------
    InvalidValue
        A tolerance outside (0, 1), no pulses, negative noise.

    Examples
    --------
    >>> import crossbar as xb
    >>> xb.WriteVerify(tolerance=0.02).budget(xb.preset("ecram").law)
    2000
    """

    tolerance: float = 0.01
    max_pulses: int | None = None
    verify_noise: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise InvalidValue(f"`tolerance` is a fraction of the range, between 0 and 1, but got {self.tolerance}")
        checks.not_negative("verify_noise", self.verify_noise)
        if self.max_pulses is None:
            return
        if isinstance(self.max_pulses, bool) or not isinstance(self.max_pulses, int | np.integer):
            raise InvalidValue(f"`max_pulses` must be a whole number, but got {self.max_pulses!r}")
        if not 1 <= self.max_pulses <= MAX_COUNT:
            raise InvalidValue(f"`max_pulses` must lie between 1 and {MAX_COUNT}, but got {self.max_pulses}")

    def budget(self, law: PulsedLaw) -> int:
        """Return how many pulses a device of `law` may get."""
        if self.max_pulses is not None:
            return self.max_pulses
        across = math.ceil((law.w_max - law.w_min) / law.granularity)
        return min(max(LEAST_BUDGET, BUDGET * across), MAX_COUNT)


@dataclass(slots=True, kw_only=True)
class Effort:
    """What writing took.

    Attributes
    ----------
    up, down : int
        Pulses.
    siemens_up, siemens_down : float
        Sum over those pulses of the conductance they met (the mean of before and after), S.
    reads : int
        Devices read to verify them.
    """

    up: int = 0
    down: int = 0
    siemens_up: float = 0.0
    siemens_down: float = 0.0
    reads: int = 0


@dataclass(slots=True, kw_only=True)
class Bench:
    """The devices of one plane that are still worked on, in one row of n.

    Attributes
    ----------
    places : ndarray of int (n,)
        Where each device stands in the plane, flat.
    state : DeviceState of shape (1, n)
        Copies; `leave` writes them back.
    faults : Faults
    target, seen, step : ndarray (n,)
        Weight units: what each shall hold, what its last read showed, what one pulse was seen to move.
    left : ndarray of int (n,)
        Pulses that each may still get; 0 once it is done.
    """

    places: np.ndarray
    state: DeviceState
    faults: Faults
    target: np.ndarray
    seen: np.ndarray
    step: np.ndarray
    left: np.ndarray

    def leave(self, whole: DeviceState, life: np.ndarray | None, seen: np.ndarray, stay: np.ndarray) -> Bench:
        """Write all devices, their lives and last reads back to the plane; return the bench of those that `stay`."""
        whole.hidden.reshape(-1)[self.places] = self.state.hidden[0]
        if whole.visible is not whole.hidden:
            whole.visible.reshape(-1)[self.places] = self.state.visible[0]
        seen.reshape(-1)[self.places] = self.seen
        if life is not None:
            life.reshape(-1)[self.places] = self.faults.life
        kept = np.flatnonzero(stay)
        return Bench(
            places=self.places[kept], state=_taken(self.state, kept), faults=_taken_faults(self.faults, kept),
            target=self.target[kept], seen=self.seen[kept], step=self.step[kept], left=self.left[kept],
        )  # fmt: skip


def bring(
    cells: PulsedCells,
    plane: int,
    target: np.ndarray,
    where: np.ndarray,
    settings: WriteVerify,
    rng: np.random.Generator,
    time: float,
) -> tuple[np.ndarray, Effort]:
    """Write and verify the devices `where` (a mask) of one plane: half of the missing steps at a time.

    A device's step is learnt from what its own pulses were seen to move. Devices that have arrived, or have spent their
    budget, are not read or pulsed again.

    Parameters
    ----------
    target : ndarray (n_rows, n_cols)
        Weight units of the plane.
    time : float
        On the array's clock, s: devices are read and pulsed as they are then.

    Returns
    -------
    seen : ndarray (n_rows, n_cols)
        The last read of every device.
    effort : Effort
    """
    whole, span = cells.states[plane], cells.mapping.high - cells.mapping.low
    seen = _verified(cells.planes(time)[plane], settings.verify_noise * span, rng)
    misses = where & (np.abs(target - seen) > settings.tolerance * span)
    effort, life = Effort(reads=int(np.count_nonzero(where))), cells.faults[plane].life
    with cells.changing(time):
        bench = _bench(cells, plane, np.flatnonzero(misses), target, seen, settings.budget(whole.law))
        while bench.left.any():
            _round(bench, cells, settings, effort, rng)
            working = bench.left > 0
            if np.count_nonzero(working) < CROWDED * working.size:
                bench = bench.leave(whole, life, seen, working)
        bench.leave(whole, life, seen, bench.left > 0)
        if cells.region.square and cells.region.shared:
            mirror_weights(whole)
    return seen, effort


def _round(bench: Bench, cells: PulsedCells, settings: WriteVerify, effort: Effort, rng: np.random.Generator) -> None:
    """Pulse the devices of `bench` that are not done, half of the missing steps, read them and learn their steps."""
    mapping = cells.mapping
    span, slowest = mapping.high - mapping.low, SLOWEST * cells.scale * bench.state.law.granularity
    error, before = bench.target - bench.seen, bench.seen
    count = np.minimum(np.maximum(np.abs(error) / (2 * bench.step), 1), bench.left).astype(np.int32)
    ups, downs = spend(bench.faults.life, np.where(error > 0, count, 0), np.where(error < 0, count, 0))
    count = ups + downs
    apply_pulses(bench.state, ups[None], downs[None], rng)
    visible = cells.plane(bench.state.visible[0])
    now = _verified(bench.faults.realise(visible, mapping, 0.0), settings.verify_noise * span, rng)
    bench.seen = np.where(count > 0, now, before)
    _count(effort, count, error > 0, mapping.siemens((before + bench.seen) / 2))
    moved = np.abs(bench.seen - before) / np.maximum(count, 1)
    bench.step = np.where(count > 0, np.maximum((bench.step + moved) / 2, slowest), bench.step)
    missing = np.abs(bench.target - bench.seen) > settings.tolerance * span
    bench.left = np.where(missing & (count > 0), bench.left - count, 0)  # one that took no pulse takes no other


def _bench(
    cells: PulsedCells, plane: int, places: np.ndarray, target: np.ndarray, seen: np.ndarray, budget: int
) -> Bench:
    """Return the bench of the devices at `places`."""
    nominal = cells.scale * cells.states[plane].law.granularity
    whole, fault = cells.states[plane], cells.faults[plane]
    row = DeviceState(
        law=whole.law,
        stack=whole.stack.reshape(len(whole.stack), 1, -1),
        hidden=whole.hidden.reshape(1, -1),
        visible=(whole.hidden if whole.visible is whole.hidden else whole.visible).reshape(1, -1),
    )
    if whole.visible is whole.hidden:
        row.visible = row.hidden
    flat = fault.restore({name: array.reshape(-1) for name, array in fault.arrays().items()})
    return Bench(
        places=places, state=_taken(row, places), faults=_taken_faults(flat, places),
        target=target.reshape(-1)[places], seen=seen.reshape(-1)[places],
        step=np.full(len(places), nominal, target.dtype), left=np.full(len(places), budget, np.int32),
    )  # fmt: skip


def _taken(state: DeviceState, kept: np.ndarray) -> DeviceState:
    """Return copies of the devices `kept` of one row."""
    hidden = state.hidden[:, kept]
    visible = hidden if state.visible is state.hidden else state.visible[:, kept]
    return replace(state, stack=state.stack[:, :, kept], hidden=hidden, visible=visible)


def _taken_faults(faults: Faults, kept: np.ndarray) -> Faults:
    return faults.restore({name: array[kept] for name, array in faults.arrays().items()})


def _verified(plane: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Return what verifying reads of `plane` show; never the plane itself."""
    if noise == 0:
        return plane.copy()
    return plane + noise * rng.standard_normal(plane.shape, dtype=np.float32).astype(plane.dtype)


def _count(effort: Effort, count: np.ndarray, up: np.ndarray, conductance: np.ndarray) -> None:
    """Add one round of `count` pulses to `effort`."""
    pulsed, met = count.astype(np.int64), count * conductance
    effort.up += int(pulsed[up].sum())
    effort.down += int(pulsed[~up].sum())
    effort.siemens_up += float(met[up].sum())
    effort.siemens_down += float(met[~up].sum())
    effort.reads += int(np.count_nonzero(count))
