"""What an array's wires remember, as plain arrays: kept matrices and the order of lines, so that a run goes on exactly.

A kept matrix follows from the conductances it was solved for and from the count of its renewals, which seeds its
probes (`crossbar.wires.effective`): these two are stored, and the matrix is solved for again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from crossbar.arrays.cells import Cells
from crossbar.arrays.resistive_tiles import Planes, Tile, WiredTiles
from crossbar.wires.compensation import LineOrder

PREFIX = "wires"


def gather(wires: WiredTiles, cells: Sequence[Cells]) -> dict[str, np.ndarray]:
    """Return the arrays, of the same names and shapes at any time; none where the wires remember nothing."""
    state: dict[str, np.ndarray] = {}
    if wires.config.wire_resistance == 0:
        return state
    for number, one in enumerate(cells):
        places = list(_places(wires, one))
        if wires.config.wire_error > 0:
            state |= _matrices(wires, number, one, places)
        if wires.config.wire_order != "given":
            state |= _orders(wires, number, places)
    return state


def scatter(wires: WiredTiles, cells: Sequence[Cells], state: Mapping[str, np.ndarray]) -> None:
    """Let `wires` remember what `gather` returned."""
    wires.renewed.clear()
    wires.orders.clear()
    for number, one in enumerate(cells):
        for at, (rows, columns) in enumerate(_places(wires, one)):
            for sign in (0, 1):
                count = int(state[f"{PREFIX}{number}/renewals"][sign, at]) if _name(number, sign) in state else 0
                if count:
                    kept = np.asarray(state[_name(number, sign)][rows, columns], np.float64)
                    wires.tile_matrix((number, sign, rows.start, columns.start), kept.shape).restore(kept, count)
            if f"{PREFIX}{number}/rows" in state and state[f"{PREFIX}{number}/ordered"][at]:
                wires.orders[number, rows.start, columns.start] = LineOrder(
                    rows=state[f"{PREFIX}{number}/rows"][at, : rows.stop - rows.start].copy(),
                    columns=state[f"{PREFIX}{number}/columns"][at, : columns.stop - columns.start].copy(),
                )


def _places(wires: WiredTiles, cells: Cells) -> list[Tile]:
    empty = np.empty(cells.region.shape)
    planes = Planes(region=cells.region, plus=empty, minus=empty, siemens_per_weight=1.0)
    return list(planes.tiles(wires.config.tile_size))


def _name(number: int, sign: int) -> str:
    return f"{PREFIX}{number}/solved{sign}"


def _matrices(wires: WiredTiles, number: int, cells: Cells, places: Sequence[Tile]) -> dict[str, np.ndarray]:
    """Return the conductances (n_rows, n_cols) that matrices were solved for, and the renewals (2, tiles)."""
    renewals = np.zeros((2, len(places)), np.int64)
    state: dict[str, np.ndarray] = {f"{PREFIX}{number}/renewals": renewals}
    for sign in (0, 1):
        solved: np.ndarray = np.zeros(cells.region.shape, wires.config.kind)
        for at, (rows, columns) in enumerate(places):
            kept = wires.renewed.get((number, sign, rows.start, columns.start))
            if kept is not None and kept.renewals:
                renewals[sign, at] = kept.renewals
                solved[rows, columns] = kept.solved_for
        state[_name(number, sign)] = solved
    return state


def _orders(wires: WiredTiles, number: int, places: Sequence[Tile]) -> dict[str, np.ndarray]:
    """Return the order of lines in each tile, padded with zeros, and which tiles have one."""
    longest = [max((span.stop - span.start for span in spans), default=0) for spans in zip(*places, strict=True)]
    rows_of, columns_of = (np.zeros((len(places), size), np.int64) for size in longest)
    ordered = np.zeros(len(places), bool)
    for at, (rows, columns) in enumerate(places):
        order = wires.orders.get((number, rows.start, columns.start))
        if order is not None:
            ordered[at] = True
            rows_of[at, : len(order.rows)], columns_of[at, : len(order.columns)] = order.rows, order.columns
    prefix = f"{PREFIX}{number}"
    return {f"{prefix}/rows": rows_of, f"{prefix}/columns": columns_of, f"{prefix}/ordered": ordered}
