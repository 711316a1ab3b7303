"""What a user gives of a circuit: weights, blocks, and states by block or by neuron."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from crossbar.api.settings import matrix_of
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import Neuron, Sigmoid, named

Blocks = Mapping[str, int] | Iterable[tuple[str, int]] | None


def weights_of(W: Any) -> np.ndarray:
    """Return W as a finite, real, square matrix with a zero diagonal, or raise `InvalidValue`."""
    weights = matrix_of("W", W, square=True)
    if np.diagonal(weights).any():
        raise InvalidValue("`W` must be zero on its diagonal (eq. 1): no neuron couples with itself")
    return weights


def network_of(blocks: Blocks, size: int, topology: str) -> Network:
    """Return the network of `blocks`, which must have `size` neurons; without blocks one of that size."""
    pairs = (("neuron", size),) if blocks is None else tuple(blocks.items() if isinstance(blocks, Mapping) else blocks)
    network = Network(tuple((str(name), int(count)) for name, count in pairs), topology)
    if network.size != size:
        raise InvalidValue(f"`blocks` have {network.size} neurons in all, but W has {size}")
    return network


def with_laws(network: Network, laws: Mapping[str, str | Neuron], gain: float) -> Network:
    """Return `network` with neurons of `gain`, of other laws in the blocks that `laws` names.

    Raises
    ------
    InvalidValue, UnknownName
        A gain that is not positive; no such block or law; blocks of linear neurons that couple.
    """
    for name in laws:
        network.block(name)
    return replace(network, neurons=tuple(named(laws.get(name, Sigmoid.name), gain) for name in network.names))


def by_neuron(
    what: str, given: Mapping[str, Any] | Mapping[int, float], network: Network
) -> tuple[np.ndarray, np.ndarray]:
    """Return the states (N,) that are given by block or by neuron, and where they are (N,)."""
    states, where = np.zeros(network.size), np.zeros(network.size, bool)
    for key, values in given.items():
        if isinstance(key, str):
            part = network.block(key)
        elif isinstance(key, int | np.integer) and 0 <= key < network.size:
            part = slice(int(key), int(key) + 1)
        else:
            raise InvalidValue(f"keys of `{what}` are blocks or neurons from 0 to {network.size - 1}, but got {key!r}")
        one = np.atleast_1d(np.asarray(values, np.float64))
        if one.shape != (part.stop - part.start,) or not np.isfinite(one).all():
            raise InvalidValue(
                f"`{what}` of {key!r} must be {part.stop - part.start} finite states, but got {values!r}"
            )
        states[part], where[part] = one, True
    return states, where
