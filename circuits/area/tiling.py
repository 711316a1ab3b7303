"""How a matrix of weights becomes tiles: what a rectangle or a triangle of W costs in devices and lines."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from circuits.area.architecture import Architecture


@dataclass(frozen=True, kw_only=True, slots=True)
class TileCount:
    """What a block of weights needs.

    Attributes
    ----------
    n_weights : int
        Weights that exist (the diagonal of W does not).
    n_memristors : int
        Devices, those of reference columns included.
    n_tiles : int
    n_line_ends : int
        Ends of tile lines that need a switch and a write driver: rows of every tile and columns of every tile.
    n_tile_columns : int
        Columns of all tiles; each hands a partial sum to the tile above.
    n_replicas : int
        Devices beside the weights that hold the mean conductance of a tile's line, see `with_replicas`.
    """

    n_weights: int = 0
    n_memristors: int = 0
    n_tiles: int = 0
    n_line_ends: int = 0
    n_tile_columns: int = 0
    n_replicas: int = 0

    def with_replicas(self) -> TileCount:
        """Return this count with the replicas of the half layout: a row and a column of devices more for each tile.

        A line that drives and senses at once knows what it delivers, s_i v_i - sum_j G_ij v_j with s_i the sum of its
        devices; to tell the two apart a replica delivers s_i v_i (`circuits.cells.driver.shared_driver`). One device of
        the line's mean conductance does, whose current is mirrored up by the number of devices on the line.
        """
        return replace(
            self,
            n_replicas=self.n_line_ends,
            n_line_ends=self.n_line_ends + 2 * self.n_tiles,
            n_tile_columns=self.n_tile_columns + self.n_tiles,
        )

    def __add__(self, other: TileCount) -> TileCount:
        return TileCount(
            n_weights=self.n_weights + other.n_weights,
            n_memristors=self.n_memristors + other.n_memristors,
            n_tiles=self.n_tiles + other.n_tiles,
            n_line_ends=self.n_line_ends + other.n_line_ends,
            n_tile_columns=self.n_tile_columns + other.n_tile_columns,
            n_replicas=self.n_replicas + other.n_replicas,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Rectangle:
    """Weights from `rows` neurons to `columns` neurons, of which `n_absent` do not exist (neurons to themselves)."""

    rows: int
    columns: int
    n_absent: int = 0

    def count(self, architecture: Architecture) -> TileCount:
        """Return what the rectangle needs."""
        n_weights = self.rows * self.columns - self.n_absent
        column_tiles = _ceil(self.columns, architecture.weights_per_tile)
        n_columns = _physical_columns(self.columns, column_tiles, architecture)
        row_tiles = _ceil(self.rows, architecture.tile)
        return TileCount(
            n_weights=n_weights,
            n_memristors=_n_memristors(n_weights, self.rows * column_tiles, architecture),
            n_tiles=row_tiles * column_tiles,
            n_line_ends=self.rows * column_tiles + n_columns * row_tiles,
            n_tile_columns=n_columns * row_tiles,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Triangle:
    """Weights among `size` neurons, one for each of the size (size - 1) / 2 pairs: i < j."""

    size: int

    def count(self, architecture: Architecture) -> TileCount:
        """Return what the triangle needs: the tiles that hold at least one pair."""
        row_starts = np.arange(0, self.size, architecture.tile)
        column_starts = np.arange(0, self.size, architecture.weights_per_tile)
        rows = np.minimum(self.size - row_starts, architecture.tile)[:, None]
        columns = np.minimum(self.size - column_starts, architecture.weights_per_tile)[None, :]
        used = column_starts[None, :] + columns - 1 > row_starts[:, None]
        physical = 2 * columns if architecture.weights == "pair" else columns + 1
        n_weights = self.size * (self.size - 1) // 2
        n_tile_columns = int((used * physical).sum())
        n_tile_rows = int((used * rows).sum())
        return TileCount(
            n_weights=n_weights,
            n_memristors=_n_memristors(n_weights, n_tile_rows, architecture),
            n_tiles=int(used.sum()),
            n_line_ends=n_tile_rows + n_tile_columns,
            n_tile_columns=n_tile_columns,
        )


def _physical_columns(columns: int, column_tiles: int, architecture: Architecture) -> int:
    return 2 * columns if architecture.weights == "pair" else columns + column_tiles


def _n_memristors(n_weights: int, n_references: int, architecture: Architecture) -> int:
    return 2 * n_weights if architecture.weights == "pair" else n_weights + n_references


def _ceil(count: int, size: int) -> int:
    return -(-count // size)
