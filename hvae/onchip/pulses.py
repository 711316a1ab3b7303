"""Whole numbers of pulses to the weights of an array, as digital learning rules count them."""

from __future__ import annotations

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.float_cells import FloatCells
from crossbar.arrays.pulsed_cells import PulsedCells
from crossbar.devices.endurance import spend
from crossbar.numerics.symmetry import add_transpose
from crossbar.pulses.encodings import apply_split, split
from crossbar.pulses.engines import PulseReport, apply_pulses, mirror_weights

ZERO_SHIFT_PAIRS = 400  # alternating pulse pairs that bring a device to its symmetry point


def wanted_change(array: CrossbarArray, response: np.ndarray, mean: np.ndarray, rate: float) -> np.ndarray:
    """Return rate sum_b (R S^T + S R^T) (N, N) on the pairs that have devices, as a digital unit would sum it."""
    full = response.T @ mean
    add_transpose(full)
    full *= full.dtype.type(rate)
    if array.cells[0].region.shape == full.shape:  # one square of all neurons
        return full
    wanted = np.zeros_like(full)
    for cells in array.cells:
        rows, columns = cells.region.rows, cells.region.columns
        wanted[rows, columns] = full[rows, columns]
        if cells.region.shared:
            wanted[columns, rows] = full[columns, rows]
    return wanted


def weight_step(array: CrossbarArray) -> float | np.ndarray:
    """Return what one pulse to each moving device of a weight changes at zero; on floats 2^-20 of the weight limit.

    One number, or where lines have gains one for every weight (N, N).
    """
    step = _device_step(array)
    if array.gains is None:
        return step
    return array.to_weights(np.full((array.network.size,) * 2, step, array.config.kind))


def _device_step(array: CrossbarArray) -> float:
    """Return the same of what the devices hold."""
    cells = array.cells[0]
    if isinstance(cells, PulsedCells):
        return cells.scale * cells.states[0].law.granularity * cells.movers
    return array.mapping.weight_limit * 2.0**-20


def give_pulses(array: CrossbarArray, pulses: np.ndarray, rng: np.random.Generator) -> PulseReport:
    """Give every weight (N, N) a whole number of `pulses`, down where negative; each device of a pair its own sign."""
    report = PulseReport(up=0, down=0, engine="counts")
    array.counted()
    conductance = array.mean_conductance()
    for cells in array.cells:
        own = pulses[cells.region.rows, cells.region.columns]
        if cells.region.square:
            own = np.triu(own, 1) if cells.region.shared else own
        if isinstance(cells, FloatCells):
            _move(array, cells, own)
        else:
            assert isinstance(cells, PulsedCells)
            ups, downs = split(own)
            with cells.changing(array.time):
                both = zip(cells.states, cells.faults, ((ups, downs), (downs, ups)), strict=False)
                for state, fault, (up, down) in both:
                    taken = spend(fault.life, up, np.zeros_like(down) if state.law.one_sided else down)
                    report = report + apply_split(state, *taken, rng)
                    if cells.region.square and cells.region.shared:
                        mirror_weights(state)
    array.add_pulses(report.up, report.down, conductance)
    array.counters.updates += 1
    array.changed()
    return report


def shift_to_symmetry(array: CrossbarArray, rng: np.random.Generator, pairs: int = ZERO_SHIFT_PAIRS) -> None:
    """Bring every device to where up- and down-pulses cancel, by alternating them.

    Their energy is counted at the mean conductance of the symmetry point, which few of the pulses suffice to reach.
    """
    report = PulseReport(up=0, down=0, engine="counts")
    for cells in array.cells:
        if not isinstance(cells, PulsedCells):
            continue
        with cells.changing(array.time):
            for state in cells.states:
                one = np.ones(state.shape, np.int32)
                if cells.region.square and cells.region.shared:
                    one = np.triu(one, 1)
                for _ in range(pairs):
                    report = report + apply_pulses(state, one, one, rng)
                if cells.region.square and cells.region.shared:
                    mirror_weights(state)
    array.changed()
    array.add_pulses(report.up, report.down, array.mean_conductance())


def _move(array: CrossbarArray, cells: FloatCells, pulses: np.ndarray) -> None:
    step = pulses * _device_step(array)
    whole = step + step.T if cells.region.square and cells.region.shared else step
    with cells.changing(array.time):
        cells.add(whole.astype(cells.values.dtype))
