"""Rectangles of devices that are written by pulses."""

from __future__ import annotations

from collections.abc import Mapping as Named
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar.arrays.cells import Cells, Seen
from crossbar.arrays.kernels.matrix import join_pairs
from crossbar.arrays.read_noise import ReadNoise
from crossbar.devices.law import DeviceState
from crossbar.devices.nonidealities import Seconds
from crossbar.devices.write_errors import WriteError
from crossbar.errors import InvalidValue
from crossbar.numerics import threads
from crossbar.pulses.encodings import Encoding, Signals
from crossbar.pulses.engines import PulseReport, mirror_weights


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
        return np.maximum(plane, plane.dtype.type(self.faults[0].devices(self.mapping).floor), out=plane)

    def seen(self, time: float, noise: ReadNoise | None) -> Seen:
        """Return what reads need; of flawless shared pairs in one pass over the devices."""
        one_pass = self.region.square and self.region.shared and len(self.states) == 2 and self.shift is None
        if not (one_pass and all(fault.none for fault in self.faults)):
            return Cells.seen(self, time, noise)
        plus, minus = (state.visible for state in self.states)
        kind, mapping = plus.dtype.type, self.mapping
        weights, sums = np.empty(plus.shape, kind), np.empty((2, len(plus)))
        variance = np.empty(plus.shape if noise is not None else (0, 0), kind)
        limit = mapping.g_max / mapping.siemens_per_weight
        relative, additive = (0.0, 0.0) if noise is None else (noise.relative, (noise.additive * limit) ** 2)
        numbers = [kind(number) for number in (self.scale, mapping.floor, mapping.zero, relative, additive)]
        kernel: Any = join_pairs
        given = (plus, minus, *numbers, weights, variance, sums)
        threads.over_rows(lambda *span: kernel(*given, span), np.full(len(plus), len(plus)))
        rows = np.zeros(len(plus))
        for total, state in zip(sums, self.states, strict=True):
            rows += total
            rows -= self.plane(state.visible.diagonal())
        for matrix in (weights, variance) if noise is not None else (weights,):
            np.fill_diagonal(matrix, 0)
        lines = self.on_lines(rows, rows)
        return Seen(weights=weights, variance=variance if noise is not None else None, lines=lines)

    def write(self, weights: np.ndarray, error: WriteError | None, rng: np.random.Generator) -> None:
        """Set the devices, each within its own bounds, write noise included."""
        for state, fault, plane in zip(self.states, self.faults, self.targets(weights), strict=True):
            target = fault.stored(self._missed(plane, error, rng), self.mapping)
            state.program(target / target.dtype.type(self.scale), rng)
            if self.region.square and self.region.shared:
                mirror_weights(state)

    def update(
        self, signals: Signals, encoding: Encoding, *, rate: float, engine: str, rng: np.random.Generator
    ) -> PulseReport:
        """Add `rate` times the contrast by pulses; each device of a pair takes its share, with opposite signs.

        Raises
        ------
        InvalidValue
            Devices that wear: trains are drawn for whole lines, and nobody counts what a device takes of them.
        """
        if any(fault.life is not None for fault in self.faults):
            raise InvalidValue(
                "devices that wear (`endurance`) need whole pulses, counted one by one: learn by mixed-precision or "
                "sign, or write by write-verify"
            )
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
            np.clip(state.hidden, state.parameters["w_min"], state.parameters["w_max"], out=state.hidden)

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
