"""What a write pulse puts on the cells of a crossbar: on the one that is meant, and on all others.

The word line of the cell is driven at V, its bit line is held at ground, all other lines at voltages between:

| scheme | other word lines | other bit lines | cells of one of the two lines | all others |
|---|---|---|---|---|
| ``half`` | V / 2 | V / 2 | V / 2 | 0 |
| ``third`` | V / 3 | 2 V / 3 | V / 3 | -V / 3 |

That is without resistance of the lines. With it the cell that is meant gets less, the further it is from its drivers
and the more the cells of its lines conduct meanwhile: those of a selector hardly do (`crossbar.wires.cells`).

References
----------
Chen, A., "A comprehensive crossbar array model with solutions for line resistance and nonlinear device
characteristics", IEEE Trans. Electron Devices 60, 1318 (2013), doi:10.1109/TED.2013.2246791 (schemes and equations; the
solver here is `crossbar.wires.nonlinear`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.optimize import brentq

from crossbar.errors import DivergedError, InvalidValue, unknown_name
from crossbar.numerics import checks
from crossbar.wires.cells import Cell
from crossbar.wires.lines import Drive, Sense
from crossbar.wires.nonlinear import CellSolution, solve_cells

Scheme = Literal["half", "third"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
OTHERS = {"half": (1 / 2, 1 / 2), "third": (1 / 3, 2 / 3)}  # of word and bit lines, over V
NEAR = 1e-9  # of what is wanted


@dataclass(frozen=True, kw_only=True, slots=True)
class WritePulse:
    """A crossbar while one of its cells is written.

    Attributes
    ----------
    place : (int, int)
        Word and bit line of that cell.
    volts : float
        Of its driver.
    solution : CellSolution
        All voltages, with k = 1.
    word_current : float
        Into its word line, A.
    power : float
        Out of all drivers of word and bit lines, W.
    """

    place: tuple[int, int]
    volts: float
    solution: CellSolution
    word_current: float
    power: float

    @property
    def arrived(self) -> float:
        """Voltage across the cell that is written."""
        return float(self.solution.cell_voltages[0][self.place])

    @property
    def disturbed(self) -> float:
        """Largest voltage, of either sign, across any other cell."""
        others = np.abs(self.solution.cell_voltages[0])
        others[self.place] = 0.0
        return float(others.max())

    @property
    def converged(self) -> bool:
        """Whether Kirchhoff's law was met to the tolerance."""
        return bool(self.solution.converged[0])


def write_pulse(
    conductances: np.ndarray,
    place: tuple[int, int],
    volts: float,
    r_word_line: float | np.ndarray,
    r_bit_line: float | np.ndarray,
    cell: Cell,
    *,
    scheme: Scheme = "half",
    drive: Drive = "left",
    sense: Sense = "bottom",
) -> WritePulse:
    """Return what `volts` on the lines of the cell at `place` put on all cells, each of the law `cell`.

    Other parameters, conventions and errors are those of `crossbar.wires.solve_cells`.

    Raises
    ------
    InvalidValue
        A place outside the array, volts that are not finite or zero, and what `solve_cells` refuses.
    UnknownName
        Another scheme.

    Examples
    --------
    >>> import numpy as np
    >>> from crossbar.wires import SelectedCell, write_pulse
    >>> held = np.full((64, 64), 5e-5)
    >>> ohmic = write_pulse(held, (0, 0), 2.0, 5.0, 5.0, SelectedCell())
    >>> selector = write_pulse(held, (0, 0), 2.0, 5.0, 5.0, SelectedCell(i_s=1e-12, v_s=0.06))
    >>> ohmic.arrived < selector.arrived < 2.0, round(ohmic.disturbed, 1)
    (True, 1.0)
    """
    m, n = _shape(conductances, place)
    if scheme not in SCHEMES:
        raise unknown_name("scheme", scheme, SCHEMES)
    if not np.isfinite(volts) or volts == 0:
        raise InvalidValue(f"`volts` must be finite and not zero, but got {volts}")
    of_words, of_bits = OTHERS[scheme]
    words, bits = np.full(m, of_words * volts), np.full(n, of_bits * volts)
    words[place[0]], bits[place[1]] = volts, 0.0
    found = solve_cells(conductances, words, r_word_line, r_bit_line, cell, bit_ends=bits, drive=drive, sense=sense)
    through = cell.current(np.asarray(conductances, np.float64), found.cell_voltages[0])
    given = through.sum(axis=1)
    power = float(words @ given - bits @ through.sum(axis=0))
    return WritePulse(place=place, volts=float(volts), solution=found, word_current=float(given[place[0]]), power=power)


def write_volts(
    conductances: np.ndarray,
    place: tuple[int, int],
    wanted: float,
    r_word_line: float | np.ndarray,
    r_bit_line: float | np.ndarray,
    cell: Cell,
    *,
    most: float = 10.0,
    scheme: Scheme = "half",
    drive: Drive = "left",
    sense: Sense = "bottom",
) -> WritePulse:
    """Return the pulse whose voltage across the cell at `place` is `wanted` (V, not zero), of at most `most` V.

    What arrives rises with the driver's voltage, so that Brent's method finds it.

    Raises
    ------
    InvalidValue
        Not even `most` volts bring `wanted` to the cell; otherwise as `write_pulse`.
    DivergedError
        A solution on the way did not converge.

    Examples
    --------
    >>> import numpy as np
    >>> from crossbar.wires import SinhCell, write_volts
    >>> found = write_volts(np.full((32, 32), 5e-5), (0, 31), 1.5, 5.0, 5.0, SinhCell(0.5))
    >>> round(found.arrived, 6), found.volts > 1.5
    (1.5, True)
    """
    checks.positive("most", most)
    if not np.isfinite(wanted) or wanted == 0 or abs(wanted) > most:
        raise InvalidValue(f"`wanted` must be finite, not zero and at most {most:g} V, but got {wanted}")

    def tried(volts: float) -> WritePulse:
        found = write_pulse(
            conductances, place, volts, r_word_line, r_bit_line, cell, scheme=scheme, drive=drive, sense=sense
        )
        if not found.converged:
            raise DivergedError(f"the currents at {volts:.4g} V were not found: lower `most`")
        return found

    def missing(size: float) -> float:
        return float(np.sign(wanted)) * tried(float(np.sign(wanted)) * size).arrived - abs(wanted)

    low, high = 0.0, abs(wanted)
    while missing(high) < 0:
        if high >= most:
            arrived = abs(wanted) + missing(high)
            raise InvalidValue(
                f"a driver of {most:g} V brings {arrived:.4g} V to the cell {place}, but {abs(wanted):g} are wanted: "
                "lines of less resistance, cells that conduct less, or a smaller array"
            )
        low, high = high, min(most, 1.5 * high)
    size = high if low == 0 else brentq(missing, low, high, xtol=NEAR * abs(wanted))
    return tried(float(np.sign(wanted)) * size)


def _shape(conductances: np.ndarray, place: tuple[int, int]) -> tuple[int, int]:
    shape = np.shape(conductances)
    if len(shape) != 2:
        raise InvalidValue(f"`conductances` must be a matrix (m, n), but has shape {shape}")
    if len(place) != 2 or not all(0 <= at < size for at, size in zip(place, shape, strict=True)):
        raise InvalidValue(f"`place` must be a word and a bit line of {shape}, counted from 0, but got {place}")
    return shape[0], shape[1]
