"""What a flow is taught from: units, pools of noise paired with samples, and the batches that are cut from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.errors import InvalidValue
from hvae.config.flow import Teaching
from hvae.flows import matching
from hvae.flows.matching import Matching
from hvae.flows.pairing import PAIRINGS
from hvae.streams import stream

FLOOR = 0.2  # of the root mean square deviation: what a coordinate's unit is at least


@dataclass(frozen=True, kw_only=True)
class Units:
    """What flows is (sample - mean) / scale.

    Noise of variance 1 in these units is as wide as the samples are, so that little of it is left at the end: in plain
    pixels, whose deviation is a half, its rest was the larger part of a flow's distance (docs/flows.md).

    Attributes
    ----------
    mean, scale : ndarray (d,)
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, samples: np.ndarray, spread: np.ndarray | float = 0.0) -> Units:
        """Return mean and deviation of each coordinate of `samples` (n, d) with noise of deviation `spread` added.

        A coordinate that hardly moves gets a unit of `FLOOR` times the root mean square of all deviations.
        """
        deviation = np.sqrt(samples.astype(np.float64).var(0) + np.square(spread))
        least = max(FLOOR * float(np.sqrt(np.mean(deviation**2))), 1e-6)
        return cls(mean=samples.mean(0, dtype=np.float64), scale=np.maximum(deviation, least))

    def inward(self, samples: np.ndarray) -> np.ndarray:
        """Return what flows for `samples` (n, d), float32."""
        found: np.ndarray = ((samples - self.mean) / self.scale).astype(np.float32)
        return found

    def outward(self, states: np.ndarray) -> np.ndarray:
        """Return the samples (n, d), float64, that `states` stand for."""
        found: np.ndarray = states.astype(np.float64) * self.scale + self.mean
        return found


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A batch: states x (n, d) at times t (n,) and what the field should be there (n, d), `hvae.flows.matching`."""

    x: np.ndarray
    t: np.ndarray
    target: np.ndarray


def lesson(start: np.ndarray, end: np.ndarray, drawn: np.ndarray, rule: Matching) -> Lesson:
    """Return what `rule` teaches between noise `start` and samples `end` (n, d), at times `drawn` (n,) in [0, 1)."""
    t = rule.times(drawn)
    x = (1 - t)[:, None] * start + t[:, None] * end
    return Lesson(x=x, t=t, target=rule.share(t)[:, None] * (end - start))


@dataclass(kw_only=True)
class Lessons:
    """The batches of a course; that of a step is the same whenever it is asked for.

    Attributes
    ----------
    samples : ndarray (n, d)
    spread : float or ndarray (d,)
        Standard deviation of noise that is added to every sample drawn.
    units : Units
    teaching : Teaching
    seed : int
    """

    samples: np.ndarray
    spread: np.ndarray | float
    units: Units
    teaching: Teaching
    seed: int
    _number: int = -1
    _pool: tuple[np.ndarray, np.ndarray] | None = None

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or len(self.samples) < 2 or not np.isfinite(self.samples).all():
            raise InvalidValue(f"`samples` must be at least two rows of finite numbers, but got {self.samples.shape}")

    def at(self, step: int) -> Lesson:
        """Return the batch of `step`, counted from 0."""
        batch = self.teaching.batch
        each = self.teaching.pool // batch
        start, end = self._pair(step // each)
        rows = slice(step % each * batch, (step % each + 1) * batch)
        drawn = stream(self.seed, "latent", step).random(batch, dtype=np.float32)
        return lesson(start[rows], end[rows], drawn, matching.of(self.teaching))

    def _pair(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return noise and samples of pool `number`, in pairs."""
        if self._pool is None or number != self._number:
            rng = stream(self.seed, "data", number)
            chosen = self.samples[_chosen(len(self.samples), self.teaching.pool, rng)]
            noisy = chosen + self.spread * rng.standard_normal(chosen.shape)
            end = self.units.inward(outward(noisy, self.teaching.margin, rng))
            start = rng.standard_normal(end.shape, dtype=np.float32)
            self._number, self._pool = number, (PAIRINGS[self.teaching.pairing](start, end), end)
        return self._pool


def outward(samples: np.ndarray, margin: float, rng: np.random.Generator) -> np.ndarray:
    """Return `samples` (n, d), those at -1 and at 1, or beyond, moved outward by `margin` |N(0, 1)|; see `Teaching`."""
    if margin == 0:
        return samples
    moved = margin * np.abs(rng.standard_normal(samples.shape))
    return np.where(samples <= -1, samples - moved, np.where(samples >= 1, samples + moved, samples))


def _chosen(count: int, pool: int, rng: np.random.Generator) -> np.ndarray:
    """Return `pool` of `count` rows in random order: none twice while there are others, then all again."""
    whole = [rng.permutation(count) for _ in range(pool // count)]
    return np.concatenate([*whole, rng.permutation(count)[: pool % count]])
