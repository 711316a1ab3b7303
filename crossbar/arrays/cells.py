"""Rectangles of devices that hold a part of the weight matrix: what is stored, what is there, how it is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from collections.abc import Mapping as Named
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from crossbar.arrays.regions import Region
from crossbar.devices.law import DeviceState
from crossbar.devices.mapping import Mapping
from crossbar.devices.nonidealities import Faults, Seconds
from crossbar.devices.write_errors import WriteError
from crossbar.numerics.mirror import mirror_upper
from crossbar.pulses.encodings import Encoding, Signals
from crossbar.pulses.engines import PulseReport, mirror_weights


@dataclass(slots=True, kw_only=True)
class Cells(ABC):
    """The devices of one region.

    Attributes
    ----------
    region : Region
    mapping : Mapping
    faults : tuple of Faults
        One a plane.
    shift : ndarray (n_rows, n_cols) or None
        What each device's own reference stands for, weight units, where it differs from the origin of the mapping.
    written : tuple of ndarray (n_rows, n_cols)
        When the devices of each plane were last written, s on the array's clock; empty where they do not age.
    """

    region: Region
    mapping: Mapping
    faults: tuple[Faults, ...]
    shift: np.ndarray | None = None
    written: tuple[np.ndarray, ...] = ()

    def __post_init__(self) -> None:
        if any(fault.drift is not None for fault in self.faults):
            self.written = tuple(np.zeros(self.region.shape) for _ in self.faults)

    @abstractmethod
    def stored(self) -> tuple[np.ndarray, ...]:
        """Return the planes (n_rows, n_cols) as they were written, weight units."""

    @abstractmethod
    def write(self, weights: np.ndarray, error: WriteError | None, rng: np.random.Generator) -> None:
        """Set the devices to `weights` in one go, missing them by `error`."""

    @abstractmethod
    def update(
        self, signals: Signals, encoding: Encoding, *, rate: float, engine: str, rng: np.random.Generator
    ) -> PulseReport:
        """Add `rate` times the contrast to the weights."""

    @abstractmethod
    def _stand(self) -> tuple[np.ndarray, ...]:
        """Return copies of what the devices hold."""

    @abstractmethod
    def _age(self, ages: tuple[Seconds, ...]) -> None:
        """Let the devices hold what they have become after `ages`, a number or an array a plane."""

    @abstractmethod
    def _give_back(self, before: tuple[np.ndarray, ...], met: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        """Let devices that still hold what they had in `met` hold what they had in `before`; return all others."""

    @abstractmethod
    def _state(self) -> dict[str, np.ndarray]:
        """Return what changes with time."""

    def ages(self, time: float) -> tuple[Seconds, ...]:
        """Return how long before `time` the devices of each plane were written, s."""
        if not self.written:
            return (0.0,) * len(self.faults)
        return tuple(np.maximum(time - written, 0) for written in self.written)

    @contextmanager
    def changing(self, time: float) -> Iterator[None]:
        """Let pulses and changes meanwhile act on the devices as they are at `time`; those that change are then new.

        The others go on ageing from when they were written.
        """
        ages = self.ages(time)
        if not any(np.any(age > 0) for age in ages):
            yield
            return
        before = self._stand()
        self._age(ages)
        met = self._stand()
        yield
        for written, changed in zip(self.written, self._give_back(before, met), strict=True):
            written[changed] = time

    def restart(self) -> None:
        """Set the clock of all devices to zero: they were all written."""
        for written in self.written:
            written[...] = 0

    def planes(self, time: float) -> tuple[np.ndarray, ...]:
        """Return the planes (n_rows, n_cols) as they are at `time` on the array's clock (s), weight units."""
        stored = zip(self.faults, self.stored(), self.ages(time), strict=True)
        return tuple(fault.realise(plane, self.mapping, age) for fault, plane, age in stored)

    def weights(self, time: float) -> np.ndarray:
        """Return the weights (n_rows, n_cols) at `time` (s); zero on the diagonal of a square."""
        weights = self.mapping.join(self.planes(time))
        if self.shift is not None:
            weights = weights - self.shift
        if self.region.square:
            np.fill_diagonal(weights, 0)
        return weights

    def conductances(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Return G+ and G- (S), zero where no device is; G- of a reference column is its one value."""
        planes = [self.mapping.siemens(plane) for plane in self.planes(time)]
        if len(planes) == 1:
            planes.append(self.reference())
        if self.region.square:
            for plane in planes:
                np.fill_diagonal(plane, 0)
        return planes[0], planes[1]

    def targets(self, weights: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the planes that stand for `weights` (n_rows, n_cols), kept within the range."""
        if self.shift is not None:
            weights = weights + self.shift
        return tuple(self.mapping.clip(plane) for plane in self.mapping.split(weights))

    def reference(self) -> np.ndarray:
        """Return the conductances (n_rows, n_cols), S, that single devices are compared with."""
        if self.shift is None:
            return np.full(self.region.shape, self.mapping.origin)
        return self.mapping.siemens(self.shift)

    def line_conductances(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the conductance of all devices on each row and on each column (S), reference columns left out."""
        rows, columns = (np.zeros(size) for size in self.region.shape)
        for plane in self.planes(time):
            rows += plane.sum(1, dtype=np.float64)
            columns += plane.sum(0, dtype=np.float64)
            if self.region.square:
                rows -= plane.diagonal()
                columns -= plane.diagonal()
        devices = [size - int(self.region.square) for size in self.region.shape]
        base, scale = self.mapping.origin * self.mapping.n_planes, self.mapping.siemens_per_weight
        return devices[1] * base + scale * rows, devices[0] * base + scale * columns

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all that must be stored to have these devices again."""
        arrays = self._state()
        if self.shift is not None:
            arrays["shift"] = self.shift
        arrays.update({f"written{k}": written for k, written in enumerate(self.written)})
        for k, fault in enumerate(self.faults):
            arrays.update({f"fault{k}/{name}": array for name, array in fault.arrays().items()})
        return arrays

    def restore(self, arrays: Named[str, np.ndarray]) -> None:
        """Take the devices from what `arrays` once returned."""
        if self.shift is not None:
            self.shift = np.array(arrays["shift"])
        self.written = tuple(np.array(arrays[f"written{k}"]) for k in range(len(self.written)))
        prefixes = [f"fault{k}/" for k in range(len(self.faults))]
        drawn = [{name.removeprefix(p): a for name, a in arrays.items() if name.startswith(p)} for p in prefixes]
        self.faults = tuple(fault.restore(own) for fault, own in zip(self.faults, drawn, strict=True))

    def _missed(self, plane: np.ndarray, error: WriteError | None, rng: np.random.Generator) -> np.ndarray:
        if error is None:
            return plane
        mapping = self.mapping
        written = error.write(mapping.siemens(plane), mapping.g_max, rng)
        missed = ((written - mapping.origin) / mapping.siemens_per_weight).astype(plane.dtype)
        if self.region.square and self.region.shared:
            mirror_upper(missed)
        return missed


@dataclass(slots=True, kw_only=True)
class FloatCells(Cells):
    """Weights held as floats, which take any change exactly.

    Attributes
    ----------
    values : ndarray (n_rows, n_cols)
    offset : tuple of ndarray
        What writing missed each plane by; empty where nothing did.
    bounded : bool
        Whether weights are clipped to what the range of the mapping holds.
    """

    values: np.ndarray
    offset: tuple[np.ndarray, ...] = ()
    bounded: bool = False

    def stored(self) -> tuple[np.ndarray, ...]:
        """Return the planes."""
        planes = self.mapping.split(self.values)
        if self.offset:
            pairs = zip(planes, self.offset, strict=True)
            planes = tuple(np.maximum(plane + missed, plane.dtype.type(self.mapping.floor)) for plane, missed in pairs)
        return planes

    def weights(self, time: float) -> np.ndarray:
        """Return the weights, bit for bit those that are stored where nothing is wrong with the devices."""
        if not self.offset and all(fault.none for fault in self.faults):
            return self.values.copy()
        return Cells.weights(self, time)

    def write(self, weights: np.ndarray, error: WriteError | None, rng: np.random.Generator) -> None:
        """Set the weights."""
        self.values[...] = weights
        self._clip()
        self.offset = ()
        if error is not None:
            planes = self.mapping.split(self.values)
            self.offset = tuple(self._missed(plane, error, rng) - plane for plane in planes)

    def update(
        self, signals: Signals, encoding: Encoding, *, rate: float, engine: str, rng: np.random.Generator
    ) -> PulseReport:
        """Add `rate` times the contrast, exactly; there are no pulses."""
        del encoding, engine, rng
        first, second = (np.concatenate(pair) for pair in signals.passes)
        step = first.T @ second
        step *= step.dtype.type(rate)
        if self.region.square:
            np.fill_diagonal(step, 0)
            mirror_upper(step)
        self.add(step)
        return PulseReport(up=0, down=0, engine="float")

    def add(self, step: np.ndarray) -> None:
        """Add `step` (n_rows, n_cols) to the weights; what writing once missed stays."""
        self.values += step
        self._clip()

    def _stand(self) -> tuple[np.ndarray, ...]:
        return (self.values.copy(), *self.offset)

    def _age(self, ages: tuple[Seconds, ...]) -> None:
        stored = zip(self.faults, self.stored(), ages, strict=True)
        planes = tuple(fault.aged(plane, self.mapping, age) for fault, plane, age in stored)
        self.values[...] = self.mapping.join(planes)
        if self.region.square:
            np.fill_diagonal(self.values, 0)
        self.offset = tuple(plane - own for plane, own in zip(planes, self.mapping.split(self.values), strict=True))

    def _give_back(self, before: tuple[np.ndarray, ...], met: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        kept = self.values == met[0]
        np.copyto(self.values, before[0], where=kept)
        for k, missed in enumerate(self.offset):
            np.copyto(missed, before[k + 1] if len(before) > 1 else 0, where=kept)
        return (~kept,) * len(self.faults)

    def _clip(self) -> None:
        if self.bounded:
            pair = self.mapping.kind == "pair"
            low = -self.mapping.weight_limit if pair else self.mapping.low
            np.clip(self.values, low, self.mapping.high - (self.mapping.low if pair else 0), out=self.values)

    def _state(self) -> dict[str, np.ndarray]:
        return {"values": self.values, **{f"offset{k}": array for k, array in enumerate(self.offset)}}

    def restore(self, arrays: Named[str, np.ndarray]) -> None:
        """Take the weights from what `arrays` once returned."""
        self.values[...] = arrays["values"]
        self.offset = tuple(np.array(arrays[f"offset{k}"]) for k in range(len(self.faults)) if f"offset{k}" in arrays)
        Cells.restore(self, arrays)


@dataclass(slots=True, kw_only=True)
class PulsedCells(Cells):
    """Devices that change by pulses, one or two a weight.

    Attributes
    ----------
    states : tuple of DeviceState
        One a plane.
    scale : float
        Weight that stands for one unit of the device's own law.
    held : float
        Share of the devices whose own lower bound, as drawn, lay below 0 S and is held there.
    """

    states: tuple[DeviceState, ...]
    scale: float
    held: float = 0.0

    @property
    def movers(self) -> int:
        """How many devices share a change of a weight: both of a pair, but one of two that move up only."""
        return 1 if self.states[0].law.one_sided else len(self.states)

    def stored(self) -> tuple[np.ndarray, ...]:
        """Return the planes."""
        return tuple(self.plane(state.visible) for state in self.states)

    def plane(self, own: np.ndarray) -> np.ndarray:
        """Return in weight units what devices hold in units of their `own` law; write noise takes none below 0 S."""
        plane = own * own.dtype.type(self.scale)
        return np.maximum(plane, plane.dtype.type(self.mapping.floor), out=plane)

    def write(self, weights: np.ndarray, error: WriteError | None, rng: np.random.Generator) -> None:
        """Set the devices, each within its own bounds, write noise included."""
        for state, plane in zip(self.states, self.targets(weights), strict=True):
            target = self._missed(plane, error, rng)
            state.program(target / target.dtype.type(self.scale), rng)
            if self.region.square and self.region.shared:
                mirror_weights(state)

    def update(
        self, signals: Signals, encoding: Encoding, *, rate: float, engine: str, rng: np.random.Generator
    ) -> PulseReport:
        """Add `rate` times the contrast by pulses; each device of a pair takes its share, with opposite signs."""
        report = None
        send_rate = rate / self.scale / self.movers
        for state, signed in zip(self.states, (signals.contrast(1), signals.contrast(-1)), strict=False):
            if self.region.square and self.region.shared:
                done = encoding.send_shared(state, signed, rate=send_rate, rng=rng, engine=engine)
            else:
                done = encoding.send(state, signed, rate=send_rate, rng=rng, engine=engine)
            report = done if report is None else report + done
        return report  # type: ignore[return-value]

    def _stand(self) -> tuple[np.ndarray, ...]:
        return tuple(own.copy() for state in self.states for own in (state.hidden, state.visible))

    def _age(self, ages: tuple[Seconds, ...]) -> None:
        for state, fault, age in zip(self.states, self.faults, ages, strict=True):
            for own in (state.hidden,) if state.visible is state.hidden else (state.hidden, state.visible):
                own[...] = fault.aged(self.plane(own), self.mapping, age) / self.scale
            np.clip(state.hidden, state.planes["w_min"], state.planes["w_max"], out=state.hidden)

    def _give_back(self, before: tuple[np.ndarray, ...], met: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        changed = tuple(state.hidden != hidden for state, hidden in zip(self.states, met[::2], strict=True))
        for k, (state, new) in enumerate(zip(self.states, changed, strict=True)):
            np.copyto(state.hidden, before[2 * k], where=~new)
            if state.visible is not state.hidden:
                np.copyto(state.visible, before[2 * k + 1], where=~new)
        return changed

    def _state(self) -> dict[str, np.ndarray]:
        return {f"device{k}/{name}": a for k, state in enumerate(self.states) for name, a in state.arrays().items()}

    def restore(self, arrays: Named[str, np.ndarray]) -> None:
        """Take the devices from what `arrays` once returned."""
        states = []
        for k, state in enumerate(self.states):
            prefix = f"device{k}/"
            own = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
            states.append(state.law.restore(own))
        self.states = tuple(states)
        Cells.restore(self, arrays)
