"""What wires with resistance make of the weights of an array, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from crossbar.array_cells import Cells
from crossbar.array_config import ArrayConfig
from crossbar.kernels.pulses import mirror_upper
from crossbar.line_network import Drive, Sense
from crossbar.tile_wires import TileMatrix, Wiring
from crossbar.tiles import spans
from crossbar.wires import effective_matrix

Tile = tuple[slice, slice]


@dataclass(slots=True, kw_only=True)
class WiredTiles:
    """The tiles of an array behind wires of a resistance.

    Each tile's devices are linear, so its currents are V^T G_eff with one dense matrix G_eff, which takes the place of
    its conductances. Word lines are driven at one end and bit lines held at ground at one end (or both); a transposed
    read drives the same ends of the bit lines, so that by reciprocity it sees G_eff^T: shared devices stay symmetric.
    On the diagonal of a shared square a tile holds the devices above the diagonal only, read in both directions. The
    conductance of a reference column is taken to stand in a tile of its own, with the same wires.

    Attributes
    ----------
    config : ArrayConfig
    renewed : dict
        The matrices that are solved anew only when their estimated error passes `wire_error` (`crossbar.tile_wires`).
    """

    config: ArrayConfig
    renewed: dict[tuple[int, int, int, int], TileMatrix] = field(default_factory=dict)

    def weights(self, number: int, cells: Cells, time: float) -> np.ndarray:
        """Return the weights (n_rows, n_cols) that reads of `cells`, the array's `number`-th, see."""
        mapping = cells.mapping
        planes = [mapping.siemens(plane) for plane in cells.planes(time)]
        if len(planes) == 1:
            planes.append(cells.reference())
        plus, minus = (self._effective(number, sign, plane, cells) for sign, plane in enumerate(planes))
        weights = ((plus - minus) / mapping.siemens_per_weight).astype(planes[0].dtype)
        if cells.region.square:
            np.fill_diagonal(weights, 0)
        return weights

    def _effective(self, number: int, sign: int, plane: np.ndarray, cells: Cells) -> np.ndarray:
        twice = cells.region.square and cells.region.shared
        if twice:
            plane = np.triu(plane, 1)
        elif cells.region.square:
            np.fill_diagonal(plane, 0)
        out = np.zeros(plane.shape)
        for rows, columns in tiles(cells, self.config.tile_size):
            place = (number, sign, rows.start, columns.start)
            out[rows, columns] = self._solved(place, plane[rows, columns].astype(np.float64))
            if twice and rows == columns:
                out[rows, columns] += out[rows, columns].T
        if twice:
            mirror_upper(out)
        return out

    def _solved(self, place: tuple[int, int, int, int], conductances: np.ndarray) -> np.ndarray:
        ohm, ends = self.config.wire_resistance, self.config.wire_ends
        drive: Drive = "both" if ends == "both" else "left"
        sense: Sense = "both" if ends == "both" else "bottom"
        if self.config.wire_error == 0:
            return effective_matrix(conductances, ohm, ohm, drive=drive, sense=sense)
        if place not in self.renewed:
            wiring = Wiring(r_word_line=ohm, r_bit_line=ohm, drive=drive, sense=sense)
            self.renewed[place] = TileMatrix(wiring, self.config.wire_error, np.random.default_rng(place))
        return self.renewed[place].matrix(conductances)


def tiles(cells: Cells, size: int | None) -> Iterator[Tile]:
    """Yield rows and columns, within `cells`, of each tile that holds devices of its own."""
    region = cells.region
    twice = region.square and region.shared
    for rows in spans(region.rows.start, region.rows.stop, size):
        for columns in spans(region.columns.start, region.columns.stop, size):
            if twice and columns.start < rows.start:
                continue
            yield (
                slice(rows.start - region.rows.start, rows.stop - region.rows.start),
                slice(columns.start - region.columns.start, columns.stop - region.columns.start),
            )
