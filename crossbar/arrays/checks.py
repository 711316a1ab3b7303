"""What an array refuses at the door."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.regions import regions
from crossbar.chip_checks import check_numbers
from crossbar.devices.law import DeviceState
from crossbar.devices.mapping import Mapping
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network, Patch


def check_weights(network: Network, weights: np.ndarray, config: ArrayConfig) -> None:
    """Raise `InvalidValue` unless the devices of `network` can stand for `weights`."""
    if np.shape(weights) != (network.size,) * 2:
        raise InvalidValue(f"`weights` must be {(network.size,) * 2}, but got {np.shape(weights)}")
    check_numbers("`weights`", weights)
    largest = float(np.abs(weights).max(initial=0))
    most = float(np.finfo(config.kind).max) ** 0.5
    if largest > most:
        raise InvalidValue(
            f"`weights` must have squares that {config.dtype} holds, up to {most:.3g}, but got {largest:.3g}"
        )
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


def check_range_fits(mapping: Mapping, config: ArrayConfig) -> None:
    """Raise `InvalidValue` unless the weights of the whole range, squared, are numbers of the array's type."""
    largest = max(abs(mapping.low), abs(mapping.high)) + mapping.zero
    if not largest <= float(np.finfo(config.kind).max) ** 0.5:
        raise InvalidValue(
            f"the range must stand for weights whose squares {config.dtype} holds, but goes to {largest:.3g}; "
            "check `weight_limit` and `siemens_per_weight`"
        )


def check_devices(state: DeviceState) -> None:
    """Raise `InvalidValue` unless every parameter of the devices is finite in their type."""
    for name, plane in state.parameters.items():
        if not np.isfinite(plane).all():
            raise InvalidValue(
                f"`{name}` of the devices must be finite in {plane.dtype}, but some are not; check the law's bounds "
                "and steps"
            )


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


def check_contrast(network: Network, response: np.ndarray, mean: np.ndarray, rate: float, kind: type) -> None:
    """Raise `InvalidValue` unless `response` and `mean` are finite (batch, N) and `rate` is positive in `kind`."""
    for name, signals in (("response", response), ("mean", mean)):
        if signals.ndim != 2 or signals.shape != (len(response), network.size):
            raise InvalidValue(f"`{name}` must be (batch, {network.size}), but got {signals.shape}")
        if not len(signals):
            raise InvalidValue(f"`{name}` must hold at least one example, but got {signals.shape}")
        if not np.isfinite(signals).all():
            raise InvalidValue(f"`{name}` must be finite, but some values are not")
    if not 0 < rate <= float(np.finfo(kind).max):
        raise InvalidValue(
            f"`rate` must be positive and finite in {np.dtype(kind)}, but got {rate}: put signs in `response`"
        )
