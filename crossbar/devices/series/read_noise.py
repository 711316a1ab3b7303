"""Read noise, found in conductances over time: how large, on what it depends, and whether it remembers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from scipy.signal import welch

from crossbar.devices.series.reading import Series

EVEN = 0.01  # relative spread of the steps of time up to which they count as equal
FEWEST = 64  # readings below which no spectrum is told
WHITE, PINK = 0.5, 1.5  # slopes of the spectrum below which noise is white, and above which it is no 1/f either


@dataclass(frozen=True, kw_only=True, slots=True)
class Fluctuation:
    """What is left of readings when drift is taken out.

    Attributes
    ----------
    deviations : ndarray (d,)
        Standard deviation of every device, S.
    means : ndarray (d,)
        Mean conductance, S.
    additive, relative : float
        sigma^2 = (additive g_max)^2 + (relative G)^2 by least squares over the devices; of one device all is additive.
    g_max : float
        S.
    slope : float or None
        a in a spectrum of 1 / f^a, mean over devices; None of uneven or few readings.
    """

    deviations: np.ndarray
    means: np.ndarray
    additive: float
    relative: float
    g_max: float
    slope: float | None

    @property
    def spectrum(self) -> str | None:
        """`white`, `pink` (1/f), or `other`: steeper, as of a single fluctuator or of drift that is not a power law."""
        if self.slope is None:
            return None
        return "white" if self.slope < WHITE else "pink" if self.slope <= PINK else "other"


def fit(series: Series, lines: np.ndarray, g_max: float) -> Fluctuation:
    """Return the noise of `series` about `lines` (n, d), such as those of a drift; `g_max` in S."""
    left = series.conductances - lines
    freedom = max(len(left) - 2, 1)
    deviations = np.sqrt((left**2).sum(axis=0) / freedom)
    means = series.conductances.mean(axis=0)
    additive, relative = float(np.sqrt(np.mean(deviations**2))) / g_max, 0.0
    if len(means) > 1 and np.ptp(means) > 0:
        columns = np.stack([np.full(len(means), 1.0), (means / g_max) ** 2], axis=1)
        weights = 1 / deviations**2 if (deviations > 0).all() else np.ones(len(means))
        squares, _ = nnls(columns * weights[:, None], (deviations / g_max) ** 2 * weights)
        additive, relative = (float(np.sqrt(one)) for one in squares)
    return Fluctuation(
        deviations=deviations, means=means, additive=additive, relative=relative, g_max=g_max,
        slope=_slope(series.time, left),
    )  # fmt: skip


def _slope(time: np.ndarray, left: np.ndarray) -> float | None:
    """Return a of 1 / f^a, by a line through the logarithms of Welch's spectrum in bins of equal ratio."""
    steps = np.diff(time)
    if len(time) < FEWEST or np.ptp(steps) > EVEN * steps.mean() or not (left.std(axis=0) > 0).any():
        return None
    frequency, power = welch(left, fs=1 / steps.mean(), nperseg=min(len(time), 1024), axis=0)
    moving = left.std(axis=0) > 0
    frequency, power = frequency[2:], (power[:, moving] / power[:, moving].sum(axis=0)).mean(axis=1)[2:]
    edges = np.geomspace(frequency[0], frequency[-1] * (1 + 1e-9), 13)
    places = np.digitize(frequency, edges)
    rows = [(np.log(frequency[places == k]).mean(), np.log(power[places == k].mean())) for k in np.unique(places)]
    x, y = np.array(rows).T
    return float(-np.polyfit(x, y, 1)[0])
