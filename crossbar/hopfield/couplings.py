"""What multiplies the signals rho(s) of a network: exact weights here, a crossbar of devices in `crossbar.arrays`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network, Patch


class Couplings(Protocol):
    """A weight matrix that can be read.

    Attributes
    ----------
    network : Network
        Which neurons couple.
    symmetric : bool
        Whether every read obeys W = W^T exactly: only then does an energy exist (eq. 1).
    static : bool
        Whether two reads of the same signals agree exactly. Solvers that descend an energy need both.
    linear : bool
        Whether a read is the product with `matrix`, but for noise: no converter rounds or clips it.
    """

    @property
    def network(self) -> Network: ...  # noqa: D102
    @property
    def symmetric(self) -> bool: ...  # noqa: D102
    @property
    def static(self) -> bool: ...  # noqa: D102
    @property
    def linear(self) -> bool: ...  # noqa: D102

    def multiply(self, signals: np.ndarray, patches: Sequence[Patch], out: np.ndarray) -> None:
        """Write to `out` (batch, n_targets) what `signals` (batch, n_sources) give through `patches` of W.

        Targets that no patch reaches get zero.
        """
        ...

    def matrix(self) -> np.ndarray:
        """Return the weights (N, N) that the couplings realise now, without a read's own noise and converters."""
        ...


@dataclass(frozen=True)
class IdealWeights:
    """Weights held as floats: the product of eq. (1) to (3) and nothing else.

    Attributes
    ----------
    network : Network
    weights : ndarray (N, N)
        Zero where the network does not couple; float32 for training, float64 for verification.
    symmetric : bool
        Whether W = W^T; the caller's word for it, as a check would cost half a sweep each time.

    Raises
    ------
    InvalidValue
        `weights` has another shape than the network.
    """

    network: Network
    weights: np.ndarray
    symmetric: bool = True

    static = True
    linear = True

    def __post_init__(self) -> None:
        if self.weights.shape != (self.network.size,) * 2:
            raise InvalidValue(f"`weights` must be {(self.network.size,) * 2}, but got {self.weights.shape}")

    def multiply(self, signals: np.ndarray, patches: Sequence[Patch], out: np.ndarray) -> None:
        """Write W^T times `signals` to `out`, one matrix product a patch."""
        multiply_patches(self.weights, signals, patches, out)

    def matrix(self) -> np.ndarray:
        """Return the weights themselves."""
        return self.weights

    def at_least(self, kind: np.dtype) -> IdealWeights:
        """Return the same weights, cast to `kind` where that holds more digits: a product would cast them each time.

        float64 signals ask for it on float32 weights.
        """
        wider = np.result_type(self.weights, kind)
        return self if wider == self.weights.dtype else replace(self, weights=self.weights.astype(wider))


def real_signals(name: str, signals: np.ndarray, kind: type) -> np.ndarray:
    """Return `signals` as they are where they are float32 or float64; whole numbers, booleans and others as `kind`.

    Raises
    ------
    InvalidValue
        No array of real numbers, or one with masked places.
    """
    if not isinstance(signals, np.ndarray) or signals.dtype.kind not in "fiub":
        found = signals.dtype if isinstance(signals, np.ndarray) else type(signals).__name__
        raise InvalidValue(f"`{name}` must be an array of real numbers, but got {found}")
    if isinstance(signals, np.ma.MaskedArray):
        raise InvalidValue(f"`{name}` must not be a masked array; fill its masked places")
    return signals if signals.dtype in (np.float32, np.float64) else signals.astype(kind)


def multiply_patches(weights: np.ndarray, signals: np.ndarray, patches: Sequence[Patch], out: np.ndarray) -> None:
    """Write to `out` (batch, n_targets) the sum over `patches` of `signals` times that rectangle of `weights`."""
    widths = {patch.target_columns.start: patch.target_columns.stop - patch.target_columns.start for patch in patches}
    if sum(widths.values()) < out.shape[1]:
        out[:] = 0  # neurons that no patch reaches
    written: set[int] = set()
    for patch in patches:
        target = out[:, patch.target_columns]
        block = weights[patch.sources, patch.targets]
        source = signals[:, patch.source_columns]
        if patch.target_columns.start in written:
            target += source @ block
        else:
            np.matmul(source, block, out=target)
            written.add(patch.target_columns.start)


def random_weights(network: Network, rng: np.random.Generator, dtype: type = np.float32) -> np.ndarray:
    """Return symmetric initial weights (N, N): Glorot's normal law by block pair (Glorot and Bengio 2010).

    The standard deviation of the weights between blocks of n and m neurons is sqrt(2 / (n + m)) in a layered
    network; in a dense one, where every neuron sees all N, it is sqrt(1 / N). The paper does not state its own law.
    """
    size = network.size
    weights: np.ndarray = np.zeros((size, size), dtype)
    if network.topology == "dense":
        upper = np.triu_indices(size, 1)
        weights[upper] = rng.standard_normal(len(upper[0]), dtype=np.float32) / np.sqrt(size)
        for name in network.names:
            if not network.couples(name, name):
                weights[network.block(name), network.block(name)] = 0
    else:
        for (one, n), (other, m) in zip(network.blocks[:-1], network.blocks[1:], strict=True):
            deviation = np.sqrt(2 / (n + m))
            drawn = rng.standard_normal((n, m), dtype=np.float32)
            weights[network.block(one), network.block(other)] = deviation * drawn
    return weights + weights.T
