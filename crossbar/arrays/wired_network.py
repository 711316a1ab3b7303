"""A whole network behind its wires: the weights that reads find, and what each tile loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.matrix import assemble
from crossbar.arrays.regions import regions
from crossbar.arrays.resistive_tiles import Planes, WiredTile, WiredTiles, assembled
from crossbar.chip import Conductances
from crossbar.errors import InvalidValue, unknown_name
from crossbar.hopfield.network import Network
from crossbar.wires.compensation import compensated_conductances
from crossbar.wires.routes import RoutedLines

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "none": {},
    "both-ends": {"wire_ends": "both"},
    "column-gains": {"wire_gains": "columns"},
    "sensitivity-order": {"wire_order": "sensitivity"},
    "corrected-targets": {},
}
"""What each compensation changes in `crossbar.arrays.config.ArrayConfig`; the last one changes the devices instead."""

CORRECTED = "corrected-targets"
ROUNDS = 3  # of corrected targets


@dataclass(frozen=True, kw_only=True, slots=True)
class Compensation:
    """Compensations that act together, such as "both-ends+column-gains".

    Attributes
    ----------
    name : str
    settings : mapping of str to str
        For `ArrayConfig`.
    corrected : bool
        Whether devices are written so that reads through the wires find the targets.
    """

    name: str
    settings: Mapping[str, str]
    corrected: bool

    @classmethod
    def parse(cls, name: str) -> Compensation:
        """Return the compensation of that name, parts joined by "+".

        Raises
        ------
        UnknownName, InvalidValue
            No such compensation; two that exclude each other.
        """
        parts = [part.strip() for part in name.split("+")]
        for part in parts:
            if part not in SETTINGS:
                raise unknown_name("compensation", part, SETTINGS)
        if CORRECTED in parts and "sensitivity-order" in parts:
            raise InvalidValue("`corrected-targets` keeps the lines in their order: leave out sensitivity-order")
        settings = {key: value for part in parts for key, value in SETTINGS[part].items()}
        return cls(name="+".join(parts), settings=settings, corrected=CORRECTED in parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class WiredNetwork:
    """A network as reads find it through wires.

    Attributes
    ----------
    weights : ndarray (N, N)
    errors : ndarray (tiles,)
        Relative error of each tile's weights (Frobenius norm).
    kept : ndarray (tiles,)
        Share of its ideal current that leaves each tile when all lines are driven alike; gains leave it as it is.
    places : ndarray (tiles, 2)
        First row and column of each tile, as neurons.
    """

    weights: np.ndarray
    errors: np.ndarray
    kept: np.ndarray
    places: np.ndarray

    @property
    def asymmetry(self) -> float:
        """|W - W^T| / (2 |W|) in the Frobenius norm: 0 for symmetric weights, 1 for antisymmetric ones."""
        size = float(np.linalg.norm(self.weights))
        return float(np.linalg.norm(self.weights - self.weights.T)) / (2 * size) if size else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SolvedNetwork:
    """The tiles of a network, solved for; gains can be applied to them without solving again."""

    network: Network
    planes: tuple[Planes, ...]
    tiles: tuple[tuple[WiredTile, ...], ...]

    def through(self, gains: str) -> WiredNetwork:
        """Return the network as reads with `gains` ("none" or "columns") find it."""
        blocks = [assembled(one, tiles, gains) for one, tiles in zip(self.planes, self.tiles, strict=True)]
        pairs = [(one.region, tile) for one, tiles in zip(self.planes, self.tiles, strict=True) for tile in tiles]
        first = [(region.rows.start, region.columns.start) for region, _ in pairs]
        own = [(tile.rows.start, tile.columns.start) for _, tile in pairs]
        return WiredNetwork(
            weights=assemble(self.planes, blocks, self.network.size),
            errors=np.array([tile.error(gains, region.shared) for region, tile in pairs]),
            kept=np.array([tile.kept for _, tile in pairs]),
            places=np.array(first) + np.array(own),
        )  # fmt: skip


def place(network: Network, conductances: Conductances, symmetry: str) -> tuple[Planes, ...]:
    """Return the regions that hold the devices of a chip's network.

    Raises
    ------
    InvalidValue
        Devices that are not symmetric but shall be shared.
    """
    plus, minus = (np.asarray(plane, np.float32) for plane in (conductances.plus, conductances.minus))
    if symmetry == "shared" and not (np.array_equal(plus, plus.T) and np.array_equal(minus, minus.T)):
        raise InvalidValue("`symmetry` shared needs G = G^T, but the devices differ: choose two-device")
    return tuple(
        Planes(
            region=region, plus=plus[region.rows, region.columns], minus=minus[region.rows, region.columns],
            siemens_per_weight=conductances.siemens_per_weight,
        )
        for region in regions(network, symmetry)
    )  # fmt: skip


def solve_network(
    network: Network, planes: Sequence[Planes], config: ArrayConfig, compensation: Compensation,
    lines: RoutedLines | None = None,
) -> SolvedNetwork:  # fmt: skip
    """Return the tiles of `network` behind the wires of `config` with the ends, order and targets of `compensation`.

    `lines` stand in place of the segments of `config`, with a route at each end that is wired.
    """
    settings = replace(config, **compensation.settings)  # type: ignore[arg-type]
    wires = WiredTiles(config=settings, lines=lines)
    solved = []
    for number, wanted in enumerate(planes):
        written = corrected(wanted, wires) if compensation.corrected else wanted
        weights = (wanted.plus - wanted.minus) / wanted.siemens_per_weight
        if wanted.twice:
            weights = np.triu(weights, 1)
        tiles = wires.tiles(number, written)
        solved.append(tuple(replace(tile, weights=weights[tile.rows, tile.columns]) for tile in tiles))
    return SolvedNetwork(network=network, planes=tuple(planes), tiles=tuple(solved))


def corrected(planes: Planes, wires: WiredTiles, rounds: int = ROUNDS) -> Planes:
    """Return devices whose reads through `wires` come near to what `planes` hold, within their range.

    The range is that of the devices themselves: from the smallest conductance to the largest.
    """
    present = np.concatenate([plane[plane > 0] for plane in (planes.plus, planes.minus)])
    if present.size == 0 or present.min() == present.max():
        return planes
    low, high = float(present.min()), float(present.max())
    sides = []
    for plane in (planes.plus, planes.minus):
        out = np.triu(plane, 1) if planes.twice else plane.copy()
        for rows, columns in planes.tiles(wires.config.tile_size):
            wanted = out[rows, columns]
            out[rows, columns] = compensated_conductances(
                wanted, g_min=low, g_max=high, rounds=rounds, **wires.options(wanted.shape)
            )
        sides.append(out + out.T if planes.twice else out)
    return replace(planes, plus=sides[0], minus=sides[1])
