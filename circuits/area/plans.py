"""What a network asks of silicon: blocks of weights, neurons, lines that are clamped and lines that are read."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

from circuits.area.architecture import Architecture
from circuits.area.tiling import Rectangle, TileCount, Triangle
from circuits.circuit.generation import usual_slowness
from crossbar.chip import GENERATE
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network, Patch
from crossbar.hopfield.neurons import Classical, Sigmoid

CLAMPED = {"encode": "pixels", "decode": "latent"}
HELD = CLAMPED | {GENERATE: "time"}
"""What is clamped in every role: those of a VAE, and that of a flow, unless its field has no time."""


class Plan(Protocol):
    """One network on a die, whatever its kind."""

    @property
    def name(self) -> str:
        """Name of the network, such as ``"encoder"``."""

    def tiles(self, architecture: Architecture) -> TileCount:
        """Return devices and lines of the weights."""

    def n_neurons(self, architecture: Architecture) -> int:
        """Return the number of neuron circuits."""

    def n_with_rho(self, architecture: Architecture) -> int:
        """Return the number of neuron circuits that make rho."""

    def n_with_slope(self, architecture: Architecture) -> int:
        """Return the number of neuron circuits that make rho' and multiply by it."""

    def columns(self, architecture: Architecture) -> tuple[str, ...]:
        """Return the blocks that have columns of devices."""

    def n_strained(self, architecture: Architecture, columns: tuple[str, ...]) -> int:
        """Return the number of devices on lines of linear neurons, of those in `columns`."""

    def n_capacitors(self, architecture: Architecture) -> int:
        """Return the number of integrating capacitors."""

    def n_rails(self, architecture: Architecture) -> int:
        """Return the number of lines that drive a crossbar, each through a buffer."""

    @property
    def n_clamped(self) -> int:
        """Number of lines that are clamped in some role, each with a sample-and-hold fed by a DAC."""

    def n_read(self, architecture: Architecture) -> int:
        """Return the number of lines that an ADC reads."""

    @property
    def n_role_selects(self) -> int:
        """Number of lines that are clamped in one role and free in another."""

    @property
    def n_remembered(self) -> int:
        """Number of states kept digitally between the phases of a training step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HopfieldPlan:
    """A continuous Hopfield network that encodes, decodes, or both, or that generates as a flow.

    Attributes
    ----------
    name : str
    network : Network
        With blocks named ``pixels`` and ``latent``; of a flow ``pixels``, ``hidden`` and ``time`` if it has one.
    roles : tuple of {"encode", "decode", "generate"}
        Encoding clamps the pixels, decoding the latents, generating the time.
    """

    name: str
    network: Network
    roles: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.roles or not set(self.roles) <= set(HELD):
            raise InvalidValue(f"`roles` must be some of {', '.join(HELD)}, but got {self.roles}")
        for role in set(self.roles) & set(CLAMPED):
            self.network.block(HELD[role])

    @property
    def _clamped_blocks(self) -> tuple[str, ...]:
        return tuple(name for role in self.roles for name in self.held(role))

    def held(self, role: str) -> tuple[str, ...]:
        """Return the blocks that are clamped in `role`."""
        return tuple(name for name in self.network.names if name == HELD[role])

    @property
    def _free_blocks(self) -> tuple[str, ...]:
        always = set.intersection(*(set(self.held(role)) for role in self.roles))
        return tuple(name for name in self.network.names if name not in always)

    @property
    def _read_blocks(self) -> tuple[str, ...]:
        """Free blocks, and the latents of a decoder: eq. (9) reads the input gradient there."""
        decoder = {"latent"} if "decode" in self.roles else set()
        return tuple(name for name in self.network.names if name in decoder or name in self._free_blocks)

    def columns(self, architecture: Architecture) -> tuple[str, ...]:
        """Return the blocks that have columns of devices."""
        return self.network.names if architecture.dead_blocks == "keep" else self._read_blocks

    def _size(self, blocks: tuple[str, ...]) -> int:
        return sum(size for name, size in self.network.blocks if name in blocks)

    def tiles(self, architecture: Architecture) -> TileCount:
        """Return devices and lines of the weights, and of the replicas that the half layout needs."""
        if architecture.layout == "half":
            blocks = self.half_blocks(architecture)
            return sum((block.count(architecture).with_replicas() for block in blocks), TileCount())
        return sum((block.count(architecture) for block in self.full_blocks(architecture)), TileCount())

    def full_blocks(self, architecture: Architecture) -> tuple[Rectangle, ...]:
        """Return the rectangles of W that are built when each direction has devices of its own."""
        patches = self.network.patches(self.network.names, self.columns(architecture))
        return tuple(_rectangle(patch) for patch in patches)

    def half_blocks(self, architecture: Architecture) -> tuple[Rectangle | Triangle, ...]:
        """Return the triangles and rectangles that are built when a device serves both directions of its pair."""
        columns = self.columns(architecture)
        if self.network.topology == "dense":
            others = self.network.size - self._size(columns)
            corner = (Rectangle(rows=others, columns=self._size(columns)),) if others else ()
            apart = tuple(name for name in columns if not self.network.couples(name, name))
            coupled = self._size(columns) - self._size(apart)
            pieces = [coupled, *(self._size((name,)) for name in apart)]
            beside = tuple(Rectangle(rows=one, columns=other) for one, other in combinations(pieces, 2) if one)
            return (*corner, Triangle(size=coupled), *beside)
        sizes = dict(self.network.blocks)
        neighbours = zip(self.network.names[:-1], self.network.names[1:], strict=True)
        return tuple(Rectangle(rows=sizes[one], columns=sizes[other]) for one, other in neighbours)

    def n_neurons(self, architecture: Architecture) -> int:
        """Return the number of neurons that are free in some role; all of them where dead blocks are kept."""
        return self.network.size if architecture.dead_blocks == "keep" else self._size(self._free_blocks)

    def _n_neurons_of(self, architecture: Architecture, laws: tuple[str, ...]) -> int:
        blocks = self.network.names if architecture.dead_blocks == "keep" else self._free_blocks
        return self._size(tuple(name for name in blocks if self.network.law(name).name in laws))

    def n_with_rho(self, architecture: Architecture) -> int:
        """Return the number of neuron circuits that make rho: all but linear ones."""
        return self._n_neurons_of(architecture, (Sigmoid.name, Classical.name))

    def n_with_slope(self, architecture: Architecture) -> int:
        """Return the number of neuron circuits that make rho' and multiply by it: the paper's."""
        return self._n_neurons_of(architecture, (Sigmoid.name,))

    def n_strained(self, architecture: Architecture, columns: tuple[str, ...]) -> int:
        """Return the number of devices, references apart, on lines of linear neurons: of those in `columns`.

        In the half layout a device is on two lines, and is strained if one of them is a linear neuron's.
        """
        names, couples = self.network.names, self.network.couples
        linear = [name for name in names if self.network.law(name).follows]
        if architecture.layout == "half":
            pairs = [pair for pair in combinations(names, 2)
                     if couples(*pair) and set(pair) & set(linear) and set(pair) & set(columns)]  # fmt: skip
        else:
            pairs = [(one, other) for one in linear for other in columns if couples(one, other)]
        count = sum(self._size((one,)) * self._size((other,)) for one, other in pairs)
        return count * (2 if architecture.weights == "pair" else 1)

    def n_capacitors(self, architecture: Architecture) -> int:
        """Return the number of integrating capacitors: one a neuron, `usual_slowness` of them a pixel of a flow."""
        slow = (usual_slowness(self.network) - 1) * self._size(("pixels",)) if GENERATE in self.roles else 0
        return self.n_neurons(architecture) + round(slow)

    def n_rails(self, architecture: Architecture) -> int:
        """Return the number of lines that the neurons drive: one each, or two of opposite sign in the half layout."""
        return architecture.n_rails * self.network.size

    @property
    def n_clamped(self) -> int:
        """Number of neurons that are clamped in some role."""
        return self._size(self._clamped_blocks)

    def n_read(self, architecture: Architecture) -> int:
        """Return the number of lines that an ADC reads: free neurons, and the input gradient of a decoder."""
        return self._size(self.columns(architecture))

    @property
    def n_role_selects(self) -> int:
        """Number of neurons that are clamped in one role and free in another."""
        return self._size(tuple(name for name in self._clamped_blocks if name in self._free_blocks))

    @property
    def n_remembered(self) -> int:
        """Number of neurons: the states of both phases are kept for the contrast."""
        return self.network.size


@dataclass(frozen=True, kw_only=True, slots=True)
class ForwardPlan:
    """A feedforward network on crossbars, trained elsewhere; each layer has one more row for its bias.

    Its neurons are charged as those of a Hopfield network but without capacitor (an upper bound: no rho' is needed),
    only its outputs are converted and remembered.

    Attributes
    ----------
    name : str
    layers : tuple of int
        Sizes from input to output.
    """

    name: str
    layers: tuple[int, ...]

    def tiles(self, architecture: Architecture) -> TileCount:
        """Return devices and lines of the weights and biases; both layouts are alike, as nothing is symmetric."""
        pairs = zip(self.layers[:-1], self.layers[1:], strict=True)
        return sum((Rectangle(rows=rows + 1, columns=cols).count(architecture) for rows, cols in pairs), TileCount())

    def n_neurons(self, architecture: Architecture) -> int:  # noqa: ARG002 (the same for every architecture)
        """Return the number of neurons after the input."""
        return sum(self.layers[1:])

    def n_with_rho(self, architecture: Architecture) -> int:
        """Return all neurons."""
        return self.n_neurons(architecture)

    def n_with_slope(self, architecture: Architecture) -> int:
        """Return all neurons: their rho' is charged, see above."""
        return self.n_neurons(architecture)

    def columns(self, architecture: Architecture) -> tuple[str, ...]:  # noqa: ARG002
        """Return none: layers are no blocks of one network."""
        return ()

    def n_strained(self, architecture: Architecture, columns: tuple[str, ...]) -> int:  # noqa: ARG002
        """Return 0: no neuron is linear."""
        return 0

    def n_capacitors(self, architecture: Architecture) -> int:  # noqa: ARG002
        """Return 0: nothing settles."""
        return 0

    def n_rails(self, architecture: Architecture) -> int:  # noqa: ARG002
        """Return the number of lines that drive a layer, biases included."""
        return sum(size + 1 for size in self.layers[:-1])

    @property
    def n_clamped(self) -> int:
        """Number of inputs."""
        return self.layers[0]

    def n_read(self, architecture: Architecture) -> int:  # noqa: ARG002
        """Return the number of outputs."""
        return self.layers[-1]

    @property
    def n_role_selects(self) -> int:
        """None: a forward network has one direction."""
        return 0

    @property
    def n_remembered(self) -> int:
        """Number of outputs."""
        return self.layers[-1]


def _rectangle(patch: Patch) -> Rectangle:
    overlap = min(patch.sources.stop, patch.targets.stop) - max(patch.sources.start, patch.targets.start)
    return Rectangle(
        rows=patch.sources.stop - patch.sources.start,
        columns=patch.targets.stop - patch.targets.start,
        n_absent=max(overlap, 0),
    )
