"""A table of conductances over time, as an instrument writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossbar.devices.measured import siemens
from crossbar.devices.measurement_table import read_table
from crossbar.errors import CorruptFile, InvalidValue

FEWEST = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Devices that nobody writes to.

    Attributes
    ----------
    time : ndarray (n,)
        Seconds since they were written, rising and positive.
    conductances : ndarray (n, d)
        Siemens, one column a device.
    """

    time: np.ndarray
    conductances: np.ndarray


def read(path: str | Path, unit: str | None = None) -> Series:
    """Return the series in a text file with a column `time` (s) and a column of conductances for each device.

    Separators, comments, units and decimal commas are those of `crossbar.devices.measured.read`.

    Raises
    ------
    MissingFile, CorruptFile
        No such file, columns or numbers; a time that does not rise.
    InvalidValue
        Fewer than eight rows, a time that is not positive, a conductance that is not.
    """
    path = Path(path)
    table = read_table(path, needed=("time", "conductance"))
    scale = siemens(path, table.unit, unit)
    time = np.array(table.column("time"), float)
    held = np.array([table.column(name) for name in table.devices], float).T * scale
    if len(time) < FEWEST:
        raise InvalidValue(f"{str(path)!r} must hold at least {FEWEST} rows, but holds {len(time)}")
    late = np.flatnonzero(np.diff(time) <= 0)
    if late.size:
        raise CorruptFile(f"{str(path)!r}, line {table.lines[int(late[0]) + 1]}: `time` must rise from row to row")
    if time[0] <= 0:
        raise InvalidValue(
            f"{str(path)!r}: `time` counts the seconds since the devices were written, and must be positive, but "
            f"begins at {time[0]:g}"
        )
    if not (held > 0).all():
        raise InvalidValue(f"{str(path)!r}: conductances must be positive, but the least is {held.min():.4g} S")
    return Series(time=time, conductances=held)
