"""Target weights on real devices: write-verify of whole arrays and chips, and where it failed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.cells import Cells
from crossbar.arrays.checks import check_weights
from crossbar.arrays.construction import hardware
from crossbar.arrays.pulsed_cells import PulsedCells
from crossbar.errors import InvalidValue
from crossbar.programming.write_verify import Effort, WriteVerify, bring

__all__ = ["ProgrammingReport", "WriteVerify", "refresh", "refresh_due", "write_verify"]

PAIR = 2  # planes of a differential pair


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgrammingReport:
    """How the programming of an array went.

    Attributes
    ----------
    devices, failed : int
        Devices, and those that missed their target by more than the tolerance. The second device of a pair is asked to
        make up for what the first one missed; its target is that.
    weight_limit : float
        The weight that fills the range.
    out_of_range : int
        Weights beyond what the range holds; their targets are its ends.
    rms_error, worst_error : float
        Miss of a device from its target, as a fraction of the range.
    weight_error : float
        |W - W_target| / |W_target| (Frobenius), W as reads see it: through wires, if there are any.
    clipping_error : float
        The part of it that weights beyond the range cause, whatever the devices do.
    pulses_up, pulses_down, verify_steps : int
        Pulses given and devices read.
    energy : float
        J in the devices, by pulses.
    held_at_zero : float
        Share of the devices whose own lower bound would lie below 0 S; they stop there.
    """

    devices: int
    failed: int
    weight_limit: float
    out_of_range: int
    rms_error: float
    worst_error: float
    weight_error: float
    clipping_error: float
    pulses_up: int
    pulses_down: int
    verify_steps: int
    energy: float
    held_at_zero: float = 0.0

    @property
    def failed_fraction(self) -> float:
        """Share of the devices that failed."""
        return self.failed / self.devices if self.devices else 0.0

    def as_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return {**asdict(self), "failed_fraction": self.failed_fraction}


def write_verify(
    array: CrossbarArray, weights: np.ndarray, settings: WriteVerify, rng: np.random.Generator
) -> ProgrammingReport:
    """Pulse the devices of `array` from where they stand until they read `weights` (N, N), or their budget is spent.

    They are read as they are now, aged if the array has: its clock stands still, and devices that are pulsed are new.
    Of a pair the plus device is written first; the minus device then makes up for its miss, and where it cannot be
    written itself, the plus device for that. Reads include the devices' faults, so a stuck device spends its budget and
    is reported. An array of floats is written in one go, with the
    configured programming error and no pulses.

    Raises
    ------
    InvalidValue
        Weights that do not belong to the array.
    """
    check_weights(array.network, weights, array.config)
    before = replace(array.counted())
    if not all(isinstance(cells, PulsedCells) for cells in array.cells):
        array.write(weights, rng)
    misses, held = [], array.to_devices(weights)
    for cells in array.cells:
        targets = cells.targets(held[cells.region.rows, cells.region.columns].astype(array.config.kind))
        where = _devices(cells)
        if isinstance(cells, PulsedCells):
            targets = _write(array, cells, targets, where, settings, rng)
        misses.append(_misses(cells, targets, where, array.time))
    array.changed()
    return _report(array, weights, np.concatenate(misses), settings, before)


def refresh(
    array: CrossbarArray,
    settings: WriteVerify,
    rng: np.random.Generator,
    *,
    above: float = 0.5,
    other: float | None = None,
) -> ProgrammingReport:
    """Bring pairs whose devices have both drifted up back to the bottom of the range, their weights kept.

    Training by pulses moves what two devices have in common too, and a pair near its upper bounds learns no more. Pairs
    whose larger device reads more than the share `above` of the range, and whose smaller one more than `other` (None:
    `above` too), are written anew, by write-verify, to the pair of conductances that a fresh array would hold for the
    same weight; all others are left alone. (Of one-sided devices
    that is G- = g_min or G+ = g_min, the usual refresh of phase-change pairs.)

    The weight is the one that the two devices hold now, aged if they have, whatever wires make of it. The array's clock
    stands still, and the devices that are pulsed are new. `weight_error` of the report is how far the weights that
    reads see have moved.

    Raises
    ------
    InvalidValue
        An array without pulsed pairs; `above` outside (0, 1).
    """
    if array.mapping.kind != "pair" or not all(isinstance(cells, PulsedCells) for cells in array.cells):
        raise InvalidValue("only pairs of pulsed devices are refreshed; use mapping='pair' and a `device`")
    other = above if other is None else other
    for name, share in (("above", above), ("other", other)):
        if not 0 < share < 1:
            raise InvalidValue(f"`{name}` is a share of the range, between 0 and 1, but got {share}")
    read, before, misses = array.weights().copy(), replace(array.counted()), []
    for cells in array.cells:
        if isinstance(cells, PulsedCells):
            high = _risen(cells, above, other, array.time)
            held = cells.targets(cells.weights(array.time))
            targets = _write(array, cells, held, high, settings, rng)
            misses.append(_misses(cells, targets, high, array.time))
    array.changed()
    return _report(array, read, np.concatenate(misses), settings, before)


def refresh_due(array: CrossbarArray, rng: np.random.Generator) -> ProgrammingReport | None:
    """Refresh `array` where its configuration, or its preset, wants that after this update; return what came of it.

    Whoever teaches an array calls it after each update. Pairs that are due are found for free; those that are written
    cost their pulses and verifying reads. None where nothing is due.
    """
    due = hardware(array.config).refresh
    if due is None or not due.every or array.counters.updates % due.every:
        return None
    if not any(_risen(cells, due.above, due.other, array.time).any() for cells in array.cells):
        return None
    return refresh(array, WriteVerify(tolerance=due.tolerance), rng, above=due.above, other=due.other)


def _write(
    array: CrossbarArray,
    cells: PulsedCells,
    targets: tuple[np.ndarray, ...],
    where: np.ndarray,
    settings: WriteVerify,
    rng: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    """Bring the devices `where` of every plane to `targets`; return the targets they were finally given."""
    first, effort = bring(cells, 0, targets[0], where, settings, rng, array.time)
    _pay(array, effort)
    if len(targets) < PAIR:
        return targets
    second = cells.mapping.clip(targets[1] + first - targets[0])
    found, effort = bring(cells, 1, second, where, settings, rng, array.time)
    _pay(array, effort)
    span = cells.mapping.high - cells.mapping.low
    missed = where & (np.abs(found - second) > settings.tolerance * span)
    if not missed.any():
        return targets[0], second
    third = np.where(missed, cells.mapping.clip(targets[0] + found - targets[1]), targets[0])
    _, effort = bring(cells, 0, third, missed, settings, rng, array.time)
    _pay(array, effort)
    return third, second


def _pay(array: CrossbarArray, effort: Effort) -> None:
    """Add `effort` to the counters of `array`."""
    array.add_pulses(effort.up, 0, effort.siemens_up / max(effort.up, 1), effort.reads)
    array.add_pulses(0, effort.down, effort.siemens_down / max(effort.down, 1))


def _report(
    array: CrossbarArray, weights: np.ndarray, misses: np.ndarray, settings: WriteVerify, before: object
) -> ProgrammingReport:
    """Return what came of it, since the counters stood at `before`."""
    limit, norm = array.mapping.weight_limit, max(float(np.linalg.norm(weights)), np.finfo(float).tiny)
    over = np.maximum(np.abs(array.to_devices(weights)) - limit * (1 + 1e-6), 0)
    beyond = array.to_weights(over) if array.config.bounded else np.zeros(1)
    spent = {
        name: getattr(array.counters, name) - getattr(before, name)
        for name in ("pulses_up", "pulses_down", "verify_steps", "write_energy")
    }
    return ProgrammingReport(
        devices=misses.size,
        failed=int((misses > settings.tolerance).sum()),
        weight_limit=limit,
        out_of_range=int(np.count_nonzero(beyond)),
        rms_error=float(np.sqrt(np.mean(misses**2))) if misses.size else 0.0,
        worst_error=float(misses.max(initial=0)),
        weight_error=float(np.linalg.norm(array.weights() - weights)) / norm,
        clipping_error=float(np.linalg.norm(beyond)) / norm,
        energy=spent.pop("write_energy"),
        held_at_zero=_held(array),
        **spent,
    )


def _held(array: CrossbarArray) -> float:
    """Return the share of all devices that are held at 0 S."""
    places = [cells.region.places for cells in array.cells]
    shares = [cells.held if isinstance(cells, PulsedCells) else 0.0 for cells in array.cells]
    return float(np.average(shares, weights=places)) if sum(places) else 0.0


def _risen(cells: Cells, above: float, other: float, time: float) -> np.ndarray:
    """Return the pairs whose larger device is above a share of the range, and the smaller one above `other` of it."""
    low, span = cells.mapping.low, cells.mapping.high - cells.mapping.low
    plus, minus = cells.planes(time)
    larger, smaller = np.maximum(plus, minus) - low, np.minimum(plus, minus) - low
    return (larger > above * span) & (smaller > other * span) & _devices(cells)


def _devices(cells: Cells) -> np.ndarray:
    """Return where devices of their own are: all, off the diagonal of a square, above it where they are shared."""
    everywhere = np.ones(cells.region.shape, bool)
    if not cells.region.square:
        return everywhere
    return np.triu(everywhere, 1) if cells.region.shared else ~np.eye(len(everywhere), dtype=bool)


def _misses(cells: Cells, targets: tuple[np.ndarray, ...], where: np.ndarray, time: float) -> np.ndarray:
    """Return by how much each device of `cells` misses its target, as a fraction of the range."""
    span = cells.mapping.high - cells.mapping.low
    pairs = zip(cells.planes(time), targets, strict=True)
    return np.concatenate([np.abs(seen - target)[where] / span for seen, target in pairs])
