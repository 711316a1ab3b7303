"""Tables of instruments as text: separators, comments, decimal commas, units in the header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossbar.errors import CorruptFile, InvalidValue, MissingFile

COMMENTS = ("#", "%", "//")
COLUMNS = {
    "pulse": {"pulse", "pulses", "pulse number", "p", "n"},
    "conductance": {"conductance", "g", "siemens"},
    "direction": {"direction", "branch"},
    "time": {"time", "t", "seconds"},
}
HEADER_UNITS = {"s": "S", "siemens": "S", "ms": "mS", "us": "uS", "\u00b5s": "uS", "\u03bcs": "uS", "ns": "nS"}
UNIT = re.compile(r"^(?P<name>.*?)[\s_]*(?:[\[(/]\s*|_)(?P<unit>siemens|[mnu\u00b5\u03bc]?s)\s*[\])]?$")
DEVICE = re.compile(r"^(?:conductance|siemens|device|dev|g|d)[\s_#.-]*\d+$")  # one of several devices
DECIMAL = re.compile(r"^[+-]?\d*,\d+(e[+-]?\d+)?$")  # a comma where a point may be
THOUSANDS = re.compile(r"^[+-]?\d{1,3},\d{3}$")  # that may part thousands as well


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The rows of a file.

    Attributes
    ----------
    path : Path
    places : dict of str to int
        Where each known column is; the conductances of several devices are ``conductance``, ``conductance 2``, ...
    unit : str or None
        Of the conductances, where the header tells it.
    rows : list of list of str
    lines : list of int
        The line of each row in the file.
    """

    path: Path
    places: Mapping[str, int]
    unit: str | None
    rows: list[list[str]]
    lines: list[int]

    def column(self, name: str) -> list[float]:
        """Return the numbers of a column."""
        return [self._number(line, row, name) for line, row in zip(self.lines, self.rows, strict=True)]

    @property
    def devices(self) -> list[str]:
        """The columns of conductances, one a device."""
        return [name for name in self.places if name.startswith("conductance")]

    def words(self, name: str, known: Mapping[str, bool]) -> list[bool]:
        """Return what the words of a column stand for; the first row's may be empty; none where there is no column."""
        if name not in self.places:
            return []
        return [self._word(k, name, known) for k in range(len(self.rows))]

    def _field(self, row: list[str], name: str) -> str:
        place = self.places[name]
        return row[place] if place < len(row) else ""

    def _number(self, line: int, row: list[str], name: str) -> float:
        text, where = self._field(row, name), f"{str(self.path)!r}, line {line}: `{name}`"
        if not text:
            raise CorruptFile(f"{where} is missing; fill the gap or cut the curve there")
        try:
            value = float(text)
        except ValueError as error:
            raise CorruptFile(f"{where} must be a number, but got {text!r}") from error
        if not np.isfinite(value):
            raise CorruptFile(f"{where} must be finite, but got {text!r}")
        return value

    def _word(self, k: int, name: str, known: Mapping[str, bool]) -> bool:
        text = self._field(self.rows[k], name).lower()
        if text in known:
            return known[text]
        if not text and k == 0:
            return True
        raise CorruptFile(f"{str(self.path)!r}, line {self.lines[k]}: `{name}` must be up or down, but got {text!r}")


def read_table(path: Path, needed: tuple[str, ...] = ("pulse", "conductance")) -> Table:
    """Return the table in a text file, which must have the columns `needed`.

    Raises
    ------
    MissingFile, CorruptFile
        See `crossbar.devices.measured.read`.
    InvalidValue
        Commas that may part thousands as well as decimals.
    """
    if not path.is_file():
        raise MissingFile(f"no file {str(path)!r}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorruptFile(f"{str(path)!r} is no text file in UTF-8: {error}") from error
    lines = [(k, line.strip()) for k, line in enumerate(text.rstrip().splitlines(), start=1)]
    told = [(k, line) for k, line in lines if not line.startswith(COMMENTS)]
    while told and not told[0][1]:
        told.pop(0)
    head = header_in(told, [line for _, line in lines if line.startswith(COMMENTS)])
    if head is None:
        raise CorruptFile(f"{str(path)!r} is empty; its first line must name the columns {' and '.join(needed)}")
    separator = next((mark for mark in ("\t", ";", ",") if mark in head), None)
    names, unit = named(path, parts(head, separator), needed)
    rows = [(k, parts(line, separator)) for k, line in told if line != head]
    width = len(parts(head, separator))
    for k, row in rows:
        if separator == "," and len([field for field in row if field]) > width:
            raise CorruptFile(
                f"{str(path)!r}, line {k}: {len(row)} fields, but the first line names {width}; if the commas are "
                "decimal, part the columns by semicolons or tabs"
            )
    if separator != ",":
        rows = points(path, rows)
    return Table(
        path=path, places=names, unit=unit, rows=[row for _, row in rows], lines=[k for k, _ in rows]
    )  # fmt: skip


def header_in(told: list[tuple[int, str]], comments: list[str]) -> str | None:
    """Return the line that names the columns: the first, or a comment's where the first holds numbers."""
    if not told:
        return None
    first = told[0][1]
    if not re.match(r"^[+-]?[\d.]", first):
        return first
    for comment in reversed(comments):
        bare = comment.lstrip("#%/ ").strip()
        if any(plain(name)[0] in COLUMNS["conductance"] for name in re.split(r"[\t;,]|\s+(?![\[(])", bare)):
            return bare
    return first


def parts(line: str, separator: str | None) -> list[str]:
    """Return the fields of a line, without quotes and spaces around them; runs of spaces part them without a mark."""
    split = re.split(r"\s+(?![\[(])", line) if separator is None else line.split(separator)
    return [field.strip().strip('"').strip() for field in split]


def plain(name: str) -> tuple[str, str | None]:
    """Return a column's name in small letters without its unit, and the unit."""
    lower = name.strip().strip('"').lower()
    match = UNIT.match(lower)
    if match and match["name"]:
        return match["name"].strip(), HEADER_UNITS[match["unit"]]
    return lower, None


def named(path: Path, header: list[str], needed: tuple[str, ...]) -> tuple[dict[str, int], str | None]:
    """Return the place of every known column, and the unit of the conductances.

    Raises
    ------
    CorruptFile
        A column that is `needed` and not there.
    InvalidValue
        Devices that are told in different units.
    """
    places: dict[str, int] = {}
    units: set[str | None] = set()
    unit, count = None, 0
    for place, column in enumerate(header):
        name, told = plain(column)
        if DEVICE.match(name):
            count += 1
            places["conductance" if count == 1 else f"conductance {count}"] = place
            units.add(told)
            unit = told
            continue
        for known, spellings in COLUMNS.items():
            if name in spellings and known not in places:
                places[known] = place
                unit = told if known == "conductance" else unit
    if len(units) > 1:
        found = ", ".join(sorted(map(str, units)))
        raise InvalidValue(f"{str(path)!r} tells its devices in different units, {found}: convert one")
    for name in needed:
        if name not in places:
            raise CorruptFile(
                f"{str(path)!r} must have a column {name!r} in its first line, but has {', '.join(header)}"
            )
    return places, unit


def points(path: Path, rows: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Return `rows` with decimal commas as points, where they can be nothing else.

    Raises
    ------
    InvalidValue
        Every comma has three digits behind it, or points are there too: thousands may be meant.
    """
    commas = [(k, field) for k, row in rows for field in row if DECIMAL.match(field.lower())]
    if not commas:
        return rows
    pointed = any(re.match(r"^[+-]?\d*\.\d", field) for _, row in rows for field in row)
    if pointed or all(THOUSANDS.match(field) for _, field in commas):
        k, field = commas[0]
        raise InvalidValue(
            f"{str(path)!r}, line {k}: {field!r} may have a decimal comma or one that parts thousands; write "
            f"{field.replace(',', '.')!r} or {field.replace(',', '')!r}"
        )
    return [(k, [f.replace(",", ".") if DECIMAL.match(f.lower()) else f for f in row]) for k, row in rows]
