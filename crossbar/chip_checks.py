"""What a chip refuses at the door, however it comes: made, programmed or read from a file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network

NAME = re.compile(r"[ -~]{1,100}")  # printable ASCII: names go into netlists, reports and terminals
KINDS = ({"tied"}, {"encoder", "decoder"}, {"flow"})
FLOWS = (("pixels", "time", "hidden"), ("pixels", "hidden"))
"""Blocks of a flow, in their order; the networks of a VAE must have pixels and latents."""
ROUNDING = 1e-6  # of the largest weight: what W and W^T of a symmetric network may differ by
BRIGHTEST = 1 + 1e-6


def check_name(what: str, name: Any) -> None:
    """Raise `InvalidValue` unless `name` is one line of 1 to 100 printable ASCII characters."""
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        raise InvalidValue(f"{what} must be one line of 1 to 100 printable ASCII characters, but got {told(name)}")


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
        raise InvalidValue(f"{what} must be positive and finite, but got {told(value)}")


def check_gains(gains: Any, size: int) -> None:
    """Raise `InvalidValue` unless `gains` are positive, finite numbers, one for each of the `size` lines."""
    check_numbers("`gains`", gains)
    if gains.shape != (size,) or gains.min(initial=1) <= 0:
        raise InvalidValue(f"`gains` must be {size} positive numbers, but got {told(gains)}")


def check_texts(what: str, named: Any, kind: type) -> None:
    """Raise `InvalidValue` unless `named` is a mapping of names to values of `kind` (str or a number)."""
    if not isinstance(named, Mapping):
        raise InvalidValue(f"{what} must be a mapping of names, but got {type(named).__name__}")
    for name, value in named.items():
        check_name(f"a name in {what}", name)
        if not isinstance(value, kind):
            raise InvalidValue(f"{what} must hold {'texts' if kind is str else 'numbers'}, but {name!r} is {value!r}")


def told(value: Any) -> str:
    """Return `value` on one line of a hundred characters: a file may hold an array where a name should be."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else f"{text[:100]}..."


def check_blocks(name: str, network: Network, image_shape: Any) -> None:
    """Raise `InvalidValue` unless `network` has the blocks of a VAE or a flow, and `image_shape` fits its pixels."""
    for block in network.names:
        check_name(f"a block of `{name}`", block)
    if name == "flow" and network.names not in FLOWS:
        found = ", ".join(network.names)
        raise InvalidValue(f"a flow must have blocks pixels, time (if any) and hidden, but has {found}")
    missing = [block for block in ("pixels", "latent") if name != "flow" and block not in network.names]
    if missing:
        raise InvalidValue(f"the network `{name}` must have a block `{missing[0]}`, but has {', '.join(network.names)}")
    pixels = dict(network.blocks)["pixels"]
    whole = isinstance(image_shape, tuple) and len(image_shape) in {2, 3}
    whole = whole and all(isinstance(side, int | np.integer) and side > 0 for side in image_shape)
    if not whole or math.prod(image_shape) != pixels:
        raise InvalidValue(
            f"`image_shape` must be the rows and columns (and channels) of {pixels} pixels, but got {image_shape!r}"
        )


def check_coupled(what: str, values: Any, network: Network) -> None:
    """Raise `InvalidValue` unless `values` (N, N) are zero wherever `network` does not couple."""
    if np.shape(values) != (network.size,) * 2:
        raise InvalidValue(f"{what} must be {(network.size,) * 2}, but got {np.shape(values)}")
    check_numbers(what, values)
    astray = int(np.count_nonzero(values[~network.mask()]))
    if astray:
        raise InvalidValue(
            f"{what} must be zero where the network does not couple (and on the diagonal), but {astray} are not"
        )


def check_symmetric(what: str, weights: np.ndarray) -> None:
    """Raise `InvalidValue` unless `weights` (N, N) equal their transpose, but for rounding."""
    exact = weights.astype(np.float64)
    apart = float(np.abs(exact - exact.T).max(initial=0))
    if apart > ROUNDING * float(np.abs(exact).max(initial=0)):
        raise InvalidValue(
            f"{what} must be symmetric, but w_ij and w_ji differ by up to {apart:.3g}: only devices of their own, "
            "given as `conductances`, make them differ"
        )


def check_sigma(sigma: Any, latents: int) -> None:
    """Raise `InvalidValue` unless `sigma` is None, one positive number, or one for each of the `latents`."""
    if sigma is None:
        return
    if not isinstance(sigma, np.ndarray):
        check_positive("`sigma`", sigma)
        return
    check_numbers("`sigma`", sigma)
    if sigma.shape not in {(), (latents,)} or sigma.min() <= 0:
        raise InvalidValue(f"`sigma` must be one positive number or {latents}, but got {told(sigma)}")


def check_examples(examples: Any, image_shape: tuple[int, ...]) -> None:
    """Raise `InvalidValue` unless `examples` are images (k, pixels) in [-1, 1]."""
    check_numbers("`examples`", examples)
    pixels = math.prod(image_shape)
    if examples.ndim != 2 or (len(examples) and examples.shape[1] != pixels):
        raise InvalidValue(f"`examples` must be (k, {pixels}), but got {examples.shape}")
    largest = float(np.abs(examples.astype(np.float64)).max(initial=0))
    if largest > BRIGHTEST:
        raise InvalidValue(f"`examples` must lie in [-1, 1], but go to {largest:.3g}")
