"""What an array refuses at the door."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossbar.array_config import ArrayConfig
from crossbar.array_regions import regions
from crossbar.errors import InvalidValue
from crossbar.network import Network, Patch


def check_weights(network: Network, weights: np.ndarray, config: ArrayConfig) -> None:
    """Raise `InvalidValue` unless the devices of `network` can stand for `weights`."""
    if np.shape(weights) != (network.size,) * 2:
        raise InvalidValue(f"`weights` must be {(network.size,) * 2}, but got {np.shape(weights)}")
    if not np.isfinite(weights).all():
        raise InvalidValue("`weights` must be finite, but some are not")
    coupled = np.zeros(weights.shape, bool)
    for region in regions(network, config.symmetry):
        coupled[region.rows, region.columns] = True
        if region.shared:
            coupled[region.columns, region.rows] = True
    np.fill_diagonal(coupled, val=False)
    if weights[~coupled].any():
        raise InvalidValue("`weights` must be zero where the network does not couple (and on the diagonal)")
    if config.symmetry == "shared" and not np.array_equal(weights, weights.T):
        raise InvalidValue("`weights` must be symmetric on shared devices; use symmetry='two-device' for others")


def check_read(signals: np.ndarray, patches: Sequence[Patch], out: np.ndarray) -> None:
    """Raise `InvalidValue` unless `signals` and `out` are wide enough for `patches`."""
    sources = max((patch.source_columns.stop for patch in patches), default=0)
    targets = max((patch.target_columns.stop for patch in patches), default=0)
    if signals.ndim != 2 or signals.shape[1] < sources:
        raise InvalidValue(f"`signals` must be (batch, {sources}), but got {signals.shape}")
    if out.ndim != 2 or len(out) != len(signals) or out.shape[1] < targets:
        raise InvalidValue(f"`out` must be ({len(signals)}, {targets}), but got {out.shape}")
    if out.dtype.kind != "f":
        raise InvalidValue(f"`out` must hold floats, but got {out.dtype}")


def check_contrast(network: Network, response: np.ndarray, mean: np.ndarray, rate: float) -> None:
    """Raise `InvalidValue` unless `response` and `mean` are finite (batch, N) and `rate` is positive."""
    for name, signals in (("response", response), ("mean", mean)):
        if signals.ndim != 2 or signals.shape != (len(response), network.size):
            raise InvalidValue(f"`{name}` must be (batch, {network.size}), but got {signals.shape}")
        if not len(signals):
            raise InvalidValue(f"`{name}` must hold at least one example, but got {signals.shape}")
        if not np.isfinite(signals).all():
            raise InvalidValue(f"`{name}` must be finite, but some values are not")
    if not (np.isfinite(rate) and rate > 0):
        raise InvalidValue(f"`rate` must be positive and finite, but got {rate}: put signs in `response`")
