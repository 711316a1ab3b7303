"""Rectangles of devices that hold a part of the weight matrix: what is stored, what is there, how it is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Named
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from crossbar.arrays.read_noise import ReadNoise
from crossbar.arrays.regions import Region
from crossbar.devices.mapping import Mapping
from crossbar.devices.nonidealities import Faults, Seconds
from crossbar.devices.write_errors import WriteError
from crossbar.numerics.mirror import mirror_upper
from crossbar.pulses.encodings import Encoding, Signals
from crossbar.pulses.engines import PulseReport

Lines = tuple[np.ndarray, np.ndarray]  # conductance of all devices on each row and on each column, S


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What reads find of the devices of one region, made in one go.

    Attributes
    ----------
    weights : ndarray (n_rows, n_cols)
    variance : ndarray (n_rows, n_cols) or None
        Of the read noise, weight units squared; a reference column counts as noiseless. None where it was not asked.
    lines : Lines or None
        See `Cells.line_conductances`; None where it costs as much later.
    """

    weights: np.ndarray
    variance: np.ndarray | None = None
    lines: Lines | None = None


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

    def fresh(self) -> tuple[np.ndarray, ...]:
        """Return the planes (n_rows, n_cols) as they would be had all devices just been written, weight units."""
        stored = zip(self.faults, self.stored(), strict=True)
        return tuple(fault.realise(plane, self.mapping, 0.0) for fault, plane in stored)

    def weights(self, time: float) -> np.ndarray:
        """Return the weights (n_rows, n_cols) at `time` (s); zero on the diagonal of a square."""
        return self.joined(self.planes(time))

    def joined(self, planes: tuple[np.ndarray, ...]) -> np.ndarray:
        """Return the weights that `planes` stand for; zero on the diagonal of a square."""
        weights = self.mapping.join(planes)
        if self.shift is not None:
            weights = weights - self.shift
        if self.region.square:
            np.fill_diagonal(weights, 0)
        return weights

    def seen(self, time: float, noise: ReadNoise | None) -> Seen:
        """Return all that reads need of the devices at `time` (s), the variance of `noise` where it is given."""
        planes = self.planes(time)
        variance = None if noise is None else self.variance(planes, noise)
        return Seen(weights=self.joined(planes), variance=variance, lines=self.summed(planes))

    def variance(
        self, planes: tuple[np.ndarray, ...], noise: ReadNoise, slopes: Sequence[np.ndarray | float] = (1.0, 1.0)
    ) -> np.ndarray:
        """Return the variance (n_rows, n_cols) of each weight's read noise, weight units squared.

        Through wires sigma_ij becomes slope_ij sigma_ij: what a device adds to its own output when its own line is
        driven. That the other lines lower its voltage is left out (see docs/wires.md, which says how much that is).
        """
        zero, limit = self.mapping.zero, self.mapping.g_max / self.mapping.siemens_per_weight
        total: np.ndarray = np.zeros(self.region.shape, planes[0].dtype)
        for plane, slope in zip(planes, slopes, strict=False):
            total += np.square(slope) * noise.variance(plane + zero, limit)
        if self.region.square:
            np.fill_diagonal(total, 0)
        return total

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

    def line_conductances(self, time: float) -> Lines:
        """Return the conductance of all devices on each row and on each column (S), reference columns left out."""
        return self.summed(self.planes(time))

    def summed(self, planes: tuple[np.ndarray, ...]) -> Lines:
        """Return the `line_conductances` of `planes`."""
        rows, columns = (np.zeros(size) for size in self.region.shape)
        for plane in planes:
            rows += plane.sum(1, dtype=np.float64)
            columns += plane.sum(0, dtype=np.float64)
            if self.region.square:
                rows -= plane.diagonal()
                columns -= plane.diagonal()
        return self.on_lines(rows, columns)

    def on_lines(self, rows: np.ndarray, columns: np.ndarray) -> Lines:
        """Return the conductance (S) on each line from the sums of all planes there, weight units."""
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
