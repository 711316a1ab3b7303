"""The direct solution of a crossbar: Kirchhoff's equations of all nodes in one sparse factorisation."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import splu

from crossbar.errors import InvalidValue
from crossbar.wires.lines import LineNetwork


def nodal_voltages(network: LineNetwork, voltages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return word and bit voltages, both (k, m, n), for drivers at `voltages` (m, k).

    L x = 0 at inner nodes, L the Laplacian of all resistors; nodes that a segment of zero resistance joins are one.
    Memory and time are those of a sparse factorisation, seconds at 512 x 512 where iteration takes milliseconds:
    the way out when the iteration stalls.
    """
    m, n = network.conductances.shape
    cells, drivers = m * n, np.arange(2 * m * n, 2 * m * n + m)
    ground = drivers[-1] + 1
    starts, ends, resistances = _wires(network, drivers, ground)
    joined = resistances == 0
    count, merged = csgraph.connected_components(
        sparse.coo_matrix((np.ones(joined.sum()), (starts[joined], ends[joined])), shape=(ground + 1, ground + 1)),
        directed=False,
    )
    starts = np.concatenate([starts[~joined], np.arange(cells)])
    ends = np.concatenate([ends[~joined], np.arange(cells, 2 * cells)])
    weights = np.concatenate([1 / resistances[~joined], network.conductances.ravel()])
    laplacian = _laplacian(merged[starts], merged[ends], weights, count)
    held = np.append(merged[drivers], merged[ground])
    potentials = np.zeros((count, voltages.shape[1]))
    potentials[held] = np.vstack([voltages, np.zeros((1, voltages.shape[1]))])
    free = np.setdiff1d(np.arange(count), held)
    if free.size:
        potentials[free] = _solve_twice(laplacian[free][:, free], -(laplacian[free][:, held] @ potentials[held]))
    nodes = potentials[merged[: 2 * cells]].T.reshape(-1, 2, m, n)
    return nodes[:, 0], nodes[:, 1]


def _wires(network: LineNetwork, drivers: np.ndarray, ground: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return both nodes and the resistance of every wire segment; word nodes come first, then bit nodes."""
    m, n = network.conductances.shape
    words = np.arange(m * n).reshape(m, n)
    bits = words + m * n
    left = np.hstack([drivers[:, np.newaxis], words[:, :-1]])
    below = np.vstack([bits[1:], np.full((1, n), ground)])
    right, top = np.isfinite(network.word_far), np.isfinite(network.bit_far)
    starts = [left.ravel(), below.ravel(), drivers[right], np.full(top.sum(), ground)]
    ends = [words.ravel(), bits.ravel(), words[right, -1], bits[0, top]]
    resistances = [
        network.word_segments.ravel(), network.bit_segments.ravel(), network.word_far[right], network.bit_far[top],
    ]  # fmt: skip
    return np.concatenate(starts), np.concatenate(ends), np.concatenate(resistances)


def _laplacian(starts: np.ndarray, ends: np.ndarray, weights: np.ndarray, count: int) -> sparse.csr_matrix:
    """Return the weighted graph's Laplacian (count, count)."""
    off = sparse.coo_matrix((weights, (starts, ends)), shape=(count, count))
    off = (off + off.T).tocsr()
    off.setdiag(0)
    return sparse.diags(np.asarray(off.sum(axis=1)).ravel()).tocsr() - off


def _solve_twice(matrix: sparse.csr_matrix, right: np.ndarray) -> np.ndarray:
    """Return the solution of a symmetric system, with one step of refinement."""
    try:
        factor = splu(
            matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}, diag_pivot_thresh=0.0
        )
    except RuntimeError as error:
        raise InvalidValue(
            "the conductances and wires must differ by less than double precision resolves, but their equations are "
            f"singular ({error}); check the largest conductance"
        ) from error
    solution = factor.solve(right)
    return solution + factor.solve(right - matrix @ solution)
