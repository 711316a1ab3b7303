"""What an array has done, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from crossbar.arrays.kernels.reads import add_squares
from crossbar.hopfield.network import Patch

if TYPE_CHECKING:
    from crossbar.arrays.cells import Cells, Lines


@dataclass(frozen=True, kw_only=True, slots=True)
class PulseShape:
    """The pulses that change a device; an energy of zero where they are not known.

    Attributes
    ----------
    voltage_up, voltage_down : float
        Amplitudes, V.
    width_up, width_down : float
        Durations, s.
    """

    voltage_up: float = 0.0
    voltage_down: float = 0.0
    width_up: float = 0.0
    width_down: float = 0.0

    def energy(self, up: int, down: int, conductance: float) -> float:
        """Return V^2 G t summed over the pulses (J), for devices of mean `conductance` (S).

        Half-selected devices and wires are not in it (see devices of NeuroSim, which add them).
        """
        per_siemens = up * self.voltage_up**2 * self.width_up + down * self.voltage_down**2 * self.width_down
        return per_siemens * conductance


@dataclass(slots=True, kw_only=True)
class Counters:
    """Running totals of an array.

    Attributes
    ----------
    reads : int
        Vectors read: one example through the array once.
    conversions_in, conversions_out : int
        Conversions of the DACs and ADCs, counted also where these are ideal.
    saturated : int
        Conversions of the ADCs that were out of range.
    updates : int
        Calls of `CrossbarArray.update`.
    pulses_up, pulses_down : int
        Pulses given to devices, by updates and by write-verify.
    verify_steps : int
        Single devices read to verify a write.
    read_energy : float
        Joule dissipated in the devices by all products asked for: what a chip dissipates if each was with signals that
        it has, as in steps of eq. (3), not with a fast solver's search directions. Converters are for `circuits`.
    write_energy : float
        Joule dissipated in the devices by pulses.
    """

    reads: int = 0
    conversions_in: int = 0
    conversions_out: int = 0
    saturated: int = 0
    updates: int = 0
    pulses_up: int = 0
    pulses_down: int = 0
    verify_steps: int = 0
    read_energy: float = 0.0
    write_energy: float = 0.0

    @property
    def pulses(self) -> int:
        """All pulses, both directions."""
        return self.pulses_up + self.pulses_down

    def as_dict(self) -> dict[str, float]:
        """Return the totals by name."""
        return asdict(self)

    def array(self) -> np.ndarray:
        """Return the totals in the order of the fields, float64 (exact up to 2^53)."""
        return np.array(list(asdict(self).values()), np.float64)

    def restore(self, array: np.ndarray) -> None:
        """Take the totals from what `array` once returned."""
        for field, value in zip(fields(self), array.tolist(), strict=True):
            setattr(self, field.name, type(getattr(self, field.name))(value))


@dataclass(slots=True, kw_only=True)
class ReadMeter:
    """The energy of reads, kept as squared signals until the conductances change.

    Attributes
    ----------
    joule : float
        V^2 t of a signal of 1, J/S.
    squares : ndarray (N,), float64
        Sum of x_i^2 over the reads since the last account.
    """

    joule: float
    squares: np.ndarray

    def note(self, driven: np.ndarray, patches: Sequence[Patch]) -> None:
        """Count one read of `driven` (batch, n_sources); a line that drives several patches is driven once."""
        for patch in {patch.sources.start: patch for patch in patches}.values():
            add_squares(driven[:, patch.source_columns], self.squares[patch.sources])

    @property
    def pending(self) -> bool:
        """Whether something was read since the last account."""
        return bool(self.squares.any())

    def energy(self, cells: Sequence[Cells], found: Sequence[Lines], gains: np.ndarray | None = None) -> float:
        """Return V^2 t sum_i x_i^2 G_i (J) since the last account, G_i all the devices on line i; begin a new one.

        `found` are the `line_conductances` of each of `cells`; `gains` (N,) are what signals are driven at, 1 if None.
        """
        lines = np.zeros(len(self.squares))
        for one, (rows, columns) in zip(cells, found, strict=True):
            lines[one.region.rows] += rows
            if one.region.shared and not one.region.square:
                lines[one.region.columns] += columns
        driven = self.squares if gains is None else self.squares * gains**2
        energy = self.joule * float(lines @ driven)
        self.squares[:] = 0
        return energy


def mean_conductance(cells: Sequence[Cells], found: Sequence[Lines]) -> float:
    """Return the mean conductance (S) of all devices from their `line_conductances`; 0 where a lone neuron has none."""
    sums = [rows.sum() for rows, _ in found]
    devices = sum(one.region.places * one.mapping.n_planes for one in cells)
    return float(sum(sums) / devices) if devices else 0.0
