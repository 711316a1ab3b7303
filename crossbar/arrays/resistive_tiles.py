"""What wires with resistance make of the weights of an array, tile by tile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crossbar.arrays.cells import Cells
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.regions import Region
from crossbar.arrays.tiles import spans
from crossbar.numerics import threads
from crossbar.numerics.mirror import mirror_upper
from crossbar.wires.compensation import LineOrder, column_gains, line_gains, order_by_sensitivity
from crossbar.wires.effective import TileMatrix, Wiring, own_slopes
from crossbar.wires.lines import Drive, Sense
from crossbar.wires.routes import RoutedLines
from crossbar.wires.solver import effective_matrix

Tile = tuple[slice, slice]
Place = tuple[int, int, int, int]  # number of the region, sign of the plane, first row and column


@dataclass(frozen=True, kw_only=True, slots=True)
class Planes:
    """The devices of one region, w_ij = (plus_ij - minus_ij) / siemens_per_weight.

    Attributes
    ----------
    region : Region
    plus, minus : ndarray (n_rows, n_cols)
        S; 0 is an open cell.
    siemens_per_weight : float
    """

    region: Region
    plus: np.ndarray
    minus: np.ndarray
    siemens_per_weight: float

    @classmethod
    def of(cls, cells: Cells, time: float) -> Planes:
        """Return the devices of `cells`, `time` seconds after they were written."""
        plus, minus = cells.conductances(time)
        return cls(region=cells.region, plus=plus, minus=minus, siemens_per_weight=cells.mapping.siemens_per_weight)

    @property
    def twice(self) -> bool:
        """Whether the devices lie above a diagonal and are read in both directions."""
        return self.region.square and self.region.shared

    def tiles(self, size: int | None) -> Iterator[Tile]:
        """Yield rows and columns, within the region, of each tile that holds devices of its own."""
        n_rows, n_columns = self.region.shape
        for rows in spans(0, n_rows, size):
            for columns in spans(0, n_columns, size):
                if not (self.twice and columns.start < rows.start):
                    yield rows, columns


@dataclass(frozen=True, kw_only=True, slots=True)
class WiredTile:
    """One tile behind its wires.

    Attributes
    ----------
    rows, columns : slice
        Within the region.
    weights, seen : ndarray (m, n)
        What the devices hold, and what reads find without any gain.
    kept : float
        Share of the ideal current that leaves the tile when all its lines are driven alike.
    slopes : tuple of ndarray (m, n)
        d M_ij / d G_ij of both planes: how much of what a device fluctuates by reaches its own output; empty where no
        device fluctuates.
    """

    rows: slice
    columns: slice
    weights: np.ndarray
    seen: np.ndarray
    kept: float
    slopes: tuple[np.ndarray, ...]

    def gained(self, gains: str, shared: bool) -> np.ndarray:
        """Return what reads find (m, n) after the gains that come nearest to `weights`.

        Shared devices are read in both directions, and every line has one gain, as a row and as a column, so that both
        directions still agree; else every column has one.
        """
        return self.seen * self._factors(gains, shared)

    def gained_slopes(self, gains: str, shared: bool) -> tuple[np.ndarray, ...]:
        """Return the slopes (m, n) of both planes after the same gains."""
        factors = self._factors(gains, shared)
        return tuple(slope * factors for slope in self.slopes)

    def _factors(self, gains: str, shared: bool) -> np.ndarray:
        if gains == "none":
            return np.ones(1)
        if not shared:
            return column_gains(self.weights, self.seen)
        rows, columns = line_gains(self.weights, self.seen)
        return rows[:, np.newaxis] * columns

    def error(self, gains: str, shared: bool) -> float:
        """Return the error of what reads find, relative to the weights (Frobenius norm)."""
        size = float(np.linalg.norm(self.weights))
        return float(np.linalg.norm(self.gained(gains, shared) - self.weights)) / size if size else 0.0


@dataclass(slots=True, kw_only=True)
class WiredTiles:
    """The tiles of an array behind wires of a resistance.

    Each tile's devices are linear, so its currents are V^T G_eff with one dense matrix G_eff, which takes the place of
    its conductances. Word lines are driven at one end and bit lines held at ground at one end (or both); a transposed
    read drives the same ends of the bit lines, so that by reciprocity it sees G_eff^T: shared devices stay symmetric.
    Two devices a pair lie at different places of their tiles, and W = W^T is broken.
    On the diagonal of a shared square a tile holds the devices above the diagonal only, read in both directions. Both
    planes of a pair, and a reference column's conductance, stand in tiles of their own with the same wires.

    Attributes
    ----------
    config : ArrayConfig
    renewed : dict
        The matrices that are solved anew only when their estimated error passes `wire_error`
        (`crossbar.wires.effective`).
    orders : dict
        Which line carries which row and column of a tile, where `wire_order` is "sensitivity": chosen when the tile is
        first read, and kept.
    lines : RoutedLines, optional
        Segments and routes of every tile's lines, in place of `wire_resistance`; each tile has routes of its own.
    """

    config: ArrayConfig
    renewed: dict[Place, TileMatrix] = field(default_factory=dict)
    orders: dict[tuple[int, int, int], LineOrder] = field(default_factory=dict)
    lines: RoutedLines | None = None

    @property
    def renewals(self) -> int:
        """How many matrices were solved for in order to be kept."""
        return sum(tile.renewals for tile in self.renewed.values())

    @property
    def error(self) -> float:
        """Largest relative error of a tile's matrix, as it is estimated now; 0 where every change is solved for."""
        return max((tile.estimate for tile in self.renewed.values()), default=0.0)

    def seen(self, number: int, cells: Cells, time: float) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Return the weights and the slopes of both planes, (n_rows, n_cols) all, that reads of `cells` see.

        `cells` are the array's `number`-th. A slope is d w_ij siemens_per_weight / d G_ij, gains included; there are
        none where no device fluctuates.
        """
        planes, gains = Planes.of(cells, time), self.config.wire_gains
        tiles = list(self.tiles(number, planes))
        slopes = [tile.gained_slopes(gains, planes.region.shared) for tile in tiles]
        return assembled(planes, tiles, gains), tuple(placed(planes, tiles, side) for side in zip(*slopes, strict=True))

    def tiles(self, number: int, planes: Planes) -> list[WiredTile]:
        """Return every tile of the array's `number`-th region; they are solved for side by side."""
        sides = [np.asarray(plane, np.float64) for plane in (planes.plus, planes.minus)]
        if planes.twice:
            sides = [np.triu(plane, 1) for plane in sides]
        places = list(planes.tiles(self.config.tile_size))
        if self.config.wire_error > 0:  # what keeps their matrices is made in order, and then only looked up
            for rows, columns in places:
                for sign in (0, 1):
                    shape = sides[sign][rows, columns].shape
                    self.tile_matrix((number, sign, rows.start, columns.start), shape)
        return threads.each(lambda place: self._tile(number, planes, sides, *place), places)

    def _tile(self, number: int, planes: Planes, sides: list[np.ndarray], rows: slice, columns: slice) -> WiredTile:
        pair = [plane[rows, columns] for plane in sides]
        order = self._order(number, rows, columns, pair)
        seen = [self._solved((number, sign, rows.start, columns.start), part, order) for sign, part in enumerate(pair)]
        whole = float(pair[0].sum() + pair[1].sum())
        return WiredTile(
            rows=rows, columns=columns, weights=(pair[0] - pair[1]) / planes.siemens_per_weight,
            seen=(seen[0] - seen[1]) / planes.siemens_per_weight,
            slopes=self._slopes(pair, order, planes.twice and rows == columns),
            kept=float(seen[0].sum() + seen[1].sum()) / whole if whole else 1.0,
        )  # fmt: skip

    def options(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Return resistances and ends of a tile of `shape`, as the solvers of `crossbar.wires.solver` take them."""
        ohm, both = self.config.wire_resistance, self.config.wire_ends == "both"
        drive: Drive = "both" if both else "left"
        sense: Sense = "both" if both else "bottom"
        if self.lines is None:
            return {"r_word_line": ohm, "r_bit_line": ohm, "drive": drive, "sense": sense}
        rows, columns = shape
        words, bits = self.lines.words(columns, drive), self.lines.bits(rows, sense)
        return {"r_word_line": words, "r_bit_line": bits, "drive": drive, "sense": sense}

    def tile_matrix(self, place: Place, shape: tuple[int, int]) -> TileMatrix:
        """Return what keeps the matrix of the tile of `shape` at `place`, made when it is first asked for."""
        if place not in self.renewed:
            self.renewed[place] = TileMatrix(Wiring(**self.options(shape)), self.config.wire_error, place)
        return self.renewed[place]

    def _order(self, number: int, rows: slice, columns: slice, pair: list[np.ndarray]) -> LineOrder | None:
        if self.config.wire_order == "given":
            return None
        place = (number, rows.start, columns.start)
        if place not in self.orders:
            self.orders[place] = order_by_sensitivity(pair[0] + pair[1])
        return self.orders[place]

    def _slopes(self, pair: Sequence[np.ndarray], order: LineOrder | None, twice: bool) -> tuple[np.ndarray, ...]:
        if self.config.read_noise.off:
            return ()
        wiring = Wiring(**self.options(pair[0].shape))
        slopes = [own_slopes(side if order is None else order.place(side), wiring) for side in pair]
        slopes = slopes if order is None else [order.restore(one) for one in slopes]
        return tuple(np.triu(one, 1) for one in slopes) if twice else tuple(slopes)

    def _solved(self, place: Place, conductances: np.ndarray, order: LineOrder | None) -> np.ndarray:
        physical = conductances if order is None else order.place(conductances)
        if self.config.wire_error == 0:
            matrix = effective_matrix(physical, **self.options(physical.shape))
        else:
            matrix = self.tile_matrix(place, physical.shape).matrix(physical)
        return matrix if order is None else order.restore(matrix)


def assembled(planes: Planes, tiles: Iterable[WiredTile], gains: str) -> np.ndarray:
    """Return the weights (n_rows, n_cols) of a region from its tiles."""
    tiles = list(tiles)
    return placed(planes, tiles, [tile.gained(gains, planes.region.shared) for tile in tiles])


def placed(planes: Planes, tiles: Iterable[WiredTile], blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Return the matrix (n_rows, n_cols) of a region of which each of `tiles` has one of `blocks`."""
    out: np.ndarray = np.zeros(planes.plus.shape, planes.plus.dtype)
    for tile, block in zip(tiles, blocks, strict=True):
        if planes.twice and tile.rows == tile.columns:
            block = block + block.T
        out[tile.rows, tile.columns] = block
    if planes.twice:
        mirror_upper(out)
    if planes.region.square:
        np.fill_diagonal(out, 0)
    return out
