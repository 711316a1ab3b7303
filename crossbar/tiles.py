"""Tiles: an array larger than one crossbar can be is cut into squares, each with its own converters and wires."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crossbar.errors import InvalidValue
from crossbar.network import Patch


def spans(start: int, stop: int, size: int | None) -> Iterator[slice]:
    """Yield [start, stop) cut at the multiples of `size`, which are the borders of the tiles; whole when None.

    >>> [(piece.start, piece.stop) for piece in spans(100, 300, 128)]
    [(100, 128), (128, 256), (256, 300)]
    """
    if size is None:
        yield slice(start, stop)
        return
    if size < 1:
        raise InvalidValue(f"`tile_size` must be at least 1, but got {size}")
    while start < stop:
        end = min(stop, (start // size + 1) * size)
        yield slice(start, end)
        start = end


def by_target(patches: Sequence[Patch]) -> list[list[Patch]]:
    """Return `patches` in groups that share their targets, whose currents meet on the same lines."""
    groups: dict[int, list[Patch]] = {}
    for patch in patches:
        groups.setdefault(patch.targets.start, []).append(patch)
    return list(groups.values())


def partial_sums(group: Sequence[Patch], size: int | None) -> list[list[Patch]]:
    """Return the groups of patches whose currents one converter sees together.

    Without tiles (`size` None) all of `group` is one sum; with them every row of tiles has its own.
    """
    if size is None:
        return [list(group)]
    return [[piece] for patch in group for piece in _cut_rows(patch, size)]


def count(n_rows: int, n_columns: int, size: int | None) -> int:
    """Return how many tiles hold an array of that many rows and columns."""
    if size is None:
        return 1
    return len(list(spans(0, n_rows, size))) * len(list(spans(0, n_columns, size)))


def _cut_rows(patch: Patch, size: int) -> Iterator[Patch]:
    shift = patch.source_columns.start - patch.sources.start
    for piece in spans(patch.sources.start, patch.sources.stop, size):
        yield Patch(
            sources=piece,
            targets=patch.targets,
            source_columns=slice(piece.start + shift, piece.stop + shift),
            target_columns=patch.target_columns,
        )
