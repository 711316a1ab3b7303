"""Orthogonalised momentum: steps that move every direction of a weight matrix alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement

import numpy as np

from hvae.models.hopfield import Parameters

Blocks = Mapping[str, Sequence[slice]]
"""By parameter: the neurons of each block of a symmetric matrix. What is not named is one matrix, with no symmetry."""

POLYNOMIALS = (
    (8.3837, -24.7659, 18.3571),
    (4.0434, -3.0114, 0.5695),
    (3.5056, -2.6267, 0.5257),
    (2.4901, -1.8343, 0.4368),
)
"""a, b, c of x <- a x + b x^3 + c x^5, one after the other: singular values from 0.003 to 1 end between 0.80 and 1.21.

Each is the odd quintic that is nearest 1, at worst, on what the one before left (Amsel et al., see `Muon`); found by
linear programming. Five steps of one polynomial (Jordan et al.) end between 0.68 and 1.21 and teach as much.
"""


def orthogonalised(matrix: np.ndarray) -> np.ndarray:
    """Return U f(S) V^T of `matrix` = U S V^T (n, m), with every f(S) near 1, by the odd `POLYNOMIALS`.

    Singular values below 0.003 of the Frobenius norm stay smaller. Zeros stay zeros.

    Examples
    --------
    >>> import numpy as np
    >>> orthogonalised(np.diag([3.0, 0.2])).round(1)
    array([[1.2, 0. ],
           [0. , 1.2]])
    """
    norm = np.linalg.norm(matrix)
    if norm == 0:
        return np.zeros_like(matrix)
    tall = matrix.shape[0] > matrix.shape[1]
    x = np.ascontiguousarray(matrix.T if tall else matrix) / norm
    diagonal = np.diag_indices(len(x))
    for a, b, c in POLYNOMIALS:
        square = x @ x.T
        factor = square @ square.T  # numpy makes half of a product with its own transpose
        factor *= x.dtype.type(c)
        square *= x.dtype.type(b)
        factor += square
        factor[diagonal] += x.dtype.type(a)
        x = factor @ x
    return x.T if tall else x


def pairs(blocks: Sequence[slice]) -> Iterator[tuple[slice, slice]]:
    """Return the rows and columns of every pair of `blocks`, each pair once: diagonal blocks, and those above."""
    return combinations_with_replacement(blocks, 2)


@dataclass(kw_only=True)
class Muon:
    """w <- (1 - lr decay) w - lr sqrt(max(n, m)) orthogonalised(g + momentum v), v <- momentum v + g, block by block.

    The gradient of a Hopfield network has a few singular values far above all others: its signals are near 1/2, so that
    S S^T points along their mean. They bound the learning rate of plain descent, and the rest hardly moves. Here all
    singular values of a step are about 1. As an orthogonal matrix of n x m has entries of 1 / sqrt(max(n, m)), the
    root mean square of a step is near `lr` for square blocks.

    A symmetric matrix is taken block by block (pixels with hidden neurons, hidden among themselves, ...), as the
    gradients of latents and pixels have different sizes. W stays symmetric to the last bit, with a zero diagonal.

    Attributes
    ----------
    blocks : mapping of str to sequence of slice
    momentum, weight_decay : float
    state : dict of str to ndarray
        The velocities v.

    References
    ----------
    Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), kellerjordan.github.io/posts/muon;
    Bernstein and Newhouse, arXiv:2409.20325, derive it as steepest descent in the spectral norm; Amsel, Persson, Musco
    and Gower, "The Polar Express", arXiv:2505.16932 (the polynomials). We depart from them in the symmetric matrices,
    and step all weights so, those of pixels and latents too.
    """

    blocks: Blocks
    momentum: float = 0.0
    weight_decay: float = 0.0
    state: Parameters = field(default_factory=dict)

    def shapes(self, parameters: Parameters) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the velocities."""
        return {f"velocity/{name}": weights.shape for name, weights in parameters.items()}

    def step(self, parameters: Parameters, gradients: Mapping[str, np.ndarray], learning_rate: float) -> None:
        """Make one step."""
        for name, weights in parameters.items():
            number = weights.dtype.type
            velocity = self.state.setdefault(f"velocity/{name}", np.zeros_like(weights))
            velocity *= number(self.momentum)
            velocity += gradients[name]
            ahead = gradients[name] + number(self.momentum) * velocity
            if self.weight_decay:
                weights *= number(1 - learning_rate * self.weight_decay)
            if name in self.blocks:
                for rows, columns in pairs(self.blocks[name]):
                    _step_symmetric(weights, ahead[rows, columns], rows, columns, number(learning_rate))
            else:
                weights -= _change(ahead, number(learning_rate))


def _change(direction: np.ndarray, rate: np.floating) -> np.ndarray:
    """Return what a step takes from weights (n, m), or from a vector, which is a matrix of one row."""
    matrix = np.atleast_2d(direction)
    scale = rate * matrix.dtype.type(np.sqrt(max(matrix.shape)))
    return (scale * orthogonalised(matrix)).reshape(direction.shape)


def _step_symmetric(
    weights: np.ndarray, direction: np.ndarray, rows: slice, columns: slice, rate: np.floating
) -> None:
    """Change the block `rows` x `columns` of `weights`, and its mirror image; one without a gradient stays."""
    if not direction.any():
        return
    change = _change(direction, rate)
    if rows == columns:
        change = (change + change.T) * weights.dtype.type(0.5)
        np.fill_diagonal(change, 0)
        weights[rows, rows] -= change
    else:
        weights[rows, columns] -= change
        weights[columns, rows] = weights[rows, columns].T
