"""Rectangles of weights held as floats, which take any change exactly."""

from __future__ import annotations

from collections.abc import Mapping as Named
from dataclasses import dataclass

import numpy as np

from crossbar.arrays.cells import Cells, Seen
from crossbar.arrays.read_noise import ReadNoise
from crossbar.devices.nonidealities import Seconds
from crossbar.devices.write_errors import WriteError
from crossbar.numerics.mirror import mirror_upper
from crossbar.pulses.encodings import Encoding, Signals
from crossbar.pulses.engines import PulseReport


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
        if self._exact:
            return self.values.copy()
        return Cells.weights(self, time)

    @property
    def _exact(self) -> bool:
        return not self.offset and all(fault.none for fault in self.faults)

    def seen(self, time: float, noise: ReadNoise | None) -> Seen:
        """Return what reads need; of exact weights little more than a copy."""
        if not self._exact:
            return Cells.seen(self, time, noise)
        variance = None if noise is None else self.variance(self.planes(time), noise)
        return Seen(weights=self.values.copy(), variance=variance)

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
