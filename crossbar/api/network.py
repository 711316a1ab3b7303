"""A continuous Hopfield network from a matrix, with ideal couplings or on devices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from crossbar.api.array import Array
from crossbar.api.building import build
from crossbar.api.settings import (
    Conversion,
    Device,
    array_config,
    check_size,
    input_converter,
    matrix_of,
    seed_of,
)
from crossbar.arrays.checks import check_weights
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import Converter
from crossbar.arrays.read_noise import ReadNoise
from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import Couplings, IdealWeights
from crossbar.hopfield.network import Network
from crossbar.hopfield.neurons import GAIN, Neuron, Sigmoid, named

Blocks = Mapping[str, int] | Iterable[tuple[str, int]]


class HopfieldNetwork:
    """Neurons in named blocks, coupled by a matrix W, as one object that `settle` brings to rest.

    Every neuron follows ds/dt = -s + rho'(s) (W rho(s)) in units of its time constant, rho(s) = 1 / (1 + exp(-gain s))
    (eq. 2 of arXiv:2311.15047); W_ij is what neuron j gives to neuron i.

    Parameters
    ----------
    W : array_like (N, N), or Array (m, n)
        Real, finite, with a zero diagonal. An `Array` couples its n inputs with its m outputs, by the same devices
        in both directions; what is done to it later (pulses, ageing) is done to the network.
    blocks : mapping or pairs of str to int
        Names and sizes, in the order of the rows of W. An `Array` has two blocks, "inputs" and "outputs".
    topology : {"dense", "layered"}
        Whether all neurons may couple, or those of neighbouring blocks only.
    gain : float
        Slope of rho, positive.
    neurons : mapping of str to {"sigmoid", "linear", "classical"} or `Saturating`, optional
        Laws of blocks whose neurons are not the paper's sigmoids, see `crossbar.hopfield.neurons`.
    device, dac, adc, read_noise, seed, **fields
        As in `Array`; with none of them W is held exactly. Signals lie in [0, 1], which is the DAC's range; with linear
        neurons, whose signals are signed and unbounded, give (bits, range) of both converters. Where W is
        symmetric one device serves a pair of neurons (`symmetry="shared"`), else each direction has its own
        ("two-device").

    Attributes
    ----------
    network : crossbar.hopfield.network.Network
        Blocks, topology and the laws of the neurons.
    couplings : crossbar.hopfield.couplings.Couplings
        `IdealWeights` or `CrossbarArray`.
    gain : float

    Raises
    ------
    InvalidValue
        A matrix that is not square, not finite, of another size than the blocks, with a diagonal, or not zero where
        `topology` couples nothing; a gain that is not positive.
    UnknownName
        No such topology, device or field.

    Examples
    --------
    >>> import numpy as np
    >>> import crossbar as xb
    >>> W = np.array([[0.0, 0.5, 0.0], [0.5, 0.0, 0.25], [0.0, 0.25, 0.0]])
    >>> xb.HopfieldNetwork(W, {"pixels": 2, "hidden": 1})
    HopfieldNetwork(pixels 2, hidden 1; dense, gain 3, ideal couplings, W = W^T)
    """

    def __init__(
        self,
        W: Any,
        blocks: Blocks | None = None,
        *,
        topology: str | None = None,
        gain: float = GAIN,
        neurons: Mapping[str, str] | None = None,
        device: Device = None,
        dac: Conversion = None,
        adc: Conversion = None,
        read_noise: float | ReadNoise = 0.0,
        seed: int = 0,
        **fields: Any,
    ) -> None:
        if not (isinstance(gain, int | float | np.number) and math.isfinite(gain) and gain > 0):
            raise InvalidValue(f"`gain` must be positive and finite, but got {gain!r}")
        self.gain = float(gain)
        linear = any(named(law, self.gain).follows for law in (neurons or {}).values())
        if linear:
            _check_ranges(W, dac=dac, adc=adc)
        self.couplings: Couplings = self._coupled(
            W, blocks, topology, device, input_converter(dac, bipolar=linear), adc, read_noise, seed, fields
        )
        self.network = _with_laws(self.couplings, neurons or {}, self.gain)

    def _coupled(
        self, W: Any, blocks: Blocks | None, topology: str | None, device: Device, dac: Converter | None,
        adc: Conversion, read_noise: float | ReadNoise, seed: int, fields: dict[str, Any],
    ) -> Couplings:  # fmt: skip
        """Return W as it is held: exactly, or by devices."""
        words = {"device": device, "dac": dac, "adc": adc, "read_noise": read_noise or None, "topology": topology}
        asked = [name for name, value in {**words, **fields}.items() if value is not None]
        if isinstance(W, Array):
            if asked or blocks is not None:
                given = ", ".join(["blocks"] * (blocks is not None) + asked)
                raise InvalidValue(f"an `Array` has its devices and blocks already: leave out {given}")
            return W.crossbar_array
        weights = matrix_of("W", W, square=True)
        check_size(len(weights))
        network = _network(blocks, len(weights), topology or "dense")
        _check_coupled(network, weights)
        symmetric = bool(np.array_equal(weights, weights.T))
        if not [name for name in asked if name != "topology"]:
            held = np.ascontiguousarray(weights.T)
            return IdealWeights(network, held, symmetric=symmetric)
        fields = {"symmetry": "shared" if symmetric else "two-device", **fields}
        config = array_config(device=device, dac=dac, read_noise=read_noise, given=fields)
        return build(network, np.ascontiguousarray(weights.T), config, adc, seed_of(seed))

    @property
    def blocks(self) -> dict[str, int]:
        """Names and sizes of the blocks, in the order of W."""
        return dict(self.network.blocks)

    @property
    def weights(self) -> np.ndarray:
        """W (N, N) as the couplings realise it now, W_ij from neuron j to neuron i; a copy."""
        return self.couplings.matrix().T.copy()

    def __repr__(self) -> str:
        blocks = ", ".join(f"{name} {size}" for name, size in self.network.blocks)
        held = "ideal couplings" if isinstance(self.couplings, IdealWeights) else "couplings on devices"
        what = [
            "W = W^T" if self.couplings.symmetric else "W != W^T",
            *([] if self.couplings.static else ["noisy reads"]),
            *([] if self.couplings.linear else ["converters"]),
        ]
        return f"HopfieldNetwork({blocks}; {self.network.topology}, gain {self.gain:g}, {held}, {', '.join(what)})"


def _check_ranges(W: Any, **converters: Conversion) -> None:
    """Raise `InvalidValue` where a converter would take signals of linear neurons to lie in [0, 1]."""
    for name, asked in converters.items():
        if isinstance(asked, int | np.integer) or (isinstance(asked, Converter) and asked.low == 0):
            raise InvalidValue(
                f"`{name}` must tell a range of both signs, as (8, 4.0), but got {asked!r}: signals of linear neurons "
                "are signed and exceed 1"
            )
    held = W.crossbar_array.config.dac if isinstance(W, Array) else None
    if held is not None and held.low == 0:
        raise InvalidValue("the `Array` must have a DAC of both signs, as dac=(8, 4.0): it has linear neurons to drive")


def _with_laws(couplings: Couplings, laws: Mapping[str, str | Neuron], gain: float) -> Network:
    """Return the network of `couplings` with neurons of `gain`, of other laws in the blocks that `laws` names."""
    network = couplings.network
    for name in laws:
        network.block(name)
    neurons = tuple(named(laws.get(name, Sigmoid.name), gain) for name in network.names)
    found = replace(network, neurons=neurons)
    for name in laws:
        block = found.block(name)
        if network.couples(name, name) and not found.couples(name, name) and couplings.matrix()[block, block].any():
            raise InvalidValue(f"neurons of the linear block {name!r} must not couple: `W` must be zero among them")
    return found


def _network(blocks: Blocks | None, size: int, topology: str) -> Network:
    if blocks is None:
        raise InvalidValue(f"`blocks` must name the {size} neurons of W, such as {{'pixels': 784, 'hidden': 64}}")
    pairs = tuple(blocks.items() if isinstance(blocks, Mapping) else blocks)
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], int | np.integer)):
            raise InvalidValue(f"`blocks` must be names and whole sizes, but got {pair!r}")
    network = Network(tuple((str(name), int(count)) for name, count in pairs), topology)
    if network.size != size:
        raise InvalidValue(f"`blocks` have {network.size} neurons in all, but W has {size}")
    return network


def _check_coupled(network: Network, weights: np.ndarray) -> None:
    try:
        check_weights(network, weights, ArrayConfig(symmetry="two-device"))
    except InvalidValue as error:
        raise InvalidValue(str(error).replace("`weights`", "`W`")) from error
