"""Symmetric weights as their upper triangles: half the bytes, in files that numpy reads without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from crossbar.errors import CorruptFile


def pack(weights: np.ndarray) -> np.ndarray:
    """Return what stands above the diagonal of a symmetric matrix (N, N), row by row, (N (N - 1) / 2,)."""
    return weights[np.triu_indices(len(weights), 1)]


def unpack(triangle: np.ndarray) -> np.ndarray:
    """Return the symmetric matrix (N, N) with zero diagonal whose upper triangle was packed.

    Raises
    ------
    CorruptFile
        There is no N that makes so many numbers.

    Examples
    --------
    >>> unpack(np.array([1.0, 2.0, 3.0]))
    array([[0., 1., 2.],
           [1., 0., 3.],
           [2., 3., 0.]])
    """
    size = round((1 + np.sqrt(1 + 8 * len(triangle))) / 2)
    if size * (size - 1) // 2 != len(triangle):
        raise CorruptFile(f"{len(triangle)} numbers are no upper triangle: the file is damaged")
    weights = np.zeros((size, size), triangle.dtype)
    weights[np.triu_indices(size, 1)] = triangle
    return weights + weights.T


class Shelf:
    """A folder of at most `files` files ``weights-K.npz`` of at most `limit` bytes, filled one after the other."""

    def __init__(self, folder: Path, files: int = 6, limit: int = 15 << 20) -> None:
        self.folder, self.files, self.limit = folder, files, limit
        self.held: list[dict[str, np.ndarray]] = []

    def put(self, arrays: Mapping[str, np.ndarray]) -> bool:
        """Write `arrays` (N, N) by name; return whether there was room for all of them, else none is written."""
        before = [dict(one) for one in self.held]
        for name, array in arrays.items():
            triangle = pack(array)
            place = next((one for one in self.held if _bytes(one) + triangle.nbytes <= self.limit), None)
            if place is None:
                place = {}
                self.held.append(place)
            place[name] = triangle
        if len(self.held) > self.files or any(_bytes(one) > self.limit for one in self.held):
            self.held = before
            return False
        for number, one in enumerate(self.held):
            if number >= len(before) or one.keys() != before[number].keys():
                np.savez(self.folder / f"weights-{number}.npz", **one)  # type: ignore[arg-type]
        return True


def _bytes(arrays: Mapping[str, np.ndarray]) -> int:
    return sum(array.nbytes for array in arrays.values())


def read(folder: Path) -> dict[str, np.ndarray]:
    """Return all weights (N, N) that lie in the ``weights-K.npz`` of `folder`, by name."""
    found = {}
    for path in sorted(folder.glob("weights-*.npz")):
        with np.load(path, allow_pickle=False) as file:
            found.update({name: unpack(file[name]) for name in file.files})
    return found
