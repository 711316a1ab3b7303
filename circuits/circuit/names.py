"""Names that tie a weight to its device: neurons, nodes and cards, all legal in every SPICE."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network

LEGAL = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
SINGULAR = {"pixels": "pixel"}
SEPARATOR = "__"


def neuron_names(network: Network, image_shape: tuple[int, ...]) -> tuple[str, ...]:
    """Return the name of every neuron in the order of the states: pixel_r_c, hidden_k, latent_k.

    Pixels are named by row and column, and by their colour (0: red) where there are some, where the block has
    `image_shape`, by number where it has not.

    Raises
    ------
    InvalidValue
        A block's name is no legal part of a SPICE name (lower case letters, digits and single underscores).
    """
    names: list[str] = []
    for block, size in network.blocks:
        stem = SINGULAR.get(block, block)
        if not LEGAL.match(stem) or SEPARATOR in stem:
            raise InvalidValue(f"block {block!r} must be named by lower case letters and digits to appear in a netlist")
        if block == "pixels" and size == math.prod(image_shape):
            names += ["_".join((stem, *map(str, place))) for place in np.ndindex(image_shape)]
        else:
            names += [f"{stem}_{index}" for index in range(size)]
    return tuple(names)


def check_names(names: Sequence[str]) -> None:
    """Check that neurons' names may stand in a netlist, whoever made them.

    Raises
    ------
    InvalidValue
        A name that is no SPICE name, holds the separator of devices' names, or occurs twice.
    """
    for name in names:
        if not isinstance(name, str) or not LEGAL.match(name) or SEPARATOR in name:
            raise InvalidValue(
                f"neurons must be named by up to 64 lower case letters, digits and single _, but got {name!r:.80}"
            )
    if len(set(names)) != len(names):
        raise InvalidValue("neurons must have distinct names, but some names occur twice")


def device_name(sign: str, target: str, source: str) -> str:
    """Return the name of the memristor of `sign` "p" (G+) or "n" (G-) through which `source` drives `target`.

    >>> device_name("p", "hidden_3", "pixel_0_12")
    'p_hidden_3__pixel_0_12'
    """
    return f"{sign}_{target}{SEPARATOR}{source}"
