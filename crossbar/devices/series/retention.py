"""Power-law drift, found in conductances over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.devices.nonidealities import PowerLawDrift
from crossbar.devices.series.reading import Series
from crossbar.errors import InvalidValue

DECADES = 0.5  # of time that a series must span


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """G(t) = G(t0) (t / t0)^-nu of every device, by least squares in log G over log t.

    Attributes
    ----------
    exponents, errors : ndarray (d,)
        nu of each device, and its standard error from what the line leaves.
    starts : ndarray (d,)
        G at the first time, S, on the line.
    t0 : float
        That time, s.
    mean, spread : float
        Of nu over devices; the spread less what the errors put there, 0 of one device.
    explained : float
        Share of the variance of log G about each device's mean that the lines explain.
    """

    exponents: np.ndarray
    errors: np.ndarray
    starts: np.ndarray
    t0: float
    mean: float
    spread: float
    explained: float

    @property
    def law(self) -> PowerLawDrift:
        """The drift of arrays of such devices; a mean that is not above zero is none."""
        return PowerLawDrift(nu=max(self.mean, 0.0), nu_std=self.spread, t0=self.t0)

    @property
    def significant(self) -> bool:
        """Whether the exponents are further from zero than chance puts them: chi^2 above its mean by 3 deviations."""
        off = np.divide(self.exponents, self.errors, out=np.zeros(len(self.errors)), where=self.exponents != 0)
        return bool((off**2).sum() > len(off) + 3 * np.sqrt(2 * len(off)))

    def line(self, time: np.ndarray) -> np.ndarray:
        """Return the fitted conductances (n, d) at `time` (n,)."""
        return self.starts * (time[:, None] / self.t0) ** -self.exponents


def fit(series: Series) -> Retention:
    """Return the drift of the devices of `series`.

    Raises
    ------
    InvalidValue
        Times within half a decade, on which no exponent can be told.
    """
    time = series.time
    if time[-1] < time[0] * 10**DECADES:
        raise InvalidValue(
            f"an exponent needs times half a decade apart, but the series runs from {time[0]:g} to {time[-1]:g} s"
        )
    x, y = np.log(time / time[0]), np.log(series.conductances)
    centred = x - x.mean()
    slopes = centred @ (y - y.mean(axis=0)) / (centred @ centred)
    lines = y.mean(axis=0) + centred[:, None] * slopes
    left = y - lines
    errors = np.sqrt((left**2).sum(axis=0) / max(len(x) - 2, 1) / (centred @ centred))
    total = float(((y - y.mean(axis=0)) ** 2).sum())
    spread = 0.0
    if len(slopes) > 1:
        spread = float(np.sqrt(max(np.var(slopes, ddof=1) - np.mean(errors**2), 0.0)))
    return Retention(
        exponents=-slopes, errors=errors, starts=np.exp(lines[0]), t0=float(time[0]), mean=float(-slopes.mean()),
        spread=spread, explained=1 - float((left**2).sum()) / total if total > 0 else 1.0,
    )  # fmt: skip
