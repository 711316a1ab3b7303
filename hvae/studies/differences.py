"""What a chip costs, seed by seed: differences to the ideal run of the same seed, and a verdict in words.

Differences are paired: the two runs share their seed, so their images, their order and their noise. The interval is
that of Student's t, whose half width is t_{0.975, n-1} s / sqrt(n).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

Result = Mapping[str, Any]

SCORES = ("sse_half_mean", "perfect_prior_distance", "frechet_distance")
"""SSE/2 from mu, Frechet distance with a perfect prior, Frechet distance with the run's own."""

HOLDS, LEARNS = 1.1, 1.25
"""SSE/2 from mu, as a multiple of the ideal run's, up to which a device holds a network, and up to which it learns."""

_CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean and the half width of its 95 % interval; of one seed there is none.

    Attributes
    ----------
    mean : float
    half : float or None
    """

    mean: float
    half: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        """Return the interval of the mean of `values`.

        >>> one = Interval.of([1.0, 2.0, 3.0])
        >>> one.mean, round(one.half, 4)
        (2.0, 2.4841)
        """
        count = len(values)
        half = None
        if count > 1:
            half = float(stats.t.ppf((1 + _CONFIDENCE) / 2, count - 1) * np.std(values, ddof=1) / np.sqrt(count))
        return cls(mean=float(np.mean(values)), half=half)

    @property
    def bounds(self) -> tuple[float, float]:
        """Both ends; of one seed its value twice."""
        half = self.half or 0.0
        return self.mean - half, self.mean + half


def paired(own: Sequence[Result], ideal: Mapping[tuple[str, int], Result], score: str) -> list[tuple[float, float]]:
    """Return `score` of each of `own` and of the ideal run of its model and seed, where both have it."""
    both = [(one, ideal.get((one["model"], one["seed"]), {})) for one in own]
    return [(float(a[score]), float(b[score])) for a, b in both if a.get(score) is not None and score in b]


def difference(pairs: Sequence[tuple[float, float]]) -> Interval | None:
    """Return the interval of the first less the second of `pairs`; None of none."""
    return Interval.of([a - b for a, b in pairs]) if pairs else None


def verdict(pairs: Sequence[tuple[float, float]], *, programmed: bool) -> str:
    """Return in words whether a device holds a network that was `programmed`, or learns one, by its SSE/2 from mu.

    `pairs` are SSE/2 on the device and of the ideal run, seed by seed. What the interval of their ratio leaves open is
    said to be open.

    >>> verdict([(10.1, 10.0), (10.3, 10.0), (10.2, 10.0)], programmed=True)
    'holds'
    >>> verdict([(19.0, 10.0)], programmed=False)
    'does not learn (one seed)'
    """
    if not pairs:
        return "no scores"
    word, limit = ("hold", HOLDS) if programmed else ("learn", LEARNS)
    low, high = Interval.of([a / b for a, b in pairs]).bounds
    told = f"{word}s" if high <= limit else f"does not {word}" if low > limit else f"may {word}: more seeds would tell"
    return f"{told} (one seed)" if len(pairs) == 1 else told
