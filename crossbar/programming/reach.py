"""What the drivers of a programmed chip must give, so that a write pulse arrives at its cells through the lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np

from crossbar.arrays.regions import regions
from crossbar.arrays.tiles import spans
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.numerics import checks
from crossbar.wires.access import Access
from crossbar.wires.cells import SelectedCell
from crossbar.wires.writing import Scheme, WritePulse, write_pulse, write_volts

PLANES = ("plus", "minus")
NEAR = 1e-6  # of what a cell needs


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteLines:
    """Write pulses and the lines that carry them.

    Attributes
    ----------
    volts : float
        That a cell needs across it, V.
    ohm : float
        Of a segment of word and bit line.
    tile_size : int or None
        Most rows and columns of a tile; None: a region of devices is one.
    scheme : {"half", "third"}
        See `crossbar.wires.writing`.
    most : float
        That a driver can give, V.

    Raises
    ------
    InvalidValue
        Numbers that are not positive; a driver that gives less than a cell needs.
    """

    volts: float
    ohm: float
    tile_size: int | None = None
    scheme: Scheme = "half"
    most: float = 10.0

    def __post_init__(self) -> None:
        checks.positive("volts", self.volts)
        checks.positive("ohm", self.ohm)
        checks.positive("most", self.most)
        if self.most < self.volts:
            raise InvalidValue(f"a driver of at most {self.most:g} V cannot bring {self.volts:g} V to any cell")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """Write pulses on the tile whose cells conduct most: the cell beside both drivers, and the one furthest from both.

    Attributes
    ----------
    plane : {"plus", "minus"}
    rows, columns : int
        Of that tile.
    near, far : float
        What the driver must give, V; `far` is infinite where `most` volts do not bring enough.
    arrived : float
        Across the far cell, V: what was asked for, or what `most` volts bring.
    disturbed : float
        Largest voltage across any other cell meanwhile, V.
    power : float
        Of the drivers while the far cell is written, W.
    """

    plane: str
    rows: int
    columns: int
    near: float
    far: float
    arrived: float
    disturbed: float
    power: float

    @property
    def reached(self) -> bool:
        """Whether the far cell gets what it needs."""
        return bool(np.isfinite(self.far))

    @property
    def margin(self) -> float:
        """What arrives at the far cell over what any other sees meanwhile; below 1 the array cannot be written so."""
        return self.arrived / self.disturbed if self.disturbed > 0 else np.inf

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name; an infinite voltage as None."""
        far = self.far if self.reached else None
        return asdict(self) | {"far": far, "reached": self.reached, "margin": self.margin}


def reach(
    network: Network,
    planes: Sequence[np.ndarray],
    lines: WriteLines,
    *,
    symmetry: str = "shared",
    access: Access | None = None,
) -> Reach:
    """Return what write pulses of `lines` meet on the tile of an array that conducts most.

    All cells hold what they were programmed to, and pulses change none.

    Parameters
    ----------
    network : Network
    planes : sequence of ndarray (N, N)
        G+, and of pairs G-, S, as reads find them.
    lines : WriteLines
    symmetry : {"shared", "two-device", "one-way"}
        See `ArrayConfig`.
    access : Access or None
        What every device stands behind: that is what keeps other cells from taking the current.

    Raises
    ------
    DivergedError
        A solution that was not found.

    Examples
    --------
    >>> import numpy as np
    >>> network = Network((("rows", 64), ("columns", 64)), "layered")
    >>> found = reach(network, [np.full((128, 128), 1e-5)], WriteLines(volts=2.0, ohm=5.0))
    >>> found.near < 2.01 < found.far, found.reached
    (True, True)
    """
    plane, seen = _densest(network, planes, symmetry, lines.tile_size)
    held, cell = (seen, SelectedCell()) if access is None else (access.written(seen), access.cell)
    m, n = held.shape
    near = _driven(held, (m - 1, 0), lines, cell)
    far = _driven(held, (0, n - 1), lines, cell)
    enough = far.arrived >= lines.volts * (1 - NEAR)
    return Reach(
        plane=PLANES[plane], rows=m, columns=n, near=near.volts, far=far.volts if enough else np.inf,
        arrived=far.arrived, disturbed=far.disturbed, power=far.power,
    )  # fmt: skip


def _driven(held: np.ndarray, place: tuple[int, int], lines: WriteLines, cell: SelectedCell) -> WritePulse:
    """Return the pulse that brings what is wanted to `place`, or the one of the largest voltage if none does."""
    most = write_pulse(held, place, lines.most, lines.ohm, lines.ohm, cell, scheme=lines.scheme)
    if most.converged and most.arrived < lines.volts:
        return most
    return write_volts(held, place, lines.volts, lines.ohm, lines.ohm, cell, most=lines.most, scheme=lines.scheme)


def _densest(
    network: Network, planes: Sequence[np.ndarray], symmetry: str, tile_size: int | None
) -> tuple[int, np.ndarray]:
    """Return the plane and the conductances (S) of the tile whose sum is the largest."""
    best, found = -1.0, (0, np.zeros((1, 1)))
    for plane, region in product(range(len(planes)), regions(network, symmetry)):
        block = planes[plane][region.rows, region.columns]
        for rows, columns in product(spans(0, block.shape[0], tile_size), spans(0, block.shape[1], tile_size)):
            total = float(block[rows, columns].sum(dtype=np.float64))
            if total > best:
                best, found = total, (plane, block[rows, columns].astype(np.float64))
    return found
