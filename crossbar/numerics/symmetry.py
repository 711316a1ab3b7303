"""Kernels on symmetric matrices."""

from numba import njit

_TILE = 64


@njit(cache=True)
def add_transpose(matrix):
    """Replace a square `matrix` by matrix + matrix^T with a zero diagonal, in place, tile by tile."""
    size = matrix.shape[0]
    tiles = (size + _TILE - 1) // _TILE
    for tile in range(tiles):
        first, last = tile * _TILE, min(size, (tile + 1) * _TILE)
        for start in range(first, size, _TILE):
            for i in range(first, last):
                for j in range(max(start, i + 1), min(size, start + _TILE)):
                    total = matrix[i, j] + matrix[j, i]
                    matrix[i, j] = total
                    matrix[j, i] = total
        for i in range(first, last):
            matrix[i, i] = 0
