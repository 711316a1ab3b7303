"""A crossbar and its lines, checked: conductances, resistances of the segments, and which ends are wired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.wires.kernels.line_factors import bit_factors, word_factors

Drive = Literal["left", "both"]
Sense = Literal["bottom", "both"]
Factors = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True, slots=True)
class LineNetwork:
    """Resistors of a crossbar, as every solver of wires takes them.

    Attributes
    ----------
    conductances : (m, n) float64
        Device between word line i and bit line j, in S.
    word_segments : (m, n)
        Resistance left of each cell, in ohm: column 0 is the segment at the driver.
    word_far : (m,)
        Resistance from the last cell to a second driver, in ohm; infinite without one.
    bit_segments : (m, n)
        Resistance below each cell, in ohm: the last row is the segment at the ground.
    bit_far : (n,)
        Resistance from the first cell to a second ground, in ohm; infinite without one.
    """

    conductances: np.ndarray
    word_segments: np.ndarray
    word_far: np.ndarray
    bit_segments: np.ndarray
    bit_far: np.ndarray

    @classmethod
    def checked(
        cls,
        conductances: np.ndarray,
        r_word_line: float | np.ndarray,
        r_bit_line: float | np.ndarray,
        drive: Drive = "left",
        sense: Sense = "bottom",
    ) -> LineNetwork:
        """Return the network of `output_currents`'s arguments.

        Raises
        ------
        InvalidValue
            For shapes that do not fit, numbers that are negative or not finite, and unknown ends.
        """
        conductances = _finite("conductances", conductances, "S")
        if conductances.ndim != 2 or conductances.size == 0:
            raise InvalidValue(f"`conductances` must be a matrix (m, n) with cells, but has shape {conductances.shape}")
        if drive not in ("left", "both"):
            raise InvalidValue(f"`drive` must be 'left' or 'both', but got {drive!r}")
        if sense not in ("bottom", "both"):
            raise InvalidValue(f"`sense` must be 'bottom' or 'both', but got {sense!r}")
        words, word_far = _segments("r_word_line", r_word_line, conductances.shape, drive == "both")
        across = np.asarray(r_bit_line).T
        bits, bit_far = _segments("r_bit_line", across, conductances.shape[::-1], sense == "both", "top")
        return cls(
            conductances=conductances, word_segments=words, word_far=word_far,
            bit_segments=bits.T, bit_far=bit_far,
        )  # fmt: skip

    def reversed(self) -> LineNetwork:
        """Return the network seen from the outputs: bit lines driven at their grounded ends, word lines grounded.

        Both lines are counted from the other end, so that drivers are left and grounds below again.
        """
        return LineNetwork(
            conductances=np.ascontiguousarray(self.conductances[::-1, ::-1].T),
            word_segments=self.bit_segments[::-1, ::-1].T, word_far=np.ascontiguousarray(self.bit_far[::-1]),
            bit_segments=self.word_segments[::-1, ::-1].T, bit_far=np.ascontiguousarray(self.word_far[::-1]),
        )  # fmt: skip

    def factors(self) -> tuple[Factors, np.ndarray]:
        """Return the lines' factors, and the word voltages (m, n) for drivers at 1 V and bit lines at 0 V."""
        transfer, source, response = word_factors(self.conductances, self.word_segments, self.word_far)
        bit_transfer, bit_source, share = bit_factors(self.conductances, self.bit_segments, self.bit_far)
        return (bit_transfer, bit_source, transfer, source, share), response


def checked_voltages(voltages: np.ndarray, rows: int) -> np.ndarray:
    """Return `voltages` as a float64 matrix (m, k); one vector (m,) becomes (m, 1)."""
    voltages = _finite("voltages", voltages, "V", negative=True)
    if voltages.ndim == 1:
        voltages = voltages[:, np.newaxis]
    if voltages.ndim != 2 or voltages.shape[0] != rows:
        raise InvalidValue(f"`voltages` must be (m, k) with m = {rows} word lines, but has shape {voltages.shape}")
    return voltages


def checked_ends(ends: np.ndarray, columns: int, vectors: int) -> np.ndarray:
    """Return the voltages of the ends of the bit lines as a float64 matrix (n, k); one vector (n,) is that of all."""
    ends = _finite("bit_ends", ends, "V", negative=True)
    if ends.ndim == 1:
        ends = np.repeat(ends[:, np.newaxis], vectors, axis=1)
    if ends.shape != (columns, vectors):
        raise InvalidValue(
            f"`bit_ends` must be (n,) or (n, k), n = {columns} bit lines and k = {vectors}, but has shape {ends.shape}"
        )
    return ends


def _finite(name: str, values: float | np.ndarray, unit: str, negative: bool = False) -> np.ndarray:
    """Return `values` as contiguous float64; raise where one is not finite, or is negative and must not be."""
    if isinstance(values, np.ma.MaskedArray) or np.iscomplexobj(values):
        raise InvalidValue(f"`{name}` must be real numbers in {unit}, none of them masked")
    try:
        values = np.asarray(values, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"`{name}` must be real numbers in {unit}: {error}") from error
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    if not (np.isfinite(low) and np.isfinite(high)):
        count = np.count_nonzero(~np.isfinite(values))
        raise InvalidValue(f"`{name}` must be finite, but {count} of its values are not")
    if not negative and low < 0:
        raise InvalidValue(f"`{name}` must not be negative, but its least value is {low:g} {unit}")
    return values


def _segments(
    name: str, resistances: float | np.ndarray, shape: tuple[int, int], second_end: bool, extra: str = "right"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the segments (lines, cells) towards the terminal and those (lines,) to the second one.

    The extra segment is the last of a word line (right) and the first of a bit line (top).
    """
    lines, cells = shape
    values = _finite(name, resistances, "ohm")
    count = cells + 1 if second_end and values.ndim else cells
    if values.shape not in {(), (count,), (lines, count)}:
        across = (lines, count) if extra == "right" else (count, lines)
        given = values.shape if extra == "right" else values.T.shape
        raise InvalidValue(
            f"`{name}` must be one number, one a segment ({count},) or one a segment of every line {across}, "
            f"but its shape is {given}"
        )
    full = np.broadcast_to(values, (lines, count))
    if not second_end:
        return full, np.full(lines, np.inf)
    if not values.ndim:
        return full, np.full(lines, float(values))
    near, far = (full[:, :-1], full[:, -1]) if extra == "right" else (full[:, 1:], full[:, 0])
    return near, np.ascontiguousarray(far)
