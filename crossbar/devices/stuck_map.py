"""Stuck devices of a chip that was measured: which are stuck, at which end, from a file.

A file is text of four or five columns, with this header::

    network,plane,row,column,state
    tied,plus,12,803,low
    tied,minus,5,7,high

`network` may be left out: then every network of the chip has these. Rows and columns are neurons, from 0, in the order
of the network's blocks; of a pair that both directions share either order will do. A plane is ``plus`` or ``minus``, a
state ``low`` (g_min) or ``high`` (g_max). Empty lines, and those that begin with #, are skipped.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np

from crossbar.errors import CorruptFile, InvalidValue, MissingFile

PLANES = {"plus": 0, "minus": 1}
STATES = {"low": -1, "high": 1}
_COLUMNS = ("plane", "row", "column", "state")
_LARGEST = 256 * 2**20  # bytes


class StuckMap:
    """Devices that are stuck, by place; two maps of the same devices are equal.

    Parameters
    ----------
    entries : ndarray of int (n, 4)
        Plane (0: G+, 1: G-), row, column, state (-1: g_min, 1: g_max); one line a device.

    Raises
    ------
    InvalidValue
        Another shape, a plane, place or state that there is not.

    Examples
    --------
    >>> import numpy as np
    >>> from crossbar.devices.stuck_map import StuckMap
    >>> stuck = StuckMap(np.array([[0, 2, 5, -1]]))
    >>> stuck.on(0, slice(0, 3), slice(3, 6), mirrored=False).tolist()
    [[0, 0, 0], [0, 0, 0], [0, 0, -1]]
    """

    __slots__ = ("digest", "entries")

    def __init__(self, entries: np.ndarray) -> None:
        entries = np.array(entries, dtype=np.int32)
        if entries.ndim != 2 or entries.shape[1] != len(_COLUMNS):
            raise InvalidValue(f"`entries` must be (n, {len(_COLUMNS)}), but got {entries.shape}")
        if not np.isin(entries[:, 0], list(PLANES.values())).all():
            raise InvalidValue("a plane of `entries` must be 0 (plus) or 1 (minus)")
        if not np.isin(entries[:, 3], list(STATES.values())).all():
            raise InvalidValue("a state of `entries` must be -1 (low) or 1 (high)")
        if entries[:, 1:3].min(initial=0) < 0:
            raise InvalidValue("rows and columns of `entries` count from 0, but some are negative")
        entries.setflags(write=False)
        self.entries = entries
        self.digest = hashlib.sha256(entries.tobytes()).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"StuckMap({len(self.entries)} devices, {self.digest})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StuckMap) and np.array_equal(self.entries, other.entries)

    def __hash__(self) -> int:
        return hash(self.digest)

    def check(self, size: int) -> None:
        """Raise `InvalidValue` where a place lies outside a network of `size` neurons."""
        largest = int(self.entries[:, 1:3].max(initial=-1))
        if largest >= size:
            raise InvalidValue(f"the stuck map names neuron {largest}, but the network has {size}, counted from 0")

    def on(self, plane: int, rows: slice, columns: slice, *, mirrored: bool) -> np.ndarray:
        """Return -1, 0 or 1 (n_rows, n_cols) for one plane of a rectangle of devices, as `Faults` has it.

        Where both directions share a device (`mirrored`), it is named by either.
        """
        found: np.ndarray = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.int8)
        own = self.entries[self.entries[:, 0] == plane]
        places = [(own[:, 1], own[:, 2])] + ([(own[:, 2], own[:, 1])] if mirrored else [])
        for row, column in places:
            inside = (row >= rows.start) & (row < rows.stop) & (column >= columns.start) & (column < columns.stop)
            found[row[inside] - rows.start, column[inside] - columns.start] = own[inside, 3]
        return found


def read(path: Path, network: str) -> StuckMap:
    """Return the stuck devices of `network` that the file at `path` names.

    Raises
    ------
    MissingFile
        There is no file.
    CorruptFile
        It is no such table; the line is named.
    """
    if not path.is_file():
        raise MissingFile(f"no stuck map at {path}: give a file with the columns {', '.join(_COLUMNS)}")
    if path.stat().st_size > _LARGEST:
        raise CorruptFile(f"{path} has more than {_LARGEST >> 20} MiB, which no map of a chip has")
    found = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = ((number, line) for number, line in enumerate(file, 1) if line.strip() and line.lstrip()[0] != "#")
            _, head = next(lines, (0, ""))
            names = [name.strip().lower() for name in next(csv.reader([head]), [])]
            if sorted({*names} - {"network"}) != sorted(_COLUMNS) or len(names) != len({*names}):
                raise CorruptFile(f"{path} must begin with {','.join(_COLUMNS)}, but got {head.strip()[:80]!r}")
            for number, line in lines:
                entry = _entry(dict(zip(names, next(csv.reader([line])), strict=False)), f"{path}, line {number}")
                if entry[0] in {network, ""}:
                    found.append(entry[1:])
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorruptFile(f"{path} is no table of text: {error}") from error
    return StuckMap(np.array(found, np.int32).reshape(-1, len(_COLUMNS)))


def _entry(row: dict[str, str], place: str) -> tuple[str, int, int, int, int]:
    values = {name: value.strip() for name, value in row.items()}
    if any(name not in values for name in _COLUMNS):
        raise CorruptFile(f"{place} has fewer columns than the header")
    for name, known in (("plane", PLANES), ("state", STATES)):
        if values[name] not in known:
            raise CorruptFile(f"{place}: `{name}` must be {' or '.join(known)}, but got {values[name][:40]!r}")
    for name in ("row", "column"):
        if not (values[name].isascii() and values[name].isdigit() and len(values[name]) < 10):
            raise CorruptFile(f"{place}: `{name}` must be a whole number from 0, but got {values[name][:40]!r}")
    return (
        values.get("network", ""), PLANES[values["plane"]], int(values["row"]), int(values["column"]),
        STATES[values["state"]],
    )  # fmt: skip
