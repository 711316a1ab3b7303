"""What a chip refuses at the door, however it comes: made, programmed or read from a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network

if TYPE_CHECKING:
    from crossbar.chip import Chip, Conductances

NAME = re.compile(r"[ -~]{1,100}")  # printable ASCII: names go into netlists, reports and terminals
KINDS = ({"tied"}, {"encoder", "decoder"})
BLOCKS = ("pixels", "latent")
ROUNDING = 1e-6  # of the largest weight: what W and W^T of a symmetric network may differ by
BRIGHTEST = 1 + 1e-6


def check_name(what: str, name: Any) -> None:
    """Raise `InvalidValue` unless `name` is one line of 1 to 100 printable ASCII characters."""
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        shown = repr(name) if len(repr(name)) <= 100 else repr(name)[:100] + "..."
        raise InvalidValue(f"{what} must be one line of 1 to 100 printable ASCII characters, but got {shown}")


def check_numbers(what: str, values: Any) -> None:
    """Raise `InvalidValue` unless `values` is an array of finite real numbers."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        kind = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
        raise InvalidValue(f"{what} must be an array of real numbers, but got {kind}")
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise InvalidValue(f"{what} must be finite, but {bad} of its numbers are not")


def check_positive(what: str, value: Any) -> None:
    """Raise `InvalidValue` unless `value` is a positive, finite number."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < float(value) < float("inf"):
        raise InvalidValue(f"{what} must be positive and finite, but got {value!r}")


def check_conductances(devices: Conductances) -> None:
    """Raise `InvalidValue` unless `devices` could be built: see `crossbar.chip.Conductances`."""
    check_positive("`siemens_per_weight`", devices.siemens_per_weight)
    check_name("`device`", devices.device)
    check_texts("`report`", devices.report, Real)
    size = np.shape(devices.plus)[0] if np.ndim(devices.plus) else 0
    for name in ("plus", "minus"):
        side = getattr(devices, name)
        if np.shape(side) != (size, size):
            raise InvalidValue(f"`{name}` must be {(size, size)}, but got {np.shape(side)}")
        check_numbers(f"`{name}`", side)
        if side.size and side.min() < 0:
            raise InvalidValue(f"`{name}` must not be negative, but its smallest conductance is {side.min():.3g} S")
        if side.diagonal().any():
            raise InvalidValue(
                f"`{name}` must be zero on the diagonal, but {np.count_nonzero(side.diagonal())} conductances there "
                "are not: no neuron couples with itself"
            )


def check_chip(chip: Chip) -> None:
    """Raise `InvalidValue` unless `chip` could be built: see `crossbar.chip.Chip`."""
    check_name("`model`", chip.model)
    check_positive("`gain`", chip.gain)
    check_texts("`provenance`", chip.provenance, str)
    if set(chip.networks) not in KINDS:
        found = sorted(map(str, chip.networks))
        raise InvalidValue(f"`networks` must be tied, or encoder and decoder, but got {found}")
    if set(chip.networks) != set(chip.weights):
        found = sorted(map(str, chip.weights))
        raise InvalidValue(f"`weights` must belong to {sorted(chip.networks)}, but got {found}")
    for name, network in chip.networks.items():
        _check_blocks(name, network, chip.image_shape)
        _check_coupled(f"weights of `{name}`", chip.weights[name], network)
        if name not in chip.conductances:
            _check_symmetric(f"weights of `{name}`", chip.weights[name])
    for name, devices in chip.conductances.items():
        for side in ("plus", "minus"):
            _check_coupled(f"conductances `{side}` of `{name}`", getattr(devices, side), chip.networks[name])
    _check_sigma(chip)
    _check_examples(chip)


def check_texts(what: str, named: Any, kind: type) -> None:
    """Raise `InvalidValue` unless `named` is a mapping of names to values of `kind` (str or a number)."""
    if not isinstance(named, Mapping):
        raise InvalidValue(f"{what} must be a mapping of names, but got {type(named).__name__}")
    for name, value in named.items():
        check_name(f"a name in {what}", name)
        if not isinstance(value, kind):
            raise InvalidValue(f"{what} must hold {'texts' if kind is str else 'numbers'}, but {name!r} is {value!r}")


def _check_blocks(name: str, network: Network, image_shape: Any) -> None:
    for block in network.names:
        check_name(f"a block of `{name}`", block)
    missing = [block for block in BLOCKS if block not in network.names]
    if missing:
        raise InvalidValue(f"the network `{name}` must have a block `{missing[0]}`, but has {', '.join(network.names)}")
    pixels = dict(network.blocks)["pixels"]
    whole = isinstance(image_shape, tuple) and len(image_shape) == 2
    whole = whole and all(isinstance(side, int | np.integer) and side > 0 for side in image_shape)
    if not whole or image_shape[0] * image_shape[1] != pixels:
        raise InvalidValue(f"`image_shape` must be the rows and columns of {pixels} pixels, but got {image_shape!r}")


def _check_coupled(what: str, values: Any, network: Network) -> None:
    if np.shape(values) != (network.size,) * 2:
        raise InvalidValue(f"{what} must be {(network.size,) * 2}, but got {np.shape(values)}")
    check_numbers(what, values)
    astray = int(np.count_nonzero(values[~network.mask()]))
    if astray:
        raise InvalidValue(
            f"{what} must be zero where the network does not couple (and on the diagonal), but {astray} are not"
        )


def _check_symmetric(what: str, weights: np.ndarray) -> None:
    exact = weights.astype(np.float64)
    apart = float(np.abs(exact - exact.T).max(initial=0))
    if apart > ROUNDING * float(np.abs(exact).max(initial=0)):
        raise InvalidValue(
            f"{what} must be symmetric, but w_ij and w_ji differ by up to {apart:.3g}: only devices of their own, "
            "given as `conductances`, make them differ"
        )


def _check_sigma(chip: Chip) -> None:
    if chip.sigma is None:
        return
    if not isinstance(chip.sigma, np.ndarray):
        check_positive("`sigma`", chip.sigma)
        return
    check_numbers("`sigma`", chip.sigma)
    latents = dict(chip.networks["tied" if chip.tied else "decoder"].blocks)["latent"]
    if chip.sigma.shape not in {(), (latents,)} or chip.sigma.min() <= 0:
        raise InvalidValue(f"`sigma` must be one positive number or {latents}, but got {chip.sigma!r}")


def _check_examples(chip: Chip) -> None:
    check_numbers("`examples`", chip.examples)
    pixels = chip.image_shape[0] * chip.image_shape[1]
    if chip.examples.ndim != 2 or (len(chip.examples) and chip.examples.shape[1] != pixels):
        raise InvalidValue(f"`examples` must be (k, {pixels}), but got {chip.examples.shape}")
    largest = float(np.abs(chip.examples.astype(np.float64)).max(initial=0))
    if largest > BRIGHTEST:
        raise InvalidValue(f"`examples` must lie in [-1, 1], but go to {largest:.3g}")
