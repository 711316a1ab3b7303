"""How an array is read: what its converters and its noise make of the matrix product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.kernels.reads import add_coloured, convert_sums
from crossbar.arrays.read_noise import normals, rectangle_noise, square_noise, stream
from crossbar.arrays.tiles import by_target, partial_sums
from crossbar.hopfield.network import Patch
from crossbar.numerics import threads

NOTHING: dict[str, np.ndarray] = {"float32": np.zeros((0, 0), np.float32), "float64": np.zeros((0, 0))}


@dataclass(slots=True, kw_only=True)
class Reader:
    """The edge of an array: noise and conversion of the sums that its columns give.

    Attributes
    ----------
    config : ArrayConfig
    key : int
        Stream of random numbers; with `draws` it makes the sequence repeatable.
    additive : float
        Standard deviation of the state-independent noise of a weight, weight units.
    starts : tuple of int
        Where the arrays of tiles begin (`crossbar.arrays.tiles.origins`).
    draws : int
        Streams used so far.
    memory : dict of str to ndarray (components, batch, n)
        What coloured noise remembers, by the place of the sums.
    instant : uint64
        Stream of the present read: a device that serves two sums is the same device in both.
    """

    config: ArrayConfig
    key: int
    additive: float
    starts: tuple[int, ...]
    draws: int = 0
    memory: dict[str, np.ndarray] = field(default_factory=dict)
    instant: np.uint64 = field(default=np.uint64(0), init=False)

    def read(
        self,
        weights: np.ndarray,
        variance: np.ndarray | None,
        driven: np.ndarray,
        patches: Sequence[Patch],
        out: np.ndarray,
    ) -> tuple[int, int]:
        """Write to `out` (batch, n_targets) the converted, noisy sums; return conversions and saturations.

        Parameters
        ----------
        weights : ndarray (N, N)
        variance : ndarray (N, N) or None
            Variance of each weight's noise where it depends on the state of the device.
        driven : ndarray (batch, n_sources)
            Signals after the DAC.
        """
        out[:] = 0
        size = self.config.tile_size if self.config.accumulation == "digital" else None
        conversions = saturated = 0
        self.instant = self._next()
        pieces = [piece for group in by_target(patches) for piece in partial_sums(group, size, self.starts)]
        shared = self._shared_noise(driven, pieces) if self._correlated(variance) else [None] * len(pieces)
        for piece, noise in zip(pieces, shared, strict=True):
            saturated += self._sense(weights, variance, driven, piece, noise, out)
            conversions += len(out) * (piece[0].targets.stop - piece[0].targets.start)
        return conversions, saturated

    def _sense(
        self,
        weights: np.ndarray,
        variance: np.ndarray | None,
        driven: np.ndarray,
        piece: Sequence[Patch],
        shared: tuple[np.ndarray, np.ndarray] | None,
        out: np.ndarray,
    ) -> int:
        noise, adc = self.config.read_noise, self.config.adc
        sums = product(weights, driven, piece)
        nothing: np.ndarray = NOTHING[str(sums.dtype)]
        spread = nothing
        if not noise.off and noise.where == "devices":
            sums = sums + self._each_device(variance, driven, piece)
        elif shared is not None:
            sums, spread = sums + shared[0], shared[1]
        elif not noise.off and (noise.spectrum == "white" or noise.fast):
            spread = self._variance(variance, driven, piece)
        if noise.spectrum != "white" and spread.size:
            self._add_coloured(sums, spread, piece[0])
            spread = nothing
        low, high, step = (adc.low, adc.high, adc.step) if adc else (-math.inf, math.inf, 0.0)
        target = out[:, piece[0].target_columns]
        floor, key = self.config.output_noise, self._next()

        def some(begin: int, end: int) -> int:
            part = slice(begin, end)
            own = spread[part] if spread.size else spread
            return convert_sums(sums[part], own, floor, low, high, step, key, target[part], begin)

        return sum(threads.over_rows(some, np.full(len(sums), sums.shape[1])))

    def _variance(self, variance: np.ndarray | None, driven: np.ndarray, piece: Sequence[Patch]) -> np.ndarray:
        """Return sum_i sigma_ij^2 x_i^2 (batch, n); without dependence on the state it needs no matrix product."""
        squares = np.square(driven)
        if variance is not None:
            return product(variance, squares, piece)
        first = piece[0]
        total = sum(squares[:, patch.source_columns].sum(1) for patch in piece)
        spread = np.repeat(total[:, None], first.targets.stop - first.targets.start, axis=1)
        for own_sources, own_targets in own_places(piece):
            spread[:, own_targets] -= squares[:, own_sources]
        spread *= spread.dtype.type(self.additive**2)
        return np.maximum(spread, 0, out=spread)

    def _correlated(self, variance: np.ndarray | None) -> bool:
        """Tell whether the outputs share devices whose noise is drawn exactly: white, and the same for all."""
        noise = self.config.read_noise
        return not noise.off and noise.spectrum == "white" and variance is None and self.config.symmetry == "shared"

    def _shared_noise(
        self, driven: np.ndarray, pieces: Sequence[Sequence[Patch]]
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return for each of `pieces` noise to add, and the variance of what is independent besides, (batch, n) each.

        Neurons are cut into intervals a, b, ... at the edges of all patches. Devices that serve a -> b alone give b
        independent noise of variance sigma^2 |x_a|^2; those that serve b -> a too are drawn once
        (`rectangle_noise`, of the square a -> a `square_noise`).
        """
        widths = [piece[0].targets.stop - piece[0].targets.start for piece in pieces]
        added = [np.zeros((len(driven), width), driven.dtype) for width in widths]
        spread = [np.zeros((len(driven), width), driven.dtype) for width in widths]
        ways = routes(pieces)
        for (one, other), (number, sources, targets) in ways.items():
            signals, back = driven[:, sources], ways.get((other, one))
            if one == other:
                added[number][:, targets] += square_noise(signals, self.additive, self._next())
            elif back is None:
                spread[number][:, targets] += np.einsum("ij,ij->i", signals, signals)[:, None]
            elif one < other:
                there, here = rectangle_noise(signals, driven[:, back[1]], self.additive, self._next())
                added[number][:, targets] += there
                added[back[0]][:, back[2]] += here
        scale = driven.dtype.type(self.additive**2)
        nothing: np.ndarray = NOTHING[str(driven.dtype)]
        alone = [scale * squares if squares.any() else nothing for squares in spread]
        return list(zip(added, alone, strict=True))

    def _add_coloured(self, sums: np.ndarray, spread: np.ndarray, first: Patch) -> None:
        times = np.array(self.config.read_noise.fast)
        shares = np.full(len(times), 1 / len(self.config.read_noise.correlation_times))
        place = f"{first.sources.start}:{first.targets.start}:{first.targets.stop}"
        memory = self.memory.get(place)
        if memory is None or memory.shape[1:] != sums.shape:
            memory = normals(self._next(), (len(times), *sums.shape))
        self.memory[place] = memory
        add_coloured(sums, spread, memory, np.exp(-1 / times), shares, self._next())

    def _each_device(self, variance: np.ndarray | None, driven: np.ndarray, piece: Sequence[Patch]) -> np.ndarray:
        """Return the noise of the sums with every device drawn, for each example anew: exact, O(batch N^2)."""
        assert variance is not None
        mirrored = self.config.symmetry == "shared"
        noise = []
        for number, example in enumerate(driven):
            draw = normals(stream(int(self.instant), number), variance.shape)
            draw = np.triu(draw, 1) + np.triu(draw, 1).T if mirrored else draw
            noise.append(product(draw * np.sqrt(variance), example[None], piece)[0])
        return np.array(noise, driven.dtype)

    def _next(self) -> np.uint64:
        self.draws += 1
        return stream(self.key, self.draws)


def product(matrix: np.ndarray, signals: np.ndarray, piece: Sequence[Patch]) -> np.ndarray:
    """Return the sum over the patches of `piece`, which share their targets, of `signals` times `matrix`."""
    total = signals[:, piece[0].source_columns] @ matrix[piece[0].sources, piece[0].targets]
    for patch in piece[1:]:
        total += signals[:, patch.source_columns] @ matrix[patch.sources, patch.targets]
    return total


def routes(pieces: Sequence[Sequence[Patch]]) -> dict[tuple[int, int], tuple[int, slice, slice]]:
    """Return by which piece each interval of neurons drives which other, and where in its signals and its sums.

    Intervals are named by their first neuron; no edge of a patch lies inside one.
    """
    patches = [(number, patch) for number, piece in enumerate(pieces) for patch in piece]
    spans = [span for _, patch in patches for span in (patch.sources, patch.targets)]
    edges = sorted({edge for span in spans for edge in (span.start, span.stop)})
    found = {}
    for number, patch in patches:
        shift = patch.source_columns.start - patch.sources.start
        for one, one_stop in pairwise(edges):
            if not patch.sources.start <= one < patch.sources.stop:
                continue
            for other, other_stop in pairwise(edges):
                if patch.targets.start <= other < patch.targets.stop:
                    targets = slice(other - patch.targets.start, other_stop - patch.targets.start)
                    found[one, other] = (number, slice(one + shift, one_stop + shift), targets)
    return found


def own_places(piece: Sequence[Patch]) -> list[tuple[slice, slice]]:
    """Return where sources of `piece` are also its targets: columns of the signals and columns of the sums."""
    found = []
    for patch in piece:
        start = max(patch.sources.start, patch.targets.start)
        stop = min(patch.sources.stop, patch.targets.stop)
        if start < stop:
            shift = patch.source_columns.start - patch.sources.start
            found.append(
                (slice(start + shift, stop + shift), slice(start - patch.targets.start, stop - patch.targets.start))
            )
    return found
