"""How many pulses a device lives: afterwards it stays where it is.

Lives are log-normal from device to device, as endurance is reported: a median and the standard deviation of its
logarithm. Filamentary cells have 10^6 to 10^12 cycles, ferroelectric ones 10^5 to 10^10, early ones far less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.numerics import checks


@dataclass(frozen=True, kw_only=True, slots=True)
class Endurance:
    """The law of lives.

    Attributes
    ----------
    pulses : float
        Median number of pulses after which a device no longer moves.
    spread : float
        Standard deviation of its natural logarithm.

    Raises
    ------
    InvalidValue
        Fewer than one pulse, a negative spread.
    """

    pulses: float
    spread: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.pulses < np.inf:
            raise InvalidValue(f"`pulses` of an endurance must be at least 1 and finite, but got {self.pulses}")
        checks.not_negative("spread", self.spread)

    def sample(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Return the lives (n_rows, n_cols) of devices, in pulses, whole numbers as float64."""
        return np.rint(self.pulses * np.exp(self.spread * rng.standard_normal(shape)))


def spend(life: np.ndarray | None, ups: np.ndarray, downs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which of the pulses `ups` and `downs` devices still take, and take them off their `life`, in place.

    >>> import numpy as np
    >>> life = np.array([5.0, 1.0])
    >>> ups, downs = spend(life, np.array([3, 3]), np.array([0, 0]))
    >>> ups.tolist(), life.tolist()
    ([3, 1], [2.0, 0.0])
    """
    if life is None:
        return ups, downs
    up = np.minimum(ups, life).astype(ups.dtype)
    down = np.minimum(downs, life - up).astype(downs.dtype)
    life -= up + down
    return up, down
