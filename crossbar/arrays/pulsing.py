"""Pulses of a known number on chosen devices of an array: seen by the next read, counted, and paid for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.pulsed_cells import PulsedCells
from crossbar.errors import InvalidValue
from crossbar.pulses.engines import PulseReport, apply_pulses, mirror_weights


def pulse(
    array: CrossbarArray, region: int, counts: Sequence[np.ndarray | int], rng: np.random.Generator
) -> PulseReport:
    """Give every device of one region its own number of pulses.

    Parameters
    ----------
    region : int
        Which of `array.cells`.
    counts : sequence of ndarray (n_rows, n_cols) of int, or int
        One entry a plane (G+, then G-): above zero so many pulses up, below zero down.
    rng : numpy Generator
        Draws the cycle-to-cycle noise.

    Returns
    -------
    PulseReport

    Raises
    ------
    InvalidValue
        Devices that take no pulses, more planes than there are, counts of another shape or that are not whole.
    """
    cells = array.cells[region]
    if not isinstance(cells, PulsedCells):
        raise InvalidValue("weights held as floats take no pulses; give the array a `device`")
    if len(counts) != len(cells.states):
        raise InvalidValue(f"`counts` must be given for {len(cells.states)} planes, but got {len(counts)}")
    signed = [_whole(one, cells.region.shape) for one in counts]
    array.counted()
    before = [plane.astype(np.float64) for plane in cells.planes(array.time)]
    report = PulseReport(up=0, down=0, engine="counts")
    with cells.changing(array.time):
        for state, own in zip(cells.states, signed, strict=True):
            report = report + apply_pulses(state, np.maximum(own, 0), np.maximum(-own, 0), rng)
            if cells.region.square and cells.region.shared:
                mirror_weights(state)
    met = [cells.mapping.siemens((old + new) / 2) for old, new in zip(before, cells.planes(array.time), strict=True)]
    for up in (True, False):
        given = [np.maximum(own if up else -own, 0) for own in signed]
        total = int(sum(one.sum() for one in given))
        if total:
            siemens = float(sum((one * conductance).sum() for one, conductance in zip(given, met, strict=True)) / total)
            array.add_pulses(total if up else 0, 0 if up else total, siemens)
    array.changed()
    return report


def _whole(counts: np.ndarray | int, shape: tuple[int, int]) -> np.ndarray:
    """Return `counts` as signed 64-bit integers of `shape`."""
    given = np.asarray(counts)
    if not np.issubdtype(given.dtype, np.integer):
        raise InvalidValue(f"counts of pulses must be whole numbers, but got {given.dtype}: {counts!r}")
    if given.shape not in ((), shape):
        raise InvalidValue(f"counts of pulses must be one number or {shape}, but got {given.shape}")
    if given.size and (given.max() > 2**31 - 1 or given.min() < 1 - 2**31):
        raise InvalidValue(f"counts of pulses must be below 2^31, but got {given.max()} and {given.min()}")
    return np.broadcast_to(given, shape).astype(np.int64)
