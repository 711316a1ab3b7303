"""The state of an array as plain arrays, so that a run goes on bit for bit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as Named
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from typing import Protocol

import numpy as np

from crossbar.arrays import wire_state
from crossbar.arrays.cells import Cells
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.construction import hardware
from crossbar.arrays.energy_meter import Counters, ReadMeter
from crossbar.arrays.read_noise import FrozenNoise
from crossbar.arrays.reads import Reader
from crossbar.arrays.resistive_tiles import WiredTiles
from crossbar.devices.mapping import Mapping
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Linear, Sigmoid

MEMORY = "memory/"
DESIGN = "design"


class Kept(Protocol):
    """What of an array makes its state: see `crossbar.arrays.array.CrossbarArray`."""

    network: Network
    config: ArrayConfig
    mapping: Mapping
    cells: tuple[Cells, ...]
    reader: Reader
    frozen: FrozenNoise
    wires: WiredTiles
    meter: ReadMeter
    counters: Counters
    gains: np.ndarray | None
    time: float
    steps: int
    phase_start: int

    def rescale(self, siemens_per_weight: float) -> None:
        """Take this scale between weights and siemens."""
        ...


def fingerprint(array: Kept) -> np.ndarray:
    """Return the SHA-256 (32 bytes) of what `array` is: network, devices, and settings that are not the default.

    A preset counts by its law and range, not by its name.
    """
    device = hardware(array.config)
    plain = replace(array.config, device=None, mapping=None, reference=None)
    layout = (device.mapping, device.reference, device.reference_error)
    parts = (_wiring(array.network), device.law, device.g_min, device.g_max, device.pulses, layout, plain)
    return np.frombuffer(hashlib.sha256(written(parts).encode()).digest(), np.uint8)


def _wiring(network: Network) -> Network:
    """Return `network` without what neurons do, but for linear blocks, which have no devices within."""
    return replace(network, neurons=tuple(Linear() if law.follows else Sigmoid() for law in network.laws))


def written(value: object) -> str:
    """Return `value` as text that is the same in every process; of dataclasses, fields that differ from the default."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = (field for field in fields(value) if field.init)
        pairs = [(field, getattr(value, field.name)) for field in kept]
        told = [f"{field.name}={written(own)}" for field, own in pairs if not _is_default(field, own)]
        return f"{type(value).__qualname__}({', '.join(told)})"
    if isinstance(value, tuple):
        return f"({', '.join(written(one) for one in value)})"
    return str(getattr(value, "__qualname__", repr(value)))


def _is_default(field: Field, value: object) -> bool:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return type(default) is type(value) and default == value


def gather(array: Kept) -> dict[str, np.ndarray]:
    """Return copies of all that changes in `array`, by name."""
    state = {f"cells{k}/{name}": plane for k, cells in enumerate(array.cells) for name, plane in cells.arrays().items()}
    state.update({f"frozen{k}": part for k, part in enumerate(array.frozen.parts)})
    state.update({MEMORY + place: memory for place, memory in array.reader.memory.items()})
    streams = [array.reader.key, array.reader.draws, array.frozen.key, array.frozen.draws]
    state[DESIGN] = fingerprint(array)
    state["streams"] = np.array(streams, np.uint64)
    state["clock"] = np.array([array.steps, array.phase_start], np.int64)
    state["time"] = np.array(array.time)
    state["scale"] = np.array(array.mapping.siemens_per_weight)
    state["counters"] = array.counters.array()
    state["squares"] = array.meter.squares
    if array.gains is not None:
        state["gains"] = array.gains
    state.update(wire_state.gather(array.wires, array.cells))
    return {name: np.array(plane) for name, plane in state.items()}


def scatter(array: Kept, state: Named[str, np.ndarray]) -> None:
    """Put into `array` what `gather` returned.

    Raises
    ------
    InvalidValue
        Arrays that are missing or of another shape.
    """
    if DESIGN not in state or not np.array_equal(state[DESIGN], fingerprint(array)):
        raise InvalidValue(
            "the state must be of the same network and configuration, but it does not fit: it is of other devices or "
            "settings, or of an older version; start anew, or load it with the configuration that made it"
        )
    varying = (MEMORY, "/offset")
    own = {name: a.shape for name, a in gather(array).items() if not any(part in name for part in varying)}
    wrong = [name for name, shape in own.items() if name not in state or np.shape(state[name]) != shape]
    if wrong:
        raise InvalidValue(f"the state must be of the same network and configuration, but {wrong[0]!r} does not fit")
    array.rescale(float(state["scale"]))
    if array.gains is not None:
        array.gains = np.array(state["gains"])
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
    wire_state.scatter(array.wires, array.cells, state)
