"""Potentiation and depression curves: many devices under the same pulses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar.devices.law import PulsedLaw
from crossbar.errors import InvalidValue

BIGGEST = 500_000_000  # devices times pulses that a call may ask for
MOST = 1_000_000  # devices: some 200 megabytes of parameters and noise


@dataclass(frozen=True, kw_only=True, slots=True)
class PulseStatistics:
    """What reads of many devices show after each pulse, weight units, arrays of (n_up + n_down,).

    Attributes
    ----------
    mean, std, p5, p95 : ndarray
        Over the devices: mean, standard deviation, 5th and 95th percentile.
    """

    mean: np.ndarray
    std: np.ndarray
    p5: np.ndarray
    p95: np.ndarray


def pulse_statistics(
    law: PulsedLaw, *, n_up: int, n_down: int, count: int, rng: np.random.Generator, begin: float = 0.0
) -> PulseStatistics:
    """Return the statistics of `count` devices after each of `n_up` up-pulses, then `n_down` down-pulses.

    Parameters
    ----------
    begin : float
        Weight at the start, clipped to each device's bounds.

    Raises
    ------
    InvalidValue
        Negative numbers of pulses, no devices, more than `MOST` of them, or more than `BIGGEST` pulses in all.

    Notes
    -----
    Literal, in float64. What is shown is what a read sees, write noise included.
    """
    if n_up < 0 or n_down < 0 or n_up + n_down < 1:
        raise InvalidValue(f"`up` and `down` must be zero or more and not both zero, but got {n_up} and {n_down}")
    if count < 1:
        raise InvalidValue(f"`count` must be at least one device, but got {count}")
    if count > MOST:
        raise InvalidValue(
            f"`count` must be at most {MOST} devices, which fit in memory, but got {count}: ask for fewer"
        )
    if count * (n_up + n_down) > BIGGEST:
        raise InvalidValue(f"{count} devices times {n_up + n_down} pulses exceed {BIGGEST}: ask for fewer")
    state = law.sample((count,), rng, dtype=np.float64)
    state.program(begin, rng)
    everyone = np.ones(count, bool)
    rows: list[tuple[Any, ...]] = []
    for k in range(n_up + n_down):
        law.pulse(state, slice(None), k < n_up, rng)
        law.redraw(state, everyone, rng)
        w = state.visible
        rows.append((w.mean(), w.std(), *np.percentile(w, (5, 95))))
    mean, std, p5, p95 = np.array(rows).T
    return PulseStatistics(mean=mean, std=std, p5=p5, p95=p95)
