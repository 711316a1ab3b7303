"""Measured pulse curves from text files: pulse number and conductance, in one or several runs up and down."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from crossbar.devices.measurement_table import Table, read_table
from crossbar.errors import CorruptFile, InvalidValue

RESTARTS = (0, 1)  # pulse numbers at which a count may begin anew: before the first pulse, or after it
SWING = 0.3  # share of the whole range that a curve must turn back by, for its pulses to have changed direction
JUMP = 4.0  # times every step beside it that a change must be, and JUMP_SHARE of the range, to be no step
JUMP_SHARE = 0.1
LARGEST = 0.01  # S: a hundred ohm; no memristor of an array conducts more
UNITS = {"S": 1.0, "mS": 1e-3, "uS": 1e-6, "nS": 1e-9}
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
    broken : ndarray of bool (n,)
        Where no pulse leads from one point to the next, and the device stands elsewhere: a new run begins.
    """

    conductance: np.ndarray
    up: np.ndarray
    broken: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    def __post_init__(self) -> None:
        if not self.broken.size:
            object.__setattr__(self, "broken", np.zeros(len(self.up), bool))

    @property
    def runs(self) -> int:
        """How many runs of pulses the curve holds."""
        return 1 + int(self.broken.sum())


def read(path: Path | str, unit: str | None = None) -> PulseCurve:
    """Return the curve in a text file with columns `pulse`, `conductance` and, optionally, `direction`.

    Columns are parted by commas, semicolons, tabs or spaces, named in the first line; lines that begin with #, % or //
    are comments. Semicolons and tabs allow decimal commas. `conductance` may tell its unit, as in `G (uS)`; else
    `unit` does; else it is siemens.

    `pulse` counts up by one a row and may begin anew: at 0 the row stands before the first pulse of a new run, at 1
    after it. `direction` (up, down) names the pulse that led to the row. Without it directions are those in which the
    curve swings through 0.3 of its range or more, in branches of one length where noise hides their ends. A change
    between two branches that is far larger than every step beside it is no step: a new run begins there.

    Parameters
    ----------
    unit : {"S", "mS", "uS", "nS"}, optional

    Raises
    ------
    MissingFile
        No such file.
    CorruptFile
        No such columns, an empty or non-numeric field, or a gap in the pulse numbers; the message names the line.
    InvalidValue
        Fewer than four rows, conductances that are negative, all equal or cannot be siemens, units that differ.
    """
    curves = read_devices(path, unit)
    if len(curves) > 1:
        raise InvalidValue(
            f"{str(path)!r} holds {len(curves)} devices: fit them together by `crossbar.devices.population`, or keep "
            "the columns of one"
        )
    return curves[0]


def read_devices(path: Path | str, unit: str | None = None) -> list[PulseCurve]:
    """Return the curves in a text file of one or several devices, each a column: `G1 (uS)`, `G2 (uS)`, ...

    Pulses and directions are those of all. Else as `read`.

    Raises
    ------
    MissingFile, CorruptFile, InvalidValue
        As `read`.
    """
    path = Path(path)
    table = read_table(path)
    scale = siemens(path, table.unit, unit)
    directions = table.words("direction", DIRECTIONS)
    found = []
    for device in table.devices:
        numbers = np.array([table.column("pulse"), table.column(device)], float).T
        numbers[:, 1:] *= scale
        check_conductances(path, numbers[:, 1], told=unit or table.unit)
        found.append(curve(path, table, numbers, directions))
    return found


def siemens(path: Path, header: str | None, given: str | None) -> float:
    """Return the siemens of one unit of the column."""
    if given is not None and given not in UNITS:
        raise InvalidValue(f"`unit` must be one of {', '.join(UNITS)}, but got {given!r}")
    if header is not None and given is not None and header != given:
        raise InvalidValue(f"{str(path)!r} tells its conductances in {header}, but `--unit` says {given}: leave it out")
    return UNITS[header or given or "S"]


def check_conductances(path: Path, conductance: np.ndarray, told: str | None) -> None:
    """Raise `InvalidValue` unless there are four positive conductances (S) or more, which change, of a memristor."""
    if len(conductance) < 4:
        raise InvalidValue(f"{str(path)!r} must hold at least four rows to fit a law, but holds {len(conductance)}")
    if conductance.min() < 0 or np.ptp(conductance) == 0:
        raise InvalidValue(f"{str(path)!r}: conductances must be positive siemens that change with the pulses")
    if conductance.max() > LARGEST:
        raise InvalidValue(
            f"{str(path)!r}: a conductance of {conductance.max():.4g} S is no memristor's (above {LARGEST} S); tell "
            "the unit, by `--unit uS` or in the column's name, `G (uS)`" + (f" (it is now {told})" if told else "")
        )


def curve(path: Path, table: Table, numbers: np.ndarray, directions: list[bool]) -> PulseCurve:
    """Return the curve of rows (pulse, conductance)."""
    pulse, conductance = numbers.T
    steps = np.diff(pulse)
    anew = (steps <= 0) & np.isin(pulse[1:], RESTARTS)
    wrong = np.flatnonzero((steps != 1) & ~anew)
    if wrong.size:
        k = int(wrong[0])
        raise CorruptFile(
            f"{str(path)!r}, line {table.lines[k + 1]}: `pulse` must count up by one, or begin anew at 0 or 1, but "
            f"goes from {pulse[k]:g} to {pulse[k + 1]:g}; fill the gap or cut the curve there"
        )
    up = np.array(directions[1:]) if directions else swings(conductance)
    broken = (anew & (pulse[1:] == 0)) | jumps(conductance, up, anew)
    return PulseCurve(conductance=conductance, up=up, broken=broken)


def swings(conductance: np.ndarray) -> np.ndarray:
    """Return the direction (n,) of each change: up to a maximum, down to a minimum, swings of `SWING` apart."""
    least, slack = SWING * np.ptp(conductance), 3 * step_noise(conductance)
    turns, low, high, way = [0], 0, 0, 0
    for k, value in enumerate(conductance):
        low = k if value < conductance[low] else low
        high = k if value > conductance[high] else high
        if way >= 0 and conductance[high] - value >= least:
            turns, low, way = [*turns, high], k, -1
        elif way <= 0 and value - conductance[low] >= least:
            turns, high, way = [*turns, low], k, 1
    if len(turns) > 1 and abs(conductance[turns[1]] - conductance[0]) <= slack * np.sqrt(turns[1]):
        del turns[1]  # noise before the first branch
    ends = evened([*turns, len(conductance) - 1], conductance, slack)
    up = np.zeros(len(conductance) - 1, bool)
    for begin, end in pairwise(ends):
        up[begin:end] = conductance[end] > conductance[begin]
    return up


def step_noise(conductance: np.ndarray) -> float:
    """Return the noise of a change, by the median second difference: none in a clean curve."""
    return float(np.median(np.abs(np.diff(conductance, 2)))) / (0.6745 * 2**0.5)


def evened(ends: list[int], conductance: np.ndarray, slack: float) -> list[int]:
    """Return the ends of the branches, at equal distances where noise alone may have put them elsewhere.

    Noise moves the extremes of a saturated curve far along it. Where branches of one length would end at conductances
    no further off than `slack`, three times the noise of a step, allows for as many steps, they do.
    """
    branches = sorted(set(ends))
    length, rest = divmod(len(conductance) - 1, len(branches) - 1)
    if rest:
        return ends
    even = np.arange(len(branches)) * length
    off = np.abs(conductance[branches] - conductance[even])
    apart = np.abs(np.array(branches) - even)
    return even.tolist() if (off <= slack * np.sqrt(apart)).all() and apart.max() < length else ends


def jumps(conductance: np.ndarray, up: np.ndarray, anew: np.ndarray) -> np.ndarray:
    """Return where (n,) branches meet at a change far larger than the steps beside it."""
    sizes = np.abs(np.diff(conductance))
    found = np.zeros(len(sizes), bool)
    meeting = anew.copy()
    turned = np.flatnonzero(np.diff(up.astype(int)))  # the change before and the one after a turn
    meeting[turned] = meeting[turned + 1] = True
    for k in np.flatnonzero(meeting & (sizes > JUMP_SHARE * np.ptp(conductance))):
        beside = np.concatenate([sizes[max(k - 2, 0) : k], sizes[k + 1 : k + 3]])
        found[k] = beside.size > 0 and sizes[k] > JUMP * beside.max()
    return found
