"""The topology of a continuous Hopfield network: named blocks of neurons and the pairs of them that couple."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from crossbar.errors import InvalidValue, unknown_name
from crossbar.hopfield.mismatch import Mismatch
from crossbar.hopfield.neurons import Classical, Linear, Neuron, Saturating, Sigmoid
from crossbar.hopfield.population import Population

TOPOLOGIES = ("dense", "layered")


@dataclass(frozen=True)
class Patch:
    """A rectangle of the weight matrix: what the neurons `sources` give to the neurons `targets`.

    Attributes
    ----------
    sources, targets : slice
        Rows and columns of W, counted over all neurons of the network.
    source_columns, target_columns : slice
        The same neurons counted within the two state arrays that are multiplied.
    """

    sources: slice
    targets: slice
    source_columns: slice
    target_columns: slice


@dataclass(frozen=True)
class _Place:
    """A run of neurons, in the whole network and within an array of states."""

    name: str
    neurons: slice
    columns: slice

    def touches(self, other: _Place) -> bool:
        """Tell whether `other` follows without a gap."""
        return self.neurons.stop == other.neurons.start and self.columns.stop == other.columns.start

    def with_next(self, other: _Place) -> _Place:
        """Return this run and `other`, which follows it."""
        return _Place(
            self.name,
            slice(self.neurons.start, other.neurons.stop),
            slice(self.columns.start, other.columns.stop),
        )


def _joined(places: list[_Place]) -> list[_Place]:
    """Return `places` with those that follow each other without a gap made one."""
    runs: list[_Place] = []
    for place in places:
        if runs and runs[-1].touches(place):
            runs[-1] = runs[-1].with_next(place)
        else:
            runs.append(place)
    return runs


@dataclass(frozen=True)
class Network:
    """Named blocks of neurons, in the order of their states, and which of them couple.

    A `dense` network couples every pair of distinct neurons, within blocks too; a `layered` one couples neighbouring
    blocks only. No neuron couples with itself (the zero diagonal of eq. 1), and no two of a block of linear ones.

    Attributes
    ----------
    blocks : tuple of (name, size)
        Such as ``(("pixels", 784), ("hidden", 833), ("latent", 69))``.
    topology : {"dense", "layered"}
    neurons : tuple of Neuron
        The law of each block's neurons, see `laws`; none where all are the paper's, `Sigmoid` of gain 3.
    mismatch : Mismatch or None
        What each of the N neurons of one chip has of its own; None where all are as their laws say. Networks that
        differ in it alone compare equal.

    Raises
    ------
    InvalidValue
        A block without neurons, a name that occurs twice, an unknown topology; not one law a block; a mismatch of
        another number of neurons, or of classical ones, for which it is not defined.

    Examples
    --------
    >>> from crossbar.hopfield.neurons import Linear, Sigmoid
    >>> net = Network((("pixels", 4), ("latent", 2)), neurons=(Sigmoid(), Linear()))
    >>> net.couples("pixels", "pixels"), net.couples("latent", "latent")
    (True, False)
    """

    blocks: tuple[tuple[str, int], ...]
    topology: str = "dense"
    neurons: tuple[Neuron, ...] = ()
    mismatch: Mismatch | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        names = [name for name, _ in self.blocks]
        if not names or len(set(names)) != len(names):
            raise InvalidValue(f"`blocks` must have distinct names, but got {names}")
        for name, size in self.blocks:
            if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
                raise InvalidValue(f"block {name!r} must have at least 1 neuron, a whole number, but got {size!r}")
        if self.topology not in TOPOLOGIES:
            raise InvalidValue(f"`topology` must be one of {', '.join(TOPOLOGIES)}, but got {self.topology!r}")
        if self.topology == "layered" and len(self.blocks) < 2:
            raise InvalidValue(f"a layered network must have at least 2 blocks to couple, but got {names}")
        self._check_neurons(names)

    def _check_neurons(self, names: list[str]) -> None:
        if len(self.neurons) not in (0, len(names)):
            raise InvalidValue(f"`neurons` must be one law for each of {names}, but got {len(self.neurons)}")
        if set(self.neurons) == {Sigmoid()}:  # one spelling of the paper's network: equal ones compare equal
            object.__setattr__(self, "neurons", ())
        if self.mismatch is None:
            return
        if len(self.mismatch) != self.size:
            raise InvalidValue(f"`mismatch` must be of all {self.size} neurons, but got {len(self.mismatch)}")
        if any(law.kind == Classical.kind for law in self.laws):
            raise InvalidValue("`mismatch` is of sigmoid and linear neurons, but the network has classical ones")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the blocks, in the order of their states."""
        return tuple(name for name, _ in self.blocks)

    @property
    def size(self) -> int:
        """Number of neurons N."""
        return sum(size for _, size in self.blocks)

    @cached_property
    def _slices(self) -> dict[str, slice]:
        stops = np.cumsum([size for _, size in self.blocks])
        return {name: slice(int(stop) - size, int(stop)) for (name, size), stop in zip(self.blocks, stops, strict=True)}

    def block(self, name: str) -> slice:
        """Return the neurons of block `name` as a slice over all neurons."""
        if name not in self._slices:
            raise unknown_name("block", name, self.names)
        return self._slices[name]

    @property
    def spans(self) -> tuple[slice, ...]:
        """The neurons of each block, in their order."""
        return tuple(self._slices.values())

    def law(self, name: str) -> Neuron:
        """Return the law of the neurons of block `name`."""
        self.block(name)
        return self.laws[self.names.index(name)]

    @property
    def laws(self) -> tuple[Neuron, ...]:
        """The law of each block's neurons."""
        return self.neurons or (Sigmoid(),) * len(self.blocks)

    def limited(self, limit: float) -> Network:
        """Return this network with linear neurons that have a supply at +-`limit`: `neurons.Saturating`."""
        if not any(law.follows for law in self.laws):
            raise InvalidValue("a supply is of linear neurons, but the network has none: leave the limit out")
        laws = tuple(Saturating(limit) if law.follows else law for law in self.laws)
        return replace(self, neurons=laws)

    def population(self, names: Iterable[str]) -> Population:
        """Return the neurons of the blocks `names`, side by side in the order of the network."""
        chosen = set(names)
        some = [(law, size) for (name, size), law in zip(self.blocks, self.laws, strict=True) if name in chosen]
        own = None
        if self.mismatch is not None:
            held = [np.arange(self.size)[self.block(name)] for name in self.names if name in chosen]
            own = self.mismatch.select(np.concatenate(held) if held else slice(0))
        return Population.side_by_side([law for law, _ in some], [size for _, size in some], own)

    def couples(self, one: str, other: str) -> bool:
        """Tell whether blocks `one` and `other` are joined by weights."""
        if self.topology == "dense":
            return one != other or not self.law(one).follows
        return abs(self.names.index(one) - self.names.index(other)) == 1

    def mask(self) -> np.ndarray:
        """Return the (N, N) boolean matrix of coupled pairs: symmetric, with a False diagonal."""
        mask = np.zeros((self.size, self.size), dtype=bool)
        for one in self.names:
            for other in self.names:
                mask[self.block(one), self.block(other)] = self.couples(one, other)
        np.fill_diagonal(mask, val=False)
        return mask

    def patches(self, sources: Iterable[str], targets: Iterable[str]) -> tuple[Patch, ...]:
        """Return the rectangles of W through which blocks `sources` drive blocks `targets`.

        Blocks that stand side by side and couple alike are merged, so that a dense network needs one product where
        its blocks are contiguous, and a layered one never multiplies the zeros between its layers.
        """
        rows, columns = self._places(sources), self._places(targets)
        driven: list[tuple[_Place, list[_Place]]] = []
        for target in columns:
            drivers = _joined([row for row in rows if self.couples(row.name, target.name)])
            if driven and driven[-1][1] == drivers and driven[-1][0].touches(target):
                driven[-1] = (driven[-1][0].with_next(target), drivers)
            else:
                driven.append((target, drivers))
        return tuple(
            Patch(row.neurons, target.neurons, source_columns=row.columns, target_columns=target.columns)
            for target, drivers in driven
            for row in drivers
        )

    def _places(self, names: Iterable[str]) -> list[_Place]:
        places, at, chosen = [], 0, set(names)
        for name in (name for name in self.names if name in chosen):
            neurons = self.block(name)
            size = neurons.stop - neurons.start
            places.append(_Place(name, neurons, slice(at, at + size)))
            at += size
        return places

    def role(self, clamped: Iterable[str]) -> Role:
        """Return the role in which the blocks `clamped` are held and all others settle.

        Raises
        ------
        InvalidValue
            No block is free, or two blocks of linear neurons that couple.
        UnknownName
            There is no such block.
        """
        held = tuple(clamped)
        for name in held:
            self.block(name)
        chosen = tuple(name for name in self.names if name in held)
        if len(chosen) == len(self.names):
            raise InvalidValue("at least one block must be free to settle, but all of them are clamped")
        role = Role(network=self, clamped=chosen)
        linear = [name for name in role.free if self.law(name).kind == Linear.kind]
        for one, other in combinations(linear, 2):
            if self.couples(one, other):
                raise InvalidValue(
                    f"coupled blocks of linear neurons must not be free together, as nothing bounds them, but {one!r} "
                    f"and {other!r} are: clamp one of them"
                )
        return role


@dataclass(frozen=True)
class Role:
    """One use of a network: the blocks that are clamped to given values, and those that are free to settle.

    States of free neurons are arrays (batch, n_free), those of clamped ones (batch, n_clamped); columns follow the
    order of the blocks in the network.
    """

    network: Network
    clamped: tuple[str, ...]

    @property
    def free(self) -> tuple[str, ...]:
        """Names of the blocks that settle."""
        return tuple(name for name in self.network.names if name not in self.clamped)

    @cached_property
    def n_free(self) -> int:
        """Number of neurons that settle."""
        return sum(size for name, size in self.network.blocks if name not in self.clamped)

    @cached_property
    def n_clamped(self) -> int:
        """Number of neurons that are held."""
        return self.network.size - self.n_free

    @cached_property
    def free_neurons(self) -> Population:
        """The neurons that settle."""
        return self.network.population(self.free)

    @cached_property
    def held_neurons(self) -> Population:
        """The neurons that are held."""
        return self.network.population(self.clamped)

    @cached_property
    def within(self) -> tuple[Patch, ...]:
        """Patches of W from free to free neurons: the product of every sweep."""
        return self.network.patches(self.free, self.free)

    @cached_property
    def inward(self) -> tuple[Patch, ...]:
        """Patches of W from clamped to free neurons: computed once a settling."""
        return self.network.patches(self.clamped, self.free)

    @cached_property
    def outward(self) -> tuple[Patch, ...]:
        """Patches of W from free to clamped neurons: needed for the input gradient of eq. (9)."""
        return self.network.patches(self.free, self.clamped)

    def columns(self, name: str) -> slice:
        """Return the columns of block `name` within the states of its kind (free or clamped)."""
        among = self.clamped if name in self.clamped else self.free
        start = 0
        for other in among:
            size = dict(self.network.blocks)[other]
            if other == name:
                return slice(start, start + size)
            start += size
        raise unknown_name("block", name, self.network.names)

    def join(self, free: np.ndarray, clamped: np.ndarray) -> np.ndarray:
        """Return what `free` (batch, n_free) and `clamped` (batch, n_clamped) neurons hold, in order, (batch, N)."""
        joined = np.empty((len(free), self.network.size), free.dtype)
        for name in self.network.names:
            source = clamped if name in self.clamped else free
            joined[:, self.network.block(name)] = source[:, self.columns(name)]
        return joined
