"""What wires cost a trained model: each tile's loss, and the scores, over tile sizes, resistances and compensations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.wired_network import Compensation, SolvedNetwork, WiredNetwork, place, solve_network
from crossbar.errors import InvalidValue
from crossbar.hopfield.asymmetric import HeldAntisymmetry
from crossbar.hopfield.conjugate_gradient import ConjugateGradient
from crossbar.hopfield.settling import Solver
from crossbar.wires.routes import RoutedLines
from hvae.data.sets import Dataset
from hvae.learning import costs, unsettled
from hvae.learning.unsettled import Tally
from hvae.models.hopfield import Parameters
from hvae.scores import distances, evaluation, features, sampling
from hvae.scores.densities import LatentDensity
from hvae.scores.distances import Extractor
from hvae.streams import stream
from hvae.wires.placing import Placed

EXTRA_SWEEPS = 5  # times as many products for asymmetric weights, whose field is renewed round by round
Cell = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class WireGrid:
    """What is varied, and how it is scored.

    Attributes
    ----------
    tiles : tuple of int
        Rows and columns of a tile.
    resistances : tuple of float
        Ohm per segment of word and bit line.
    compensations : tuple of Compensation
    images : int
        Test images that are reconstructed, and images that are generated.
    seed : int
    lines : RoutedLines, optional
        Of a floor plan: its segment is the one resistance, and its routes stand at every tile's lines.

    Raises
    ------
    InvalidValue
        Nothing to vary; tiles without devices, negative resistances, fewer than two images.
    """

    tiles: tuple[int, ...]
    resistances: tuple[float, ...]
    compensations: tuple[Compensation, ...]
    images: int = 1000
    seed: int = 0
    lines: RoutedLines | None = None

    def __post_init__(self) -> None:
        if self.lines is not None and self.resistances != (self.lines.segment,):
            raise InvalidValue(
                f"`resistances` must be the segment of `lines`, {self.lines.segment:g} ohm, but got {self.resistances}"
            )
        for name in ("tiles", "resistances", "compensations"):
            values = getattr(self, name)
            if not values or any(value in values[:at] for at, value in enumerate(values)):
                raise InvalidValue(f"`{name}` must be one or more different values, but got {values}")
        if min(self.tiles) < 2:
            raise InvalidValue(f"`tiles` must be at least 2, but got {min(self.tiles)}")
        if not all(np.isfinite(ohm) and ohm > 0 for ohm in self.resistances):
            raise InvalidValue(f"`resistances` must be positive and finite, but got {self.resistances}")
        if self.images < 2:
            raise InvalidValue(f"`images` must be at least 2, but got {self.images}")


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Scores weights on the same images and with the same noise each time.

    Attributes
    ----------
    placed : Placed
    net : Extractor
    real : ndarray (n, pixels)
        Test images to reconstruct.
    moments : Moments
        Of the features of the whole test split.
    seed : int
    density : LatentDensity
        Where z is drawn from, as the run says; fitted once, to what the model without wires encodes.
    """

    placed: Placed
    net: Extractor
    real: np.ndarray
    moments: distances.Moments
    seed: int
    density: LatentDensity

    @classmethod
    def make(cls, placed: Placed, dataset: Dataset, count: int, seed: int) -> Judge:
        """Return the judge for the first `count` test images of `dataset`."""
        if count > len(dataset.test_images):
            raise InvalidValue(f"`images` must be at most {len(dataset.test_images)}, the test split, but got {count}")
        net = features.of(dataset)
        moments = distances.moments(net.extract(dataset.test_images))
        density = evaluation.density(placed.trained, dataset, placed.trained.config.sampling, seed)
        return cls(
            placed=placed, net=net, real=dataset.test_images[:count], moments=moments, seed=seed, density=density
        )

    def score(self, weights: Parameters) -> dict[str, float]:
        """Return SSE/2, KL divergence and Frechet distance with `weights` by network, and what did not settle."""
        settling = self.placed.trained.config.settling
        solver: Solver = ConjugateGradient(tolerance=settling.tolerance, max_sweeps=settling.max_sweeps)
        if any(not np.array_equal(matrix, matrix.T) for matrix in weights.values()):
            solver = HeldAntisymmetry(tolerance=settling.tolerance, max_sweeps=EXTRA_SWEEPS * settling.max_sweeps)
        tally = Tally()
        learner = replace(self.placed.learner, solver=solver).counted(tally)
        parameters = dict(self.placed.trained.parameters) | weights
        output, mean, log_variance = sampling.reconstruct(learner, parameters, self.real, stream(self.seed, "latent"))
        fake = sampling.generate(learner, parameters, len(self.real), stream(self.seed, "sampling"), self.density)
        found = distances.moments(self.net.extract(fake))
        return {
            "sse_half": float(costs.sse_half(output, self.real).mean()),
            "kl": float(costs.kl_divergence(mean, log_variance).mean()),
            "frechet_distance": distances.frechet_distance_of_moments(found, self.moments),
            "unsettled": tally.unsettled or 0.0,
        }


@dataclass(frozen=True, kw_only=True)
class Losses:
    """What `measure` found.

    Attributes
    ----------
    ideal : dict
        Scores without wires, on the same devices.
    cells : list of dict
        Losses and scores, one a tile size, resistance and compensation.
    maps : dict
        What each tile of the first network keeps of its current, (tiles, 3): first row, first column, share; by tile
        size and resistance, under the first compensation.
    """

    ideal: dict[str, float]
    cells: list[Cell]
    maps: dict[tuple[int, float], np.ndarray] = field(default_factory=dict)


def measure(judge: Judge, grid: WireGrid, tell: Callable[[Cell], None]) -> Losses:
    """Return losses and scores of every cell of `grid`; `tell` hears of each when it is done.

    Raises
    ------
    UnsettledError
        Without wires already more samples than `settling.max_unsettled` of the run do not settle.
    """
    placed = judge.placed
    found = Losses(ideal=judge.score(placed.weights()), cells=[])
    unsettled.refuse({evaluation.UNSETTLED: found.ideal["unsettled"]}, placed.trained.config.settling.max_unsettled)
    for tile, ohm in product(grid.tiles, grid.resistances):
        cells, found.maps[tile, ohm] = measure_tiles(judge, tile, ohm, grid.compensations, tell, grid.lines)
        found.cells.extend(cells)
    return found


def measure_tiles(
    judge: Judge, tile: int, ohm: float, compensations: Sequence[Compensation], tell: Callable[[Cell], None],
    lines: RoutedLines | None = None,
) -> tuple[list[Cell], np.ndarray]:  # fmt: skip
    """Return the cells of one tile size and resistance, and what each tile of the first network keeps (tiles, 3).

    Compensations that differ in their gains alone share the solution of the tiles.
    """
    placed = judge.placed
    networks, dtype = placed.learner.vae.networks, np.dtype(placed.trained.config.training.precision)
    config = ArrayConfig(symmetry=placed.symmetry, tile_size=tile, wire_resistance=ohm)
    solved: dict[tuple, dict[str, SolvedNetwork]] = {}
    cells, kept = [], np.empty((0, 3))
    for compensation in compensations:
        settings = dict(compensation.settings)
        gains = settings.pop("wire_gains", "none")
        key = (*sorted(settings.items()), compensation.corrected)
        if key not in solved:
            solved[key] = {
                name: solve_network(
                    networks[name], place(networks[name], one, placed.symmetry), config, compensation, lines
                )
                for name, one in placed.conductances.items()
            }
        wired = {name: one.through(gains) for name, one in solved[key].items()}
        scored = judge.score({name: one.weights.astype(dtype) for name, one in wired.items()})
        cells.append(
            {"tile": tile, "ohm": ohm, "compensation": compensation.name} | losses(list(wired.values())) | scored
        )
        tell(cells[-1])
        if not len(kept):
            first = next(iter(wired.values()))
            kept = np.column_stack([first.places, first.kept])
    return cells, kept


def losses(wired: Sequence[WiredNetwork]) -> dict[str, float]:
    """Return what the tiles of all networks lose, and how far W = W^T is broken."""
    kept, errors = (np.concatenate([getattr(one, name) for one in wired]) for name in ("kept", "errors"))
    return {
        "tiles": len(kept),
        "current_lost": float(1 - kept.mean()),
        "current_lost_worst": float(1 - kept.min()),
        "weight_error": float(errors.mean()),
        "weight_error_worst": float(errors.max()),
        "asymmetry": max(one.asymmetry for one in wired),
    }
