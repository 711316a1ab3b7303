"""Tiles: an array larger than one crossbar can be is cut into squares, each with its own converters and wires."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from crossbar.arrays.regions import pieces_of
from crossbar.hopfield.network import Network, Patch
from crossbar.numerics import checks


def spans(start: int, stop: int, size: int | None) -> Iterator[slice]:
    """Yield [start, stop) cut at the multiples of `size`, the borders of tiles counted from 0; whole when None.

    >>> [(piece.start, piece.stop) for piece in spans(100, 300, 128)]
    [(100, 128), (128, 256), (256, 300)]
    """
    if size is None:
        yield slice(start, stop)
        return
    checks.at_least("tile_size", size, 1)
    while start < stop:
        end = min(stop, (start // size + 1) * size)
        yield slice(start, end)
        start = end


def by_target(patches: Sequence[Patch]) -> list[list[Patch]]:
    """Return `patches` in groups that share their targets, whose currents meet on the same lines.

    One that reaches beyond the targets of another is cut there: linear neurons are driven by others than their
    neighbours are.
    """
    edges = {edge for patch in patches for edge in (patch.targets.start, patch.targets.stop)}
    groups: dict[int, list[Patch]] = {}
    for patch in patches:
        for piece in _cut_columns(patch, edges):
            groups.setdefault(piece.targets.start, []).append(piece)
    return list(groups.values())


def origins(network: Network) -> tuple[int, ...]:
    """Return the neurons at which the tiles of an array begin: the first of all, or of each block of a layered network.

    A dense network is one array, but for blocks of linear neurons, whose rows and columns are arrays of their own; a
    layered one has an array between any two neighbouring blocks.
    """
    if network.topology == "dense":
        return tuple(piece.start for piece in pieces_of(network))
    return tuple(network.block(name).start for name in network.names)


def partial_sums(group: Sequence[Patch], size: int | None, starts: Sequence[int]) -> list[list[Patch]]:
    """Return the groups of patches whose currents one converter sees together.

    Without tiles (`size` None) all of `group` is one sum; with them every row of tiles has its own, whatever patches
    lie in it. The arrays of tiles begin at the neurons `starts` (`origins`).
    """
    if size is None:
        return [list(group)]
    rows: dict[tuple[int, int], list[Patch]] = {}
    for patch in group:
        for start, part in _from_starts(patch, starts):
            for piece in _cut_rows(part, size, start):
                rows.setdefault((start, (piece.sources.start - start) // size), []).append(piece)
    return list(rows.values())


def count(n_rows: int, n_columns: int, size: int | None) -> int:
    """Return how many tiles hold an array of that many rows and columns."""
    if size is None:
        return 1
    return len(list(spans(0, n_rows, size))) * len(list(spans(0, n_columns, size)))


def _from_starts(patch: Patch, starts: Sequence[int]) -> Iterator[tuple[int, Patch]]:
    """Yield `patch` cut where arrays begin, each part with the start of its array."""
    shift = patch.source_columns.start - patch.sources.start
    inner = sorted(start for start in starts if patch.sources.start < start < patch.sources.stop)
    for first, stop in pairwise((patch.sources.start, *inner, patch.sources.stop)):
        part = Patch(
            sources=slice(first, stop),
            targets=patch.targets,
            source_columns=slice(first + shift, stop + shift),
            target_columns=patch.target_columns,
        )
        yield max(start for start in starts if start <= first), part


def _cut_columns(patch: Patch, edges: set[int]) -> Iterator[Patch]:
    inner = sorted(edge for edge in edges if patch.targets.start < edge < patch.targets.stop)
    shift = patch.target_columns.start - patch.targets.start
    for first, stop in pairwise((patch.targets.start, *inner, patch.targets.stop)):
        yield Patch(
            sources=patch.sources,
            targets=slice(first, stop),
            source_columns=patch.source_columns,
            target_columns=slice(first + shift, stop + shift),
        )


def _cut_rows(patch: Patch, size: int, start: int) -> Iterator[Patch]:
    shift = patch.source_columns.start - patch.sources.start
    for piece in spans(patch.sources.start - start, patch.sources.stop - start, size):
        first, stop = piece.start + start, piece.stop + start
        yield Patch(
            sources=slice(first, stop),
            targets=patch.targets,
            source_columns=slice(first + shift, stop + shift),
            target_columns=patch.target_columns,
        )
