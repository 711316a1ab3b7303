"""Measured pulse curves from CSV: pulse number and conductance, potentiation then depression."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossbar.errors import CorruptFile, InvalidValue, MissingFile

COLUMNS = {"pulse": {"pulse", "p", "n"}, "conductance": {"conductance", "conductance_s", "g", "g_s", "siemens"}}
DIRECTIONS = {"up": True, "ltp": True, "set": True, "down": False, "ltd": False, "reset": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class PulseCurve:
    """One device under pulses.

    Attributes
    ----------
    conductance : ndarray (n + 1,)
        Siemens, before the first pulse and after each.
    up : ndarray of bool (n,)
        Direction of the pulse between two neighbours.
    """

    conductance: np.ndarray
    up: np.ndarray


def read(path: Path | str) -> PulseCurve:
    """Return the curve in a CSV file with columns `pulse`, `conductance` (siemens) and, optionally, `direction`.

    `pulse` counts up by one a row. `direction` (up, down) names the pulse that led to the row; without it the curve
    is taken to rise to its highest point and to fall from there.

    Raises
    ------
    MissingFile
        No such file.
    CorruptFile
        No such columns, an empty or non-numeric field, or a gap in the pulse numbers; the message names the line.
    InvalidValue
        Fewer than four rows, or conductances that are not positive or all equal.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFile(f"no file {str(path)!r}")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise CorruptFile(f"{str(path)!r} is no text file: {error}") from error
    rows = list(csv.reader(lines))
    if not rows:
        raise CorruptFile(f"{str(path)!r} is empty; its first line must name the columns pulse and conductance")
    header = [name.strip().lower() for name in rows[0]]
    places = {name: find(path, header, name) for name in COLUMNS}
    direction = header.index("direction") if "direction" in header else None
    numbers, directions = [], []
    for line, row in enumerate(rows[1:], start=2):
        if not any(field.strip() for field in row) and line == len(rows):
            continue
        numbers.append([field(path, line, row, place, name) for name, place in places.items()])
        if direction is not None:
            directions.append(which(path, line, row, direction))
    return curve(path, np.array(numbers, float).reshape(-1, 2), directions)


def find(path: Path, header: list[str], name: str) -> int:
    """Return the place of the column `name`."""
    for place, column in enumerate(header):
        if column in COLUMNS[name]:
            return place
    raise CorruptFile(f"{str(path)!r} must have a column {name!r} in its first line, but has {', '.join(header)}")


def field(path: Path, line: int, row: list[str], place: int, name: str) -> float:
    """Return the number in a field."""
    text = row[place].strip() if place < len(row) else ""
    if not text:
        raise CorruptFile(f"{str(path)!r}, line {line}: `{name}` is missing; fill the gap or cut the curve there")
    try:
        value = float(text)
    except ValueError as error:
        raise CorruptFile(f"{str(path)!r}, line {line}: `{name}` must be a number, but got {text!r}") from error
    if not np.isfinite(value):
        raise CorruptFile(f"{str(path)!r}, line {line}: `{name}` must be finite, but got {text!r}")
    return value


def which(path: Path, line: int, row: list[str], place: int) -> bool:
    """Return whether the direction in a row is up; the first row's may be empty."""
    text = row[place].strip().lower() if place < len(row) else ""
    if text in DIRECTIONS:
        return DIRECTIONS[text]
    if not text and line == 2:
        return True
    raise CorruptFile(f"{str(path)!r}, line {line}: `direction` must be up or down, but got {text!r}")


def curve(path: Path, numbers: np.ndarray, directions: list[bool]) -> PulseCurve:
    """Return the checked curve of rows (pulse, conductance)."""
    if len(numbers) < 4:
        raise InvalidValue(f"{str(path)!r} must hold at least four rows to fit a law, but holds {len(numbers)}")
    steps = np.diff(numbers[:, 0])
    if (steps != 1).any():
        k = int(np.flatnonzero(steps != 1)[0])
        raise CorruptFile(
            f"{str(path)!r}, line {k + 3}: `pulse` must count up by one, but goes from {numbers[k, 0]:g} to "
            f"{numbers[k + 1, 0]:g}; fill the gap or cut the curve there"
        )
    conductance = numbers[:, 1]
    if conductance.min() < 0 or np.ptp(conductance) == 0:
        raise InvalidValue(f"{str(path)!r}: conductances must be positive siemens that change with the pulses")
    top = int(np.argmax(conductance))
    up = np.array(directions[1:]) if directions else np.arange(len(conductance) - 1) < top
    return PulseCurve(conductance=conductance, up=up)
