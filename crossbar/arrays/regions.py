"""Which rectangles of devices hold the couplings of a network."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network


@dataclass(frozen=True, slots=True)
class Region:
    """Rows and columns of W that one rectangle of devices holds.

    Attributes
    ----------
    rows, columns : slice
        Neurons that drive and neurons that are driven.
    shared : bool
        Whether the devices also serve the transposed direction. A shared square holds each pair once, above the
        diagonal; a copy below keeps reads simple.
    """

    rows: slice
    columns: slice
    shared: bool

    @property
    def square(self) -> bool:
        """Whether rows and columns are the same neurons, so that the diagonal is empty."""
        return self.rows == self.columns

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def places(self) -> int:
        """Places with a device: all, but for the diagonal of a square; those of a shared square count twice."""
        rows, columns = self.shape
        return rows * (columns - 1) if self.square else rows * columns


def regions(network: Network, symmetry: str) -> list[Region]:
    """Return the rectangles of devices that the couplings of `network` need.

    Raises
    ------
    InvalidValue
        One-way couplings within a dense network, whose neurons have no order.
    """
    if network.topology == "dense":
        if symmetry == "one-way":
            raise InvalidValue("`symmetry` 'one-way' needs a layered network, but got a dense one")
        return _dense(network, shared=symmetry == "shared")
    found = []
    for one, other in zip(network.names[:-1], network.names[1:], strict=True):
        found.append(Region(network.block(one), network.block(other), shared=symmetry == "shared"))
        if symmetry == "two-device":
            found.append(Region(network.block(other), network.block(one), shared=False))
    return found


def pieces_of(network: Network) -> list[slice]:
    """Return the neurons of a dense network, all together; blocks of linear ones, which do not couple, stand alone."""
    pieces: list[slice] = []
    joined = False
    for name in network.names:
        block, couples = network.block(name), network.couples(name, name)
        if joined and couples:
            pieces[-1] = slice(pieces[-1].start, block.stop)
        else:
            pieces.append(block)
        joined = couples
    return pieces


def _dense(network: Network, *, shared: bool) -> list[Region]:
    """Return one square of all neurons; blocks of linear ones, which have no devices within, are cut out of it."""
    pieces = pieces_of(network)
    linear = [network.block(name) for name in network.names if not network.couples(name, name)]
    found = [Region(piece, piece, shared=shared) for piece in pieces if piece not in linear]
    for one, other in combinations(pieces, 2):
        found.append(Region(one, other, shared=shared))
        if not shared:
            found.append(Region(other, one, shared=False))
    return found
