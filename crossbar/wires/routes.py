"""Lines that go on beyond their tile: a segment between cells, and a route from the line's end to its neuron.

A word line's route lies between its driver and the first cell, a bit line's between the last cell and the ground. The
solvers have a segment at each of these places (`crossbar.wires.lines`): a route is added to it, in series.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossbar.errors import CorruptFile, InvalidValue
from crossbar.input_files import json_object
from crossbar.technology_parameters import POINTS
from crossbar.wires.lines import Drive, Sense

REMEDY = "write it by `hopbar area MODEL --json`, of one model"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutedLines:
    """The resistances of a tile's lines, ohm.

    Attributes
    ----------
    segment : float
        From one cell to the next, of word and bit lines.
    word_route : float
        From a driver to the first segment of its word line.
    bit_route : float
        From the last segment of a bit line to where it is held at ground.

    Raises
    ------
    InvalidValue
        One that is negative or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from crossbar.wires import output_currents
    >>> from crossbar.wires.routes import RoutedLines
    >>> lines = RoutedLines(segment=1.0, word_route=100.0, bit_route=50.0)
    >>> currents = output_currents(np.full((4, 3), 1e-5), np.full(4, 0.2), lines.words(3), lines.bits(4))
    >>> bool(currents.max() < 4 * 1e-5 * 0.2)
    True
    """

    segment: float
    word_route: float = 0.0
    bit_route: float = 0.0

    def __post_init__(self) -> None:
        for name in ("segment", "word_route", "bit_route"):
            ohm = getattr(self, name)
            if isinstance(ohm, bool) or not isinstance(ohm, int | float) or not (math.isfinite(ohm) and ohm >= 0):
                raise InvalidValue(f"`{name}` must be a resistance of zero or more ohm, but got {ohm!r}")

    def words(self, columns: int, drive: Drive = "left") -> np.ndarray:
        """Return `r_word_line` of a tile of `columns` bit lines: (columns,), or (columns + 1,) driven at both ends."""
        return self._line(columns, self.word_route, first=True, both=drive == "both")

    def bits(self, rows: int, sense: Sense = "bottom") -> np.ndarray:
        """Return `r_bit_line` of a tile of `rows` word lines: (rows,), or (rows + 1,) held at both ends."""
        return self._line(rows, self.bit_route, first=False, both=sense == "both")

    def _line(self, cells: int, route: float, *, first: bool, both: bool) -> np.ndarray:
        line = np.full(cells + both, float(self.segment))
        ends = [0, -1] if both else [0 if first else -1]
        line[ends] += route
        return line


def read_floor_plan(path: Path) -> dict[str, RoutedLines]:
    """Return the lines of the one model in what ``hopbar area MODEL --json`` printed, by point of the technology.

    Raises
    ------
    MissingFile, CorruptFile
        No file, or none that tells lines.
    InvalidValue
        Several models.
    """
    models = json_object(path, REMEDY).get("models")
    if not isinstance(models, dict) or not models:
        raise CorruptFile(f"{path} tells no models: {REMEDY}")
    if len(models) > 1:
        raise InvalidValue(f"{path} tells of {', '.join(models)}, but lines are those of one model: {REMEDY}")
    try:
        told = next(iter(models.values()))["floor_plan"]["lines"]
        return {
            point: RoutedLines(**{name: told[point][f"{name}_ohm"] for name in ("segment", "word_route", "bit_route")})
            for point in POINTS
        }
    except (KeyError, TypeError) as error:
        raise CorruptFile(f"{path} tells no resistances of lines: {REMEDY}") from error
