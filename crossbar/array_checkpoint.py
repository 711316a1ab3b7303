"""The state of an array as plain arrays, so that a run goes on bit for bit."""

from __future__ import annotations

from collections.abc import Mapping as Named
from typing import TYPE_CHECKING

import numpy as np

from crossbar import wire_checkpoint
from crossbar.errors import InvalidValue

if TYPE_CHECKING:
    from crossbar.array import CrossbarArray

MEMORY = "memory/"


def gather(array: CrossbarArray) -> dict[str, np.ndarray]:
    """Return copies of all that changes in `array`, by name."""
    state = {f"cells{k}/{name}": plane for k, cells in enumerate(array.cells) for name, plane in cells.arrays().items()}
    state.update({f"frozen{k}": part for k, part in enumerate(array.frozen.parts)})
    state.update({MEMORY + place: memory for place, memory in array.reader.memory.items()})
    streams = [array.reader.key, array.reader.draws, array.frozen.key, array.frozen.draws]
    state["streams"] = np.array(streams, np.uint64)
    state["clock"] = np.array([array.steps, array.phase_start], np.int64)
    state["time"] = np.array(array.time)
    state["counters"] = array.counters.array()
    state["squares"] = array.meter.squares
    state.update(wire_checkpoint.gather(array.wires, array.cells))
    return {name: np.array(plane) for name, plane in state.items()}


def scatter(array: CrossbarArray, state: Named[str, np.ndarray]) -> None:
    """Put into `array` what `gather` returned.

    Raises
    ------
    InvalidValue
        Arrays that are missing or of another shape.
    """
    own = {name: plane.shape for name, plane in gather(array).items() if not name.startswith(MEMORY)}
    wrong = [name for name, shape in own.items() if name not in state or np.shape(state[name]) != shape]
    if wrong:
        raise InvalidValue(f"the state must be of the same network and configuration, but {wrong[0]!r} does not fit")
    for k, cells in enumerate(array.cells):
        prefix = f"cells{k}/"
        cells.restore({name.removeprefix(prefix): a for name, a in state.items() if name.startswith(prefix)})
    array.frozen.parts = [np.array(state[f"frozen{k}"]) for k in range(len(array.frozen.parts))]
    array.reader.memory = {n.removeprefix(MEMORY): np.array(a) for n, a in state.items() if n.startswith(MEMORY)}
    streams = [int(value) for value in state["streams"]]
    array.reader.key, array.reader.draws, array.frozen.key, array.frozen.draws = streams
    array.steps, array.phase_start = (int(value) for value in state["clock"])
    array.time = float(state["time"])
    array.counters.restore(state["counters"])
    array.meter.squares[:] = state["squares"]
    wire_checkpoint.scatter(array.wires, array.cells, state)
