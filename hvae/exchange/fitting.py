"""A matrix from elsewhere as the weights of a network: what of it fits, and what does not."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network

ROUNDING = 1e-6  # of the largest weight: what counts as symmetric, and as zero


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """What of a matrix no Hopfield network of these blocks has.

    Attributes
    ----------
    asymmetry : float
        |W - W^T| / (2 |W|), Frobenius norms.
    diagonal : float
        Largest |W_ii|.
    astray : float
        Largest weight between neurons that do not couple, such as within a block of a layered network.
    beyond : int
        Weights larger than the limit that was given.
    largest : float
        Largest weight that fits.
    """

    asymmetry: float
    diagonal: float
    astray: float
    beyond: int
    largest: float

    def told(self) -> list[str]:
        """Return in a sentence each what does not fit."""
        size = max(self.largest, 1e-300)
        found = []
        if self.asymmetry > ROUNDING:
            found.append(f"it is not symmetric: |W - W^T| is {2 * self.asymmetry:.3g} of |W|")
        if self.diagonal > ROUNDING * size:
            found.append(f"neurons couple with themselves, by up to {self.diagonal:.3g}")
        if self.astray > ROUNDING * size:
            found.append(f"weights of up to {self.astray:.3g} stand where these blocks do not couple")
        if self.beyond:
            found.append(f"{self.beyond:,} weights lie beyond the range")
        return found

    def as_dict(self) -> dict[str, float]:
        """Return the numbers by name."""
        return asdict(self)


def fitted(
    matrix: np.ndarray, network: Network, *, limit: float | None = None, force: bool = False, place: str = "the matrix"
) -> tuple[np.ndarray, Misfit]:
    """Return the weights (N, N) of `network` that `matrix` holds, and what of it does not fit.

    Rounding is always mended. What is more than that is refused, or with `force` left out: the symmetric part stays,
    without its diagonal, without what does not couple, and clipped to `limit`.

    Raises
    ------
    InvalidValue
        Another shape; without `force`, weights that do not fit.
    """
    if matrix.shape != (network.size,) * 2:
        blocks = " + ".join(f"{size} {name}" for name, size in network.blocks)
        raise InvalidValue(f"{place} must be {(network.size,) * 2} for {blocks} neurons, but is {matrix.shape}")
    mask = network.mask()
    norm = float(np.linalg.norm(matrix.astype(np.float64)))
    even = (matrix + matrix.T) / 2 if not np.array_equal(matrix, matrix.T) else np.array(matrix)
    off_diagonal = ~mask & ~np.eye(network.size, dtype=bool)
    weights: np.ndarray = np.where(mask, even, 0).astype(matrix.dtype)
    misfit = Misfit(
        asymmetry=float(np.linalg.norm((matrix - matrix.T).astype(np.float64))) / (2 * norm) if norm else 0.0,
        diagonal=float(np.abs(matrix.diagonal()).max(initial=0)),
        astray=float(np.abs(matrix[off_diagonal]).max(initial=0)),
        beyond=0 if limit is None else int(np.count_nonzero(np.abs(weights) > limit)) // 2,
        largest=float(np.abs(weights).max(initial=0)),
    )
    if misfit.told() and not force:
        raise InvalidValue(f"{place} does not fit: {'; '.join(misfit.told())}. --force takes what fits")
    return (weights if limit is None else np.clip(weights, -limit, limit)), misfit


def layered(parts: list[np.ndarray], network: Network, places: list[str]) -> np.ndarray:
    """Return the matrix (N, N) of the weights between neighbouring blocks, (n_in, n_out) or torch's (n_out, n_in).

    Raises
    ------
    InvalidValue
        Not one matrix a pair of neighbours; a shape that is neither.
    """
    pairs = list(zip(network.blocks[:-1], network.blocks[1:], strict=True))
    if len(parts) != len(pairs):
        raise InvalidValue(f"{len(pairs)} matrices are needed, one between neighbouring blocks, but got {len(parts)}")
    matrix = np.zeros((network.size,) * 2, np.result_type(*parts))
    for part, place, ((one, n), (other, m)) in zip(parts, places, pairs, strict=True):
        if part.shape not in {(n, m), (m, n)}:
            raise InvalidValue(f"{place} must be {(n, m)} or {(m, n)}, from {one} to {other}, but is {part.shape}")
        whole = part if part.shape == (n, m) else part.T
        matrix[network.block(one), network.block(other)] = whole
        matrix[network.block(other), network.block(one)] = whole.T
    return matrix
