"""By how much a written conductance misses its target: laws fitted to measurements, by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossbar.errors import InvalidValue, unknown_name


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteError:
    """A standard deviation sigma(G) of the written conductance.

    Attributes
    ----------
    name : str
    sigma : callable
        From conductances to standard deviations, both in microsiemens.
    g_max : float
        Conductance, in microsiemens, that the law calls the end of its range. An array's own g_max stands for it: the
        law is stretched in both directions. Exact where the array's range is the law's, an assumption elsewhere.
    g_min : float
        Where the law's range begins, in microsiemens; below it nothing was measured, so that an array's g_min may not
        lie lower (`check`), and does not unless it is told to (`least`).
    """

    name: str
    sigma: Callable[[np.ndarray], np.ndarray]
    g_max: float
    g_min: float = 0.0

    def least(self, g_max: float) -> float:
        """Return the lowest conductance (S) of an array of `g_max` (S) that the law's range holds."""
        return self.g_min / self.g_max * g_max

    def check(self, g_min: float, g_max: float) -> None:
        """Raise `InvalidValue` where an array's range (S) begins below the law's."""
        if g_min < self.least(g_max) * (1 - 1e-9):
            raise InvalidValue(
                f"`g_min` must be at least {self.least(g_max):.4g} S with `g_max` {g_max:.4g} S, since the programming "
                f"error {self.name!r} was measured from {self.g_min:g} to {self.g_max:g} uS, but got {g_min} S"
            )

    def deviation(self, conductances: np.ndarray, g_max: float) -> np.ndarray:
        """Return the standard deviation (S) of devices meant to have `conductances` (S), on an array of `g_max` (S)."""
        stretch = g_max / self.g_max
        return np.maximum(self.sigma(conductances / stretch), 0) * stretch

    def write(self, conductances: np.ndarray, g_max: float, rng: np.random.Generator) -> np.ndarray:
        """Return what devices meant to have `conductances` (S) get; never below zero."""
        xi = rng.standard_normal(conductances.shape, dtype=np.float32)
        return np.maximum(conductances + self.deviation(conductances, g_max) * xi, 0)


def gaussian(fraction: float) -> WriteError:
    """Return the law of a constant standard deviation, `fraction` of g_max.

    Raises
    ------
    InvalidValue
        A negative fraction.
    """
    if not (math.isfinite(fraction) and fraction >= 0):
        raise InvalidValue(f"`fraction` is a standard deviation and must not be negative, but got {fraction}")
    return WriteError(name=f"gaussian {fraction:g}", sigma=Constant(fraction), g_max=1.0)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same standard deviation everywhere."""

    value: float

    def __call__(self, conductances: np.ndarray) -> np.ndarray:
        """Return `value` for each of `conductances`."""
        return np.full_like(conductances, self.value)


def _pcm(g: np.ndarray) -> np.ndarray:
    share = g / 25
    return 0.26348 + 1.9650 * share - 1.1731 * share**2


def _pcm_joshi(g: np.ndarray) -> np.ndarray:
    return -0.00178767 * g**2 + 0.07585724 * g + 0.28638599


def _rram_milo(g: np.ndarray) -> np.ndarray:
    return -0.009107 * g + 4.782321


def _rram_wan(g: np.ndarray) -> np.ndarray:
    g = np.minimum(g, 39.26)
    return 1.536e-4 * g**3 - 1.167e-2 * g**2 + 0.2374 * g + 1.053


WRITE_ERRORS = {
    law.name: law
    for law in (
        # aihwkit's PCM model, g_max 25 uS (arXiv:2104.02184)
        WriteError(name="pcm", sigma=_pcm, g_max=25.0),
        # the next three are fits of CrossSim 3.2, with its ranges, to figures of the papers named:
        # Joshi et al., Nat. Commun. 11:2473 (2020), doi:10.1038/s41467-020-16108-9, figure 3b, RESET to 25 uS
        WriteError(name="pcm-joshi", sigma=_pcm_joshi, g_max=25.0),
        # Milo et al., IRPS (2021), doi:10.1109/IRPS46558.2021.9405119, figure 4 (IGVVA-100), 50 to 225 uS
        WriteError(name="rram-milo", sigma=_rram_milo, g_max=225.0, g_min=50.0),
        # Wan et al., Nature 608:504 (2022), doi:10.1038/s41586-022-04992-8, extended data figure 3 (1 s);
        # its chip's devices begin at 1 uS
        WriteError(name="rram-wan", sigma=_rram_wan, g_max=39.26, g_min=1.0),
    )
}


def write_error(name: str) -> WriteError:
    """Return the law `name`: `pcm`, `pcm-joshi`, `rram-milo` or `rram-wan`.

    Raises
    ------
    UnknownName
        No such law.
    """
    if name not in WRITE_ERRORS:
        raise unknown_name("programming error", name, WRITE_ERRORS)
    return WRITE_ERRORS[name]
