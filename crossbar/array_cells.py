"""Rectangles of devices that hold a part of the weight matrix: what is stored, what is there, how it is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping as Named
from dataclasses import dataclass

import numpy as np

from crossbar.array_regions import Region
from crossbar.array_write_errors import WriteError
from crossbar.contrast import Contrast, Encoding
from crossbar.devices import DeviceState
from crossbar.kernels.pulses import mirror_upper
from crossbar.mapping import Mapping
from crossbar.nonidealities import Faults
from crossbar.pulse_engines import PulseReport, mirror_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """The two factors of a contrast on the lines of a region, dW = rate sum_b (R_row S_col^T + S_row R_col^T).

    Attributes
    ----------
    response_rows, response_columns : ndarray (batch, n_rows), (batch, n_cols)
        R: what the nudge changed; zero on clamped lines.
    mean_rows, mean_columns : ndarray (batch, n_rows), (batch, n_cols)
        S: the mean of both phases.
    """

    response_rows: np.ndarray
    mean_rows: np.ndarray
    response_columns: np.ndarray
    mean_columns: np.ndarray

    @property
    def passes(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Rows (R, S) and columns (S, R) of the two rank-one passes."""
        return (self.response_rows, self.mean_rows), (self.mean_columns, self.response_columns)

    def contrast(self, sign: int) -> Contrast:
        """Return the signals of both phases, S +- R/2, with the phases exchanged where `sign` is -1."""
        rows, columns = self.response_rows * (sign / 2), self.response_columns * (sign / 2)
        return Contrast(
            rows=self.mean_rows + rows, columns=self.mean_columns + columns,
            rows_free=self.mean_rows - rows, columns_free=self.mean_columns - columns,
        )  # fmt: skip


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
    """

    region: Region
    mapping: Mapping
    faults: tuple[Faults, ...]
    shift: np.ndarray | None = None

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
    def restore(self, arrays: Named[str, np.ndarray]) -> None:
        """Take the devices from what `arrays` once returned."""

    @abstractmethod
    def _state(self) -> dict[str, np.ndarray]:
        """Return what changes with time."""

    def planes(self, time: float) -> tuple[np.ndarray, ...]:
        """Return the planes (n_rows, n_cols) as they are `time` seconds after they were written, weight units."""
        pairs = zip(self.faults, self.stored(), strict=True)
        return tuple(fault.realise(plane, self.mapping, time) for fault, plane in pairs)

    def weights(self, time: float) -> np.ndarray:
        """Return the weights (n_rows, n_cols) after `time` seconds; zero on the diagonal of a square."""
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
        for k, fault in enumerate(self.faults):
            arrays.update({f"fault{k}/{name}": array for name, array in fault.arrays().items()})
        return arrays

    def _restore_faults(self, arrays: Named[str, np.ndarray]) -> None:
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
            planes = tuple(plane + missed for plane, missed in zip(planes, self.offset, strict=True))
        return planes

    def weights(self, time: float) -> np.ndarray:
        """Return the weights; the stored array itself when nothing is wrong with the devices."""
        if not self.offset and all(fault.none for fault in self.faults):
            return self.values
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
        self.values += step
        self._clip()
        return PulseReport(up=0, down=0, engine="float")

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
        self._restore_faults(arrays)


@dataclass(slots=True, kw_only=True)
class PulsedCells(Cells):
    """Devices that change by pulses, one or two a weight.

    Attributes
    ----------
    states : tuple of DeviceState
        One a plane.
    scale : float
        Weight that stands for one unit of the device's own law.
    """

    states: tuple[DeviceState, ...]
    scale: float

    @property
    def movers(self) -> int:
        """How many devices share a change of a weight: both of a pair, but one of two that move up only."""
        return 1 if self.states[0].law.one_sided else len(self.states)

    def stored(self) -> tuple[np.ndarray, ...]:
        """Return the planes."""
        return tuple(state.visible * state.visible.dtype.type(self.scale) for state in self.states)

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
        if self.shift is not None:
            self.shift = np.array(arrays["shift"])
        self._restore_faults(arrays)
