"""Noise of the devices as they are read, with a correlation time: what averages out, what cancels, what does not.

Each device fluctuates with standard deviation sigma(G) = hypot(additive g_max, relative G). How fast decides where the
simulation puts it:

- faster than a phase: at the outputs. Independent device noise e_ij gives y_j = sum_i e_ij x_i the variance
  sum_i sigma_ij^2 x_i^2, one more matrix product, so a read never redraws the matrix. Exact for white noise as long as
  a device is read by one output only. One device that serves w_ij and w_ji (`shared`) also correlates the outputs,
  cov(y_i, y_j) = sigma_ij^2 x_i x_j. With `relative` 0 and ideal wires that is drawn exactly (`square_noise`,
  `rectangle_noise`); otherwise the outputs are drawn without it, and `where="devices"` is the exact, slow alternative.
- slower than a phase: in the matrix itself, which `new_phase` or `new_batch` moves on. Between two of those calls reads
  are repeatable and, on shared devices, symmetric.
- in between, `lorentzian`, `pink` and `telegraph` noise: each part with a correlation time below `frozen_reads` is an
  autoregressive process at every output, exact as far as the signals stand still over that time; each slower part is
  a matrix. Telegraph noise at an output sums over hundreds of devices and is taken as Gaussian there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import get_args

import numpy as np

from crossbar.array_fields import BOUNDS, ArrayFields, SpectrumName
from crossbar.errors import InvalidValue, unknown_name
from crossbar.numerics import checks, threads
from crossbar.numerics.mirror import mirror_upper
from crossbar.numerics.normals import fill_normals, fill_rows
from crossbar.numerics.random import ROW, mix

SPECTRA = get_args(SpectrumName)
PLACES = ("outputs", "devices")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadNoise:
    """How the devices of an array fluctuate.

    Attributes
    ----------
    additive : float
        Standard deviation as a fraction of g_max, the same for every device.
    relative : float
        Standard deviation as a fraction of the device's own conductance.
    spectrum : str
        `white` (new at each read), `phase` (new in each phase), `batch` (new in each batch), `lorentzian` (one
        correlation time), `pink` (1/f: a Lorentzian of equal variance every decade from 1 to `correlation_reads`,
        within 6 % of 1/f in between), `telegraph` (two states, with the lorentzian spectrum).
    correlation_reads : float
        Correlation time of `lorentzian` and `telegraph`, longest one of `pink`, in reads.
    frozen_reads : float
        Correlation times of at least so many reads stand still during a phase.
    where : {"outputs", "devices"}
        Where white noise is drawn. `devices` draws the whole matrix for each example and read: exact for shared
        devices too, and slow; for verification.

    Raises
    ------
    InvalidValue
        A negative or infinite value, `where="devices"` with a spectrum that is not white.
    UnknownName
        No such spectrum or place.

    Examples
    --------
    >>> import crossbar as xb
    >>> xb.ReadNoise(additive=0.02).static, xb.ReadNoise(additive=0.02, spectrum="phase").static
    (False, True)
    """

    additive: float = 0.0
    relative: float = 0.0
    spectrum: str = ArrayFields.spectrum
    correlation_reads: float = ArrayFields.correlation_reads
    frozen_reads: float = 100.0
    where: str = "outputs"

    def __post_init__(self) -> None:
        for name in ("additive", "relative"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise InvalidValue(f"`{name}` is a standard deviation and must not be negative, but got {value}")
        BOUNDS["correlation_reads"].check("correlation_reads", self.correlation_reads)
        checks.positive("frozen_reads", self.frozen_reads)
        if self.spectrum not in SPECTRA:
            raise unknown_name("spectrum of read noise", self.spectrum, SPECTRA)
        if self.where not in PLACES:
            raise unknown_name("place of read noise", self.where, PLACES)
        if self.where == "devices" and self.spectrum != "white":
            raise InvalidValue(f"`where` must be 'outputs' for {self.spectrum} noise, but got 'devices'")

    @property
    def off(self) -> bool:
        """Whether there is no noise."""
        return self.additive == 0 and self.relative == 0

    @property
    def correlation_times(self) -> tuple[float, ...]:
        """Correlation times, in reads, of the parts that have one; each part has an equal share of the variance."""
        if self.spectrum in {"lorentzian", "telegraph"}:
            return (self.correlation_reads,)
        if self.spectrum == "pink":
            decades = max(1, round(math.log10(self.correlation_reads)) + 1)
            return tuple(self.correlation_reads / 10.0**k for k in reversed(range(decades)))
        return ()

    @property
    def fast(self) -> tuple[float, ...]:
        """Correlation times that are drawn at the outputs."""
        return tuple(tau for tau in self.correlation_times if tau < self.frozen_reads)

    @property
    def slow(self) -> tuple[float, ...]:
        """Correlation times that are drawn in the matrix; those of `phase` and `batch` noise count as 0."""
        if self.spectrum in {"phase", "batch"}:
            return (0.0,)
        return tuple(tau for tau in self.correlation_times if tau >= self.frozen_reads)

    @property
    def static(self) -> bool:
        """Whether reads within a phase are repeatable."""
        return self.off or (self.spectrum != "white" and not self.fast)

    def variance(self, conductances: np.ndarray, g_max: float) -> np.ndarray:
        """Return sigma(G)^2 of devices at `conductances`, in the square of their unit, which is that of `g_max`."""
        return (self.additive * g_max) ** 2 + np.square(self.relative * conductances)


@dataclass(slots=True, kw_only=True)
class FrozenNoise:
    """The part of the noise that stands still during a phase: unit-variance matrices, one a correlation time.

    Attributes
    ----------
    law : ReadNoise
    key : int
        Stream of random numbers; with `draws` it makes the sequence repeatable.
    mirrored : bool
        Whether (i, j) and (j, i) are one device.
    parts : list of ndarray (N, N), float32
    draws : int
        How often a matrix has been drawn.
    """

    law: ReadNoise
    key: int
    mirrored: bool
    parts: list[np.ndarray] = field(default_factory=list)
    draws: int = 0

    def start(self, size: int) -> None:
        """Draw the stationary state for `size` neurons."""
        self.parts = [np.zeros((size, size), np.float32) for _ in self.law.slow]
        self.advance([0.0] * len(self.parts))

    def new_phase(self, elapsed: int) -> bool:
        """Move on by `elapsed` reads, and tell whether anything changed."""
        if self.law.spectrum == "batch" or not self.parts:
            return False
        self.advance([math.exp(-elapsed / tau) if tau > 0 else 0.0 for tau in self.law.slow])
        return True

    def new_batch(self) -> bool:
        """Draw anew what lasts for a batch, and tell whether anything changed."""
        if self.law.spectrum != "batch" or not self.parts:
            return False
        self.advance([0.0])
        return True

    def advance(self, keep: list[float]) -> None:
        """Let each part remember the share `keep` of itself and draw the rest."""
        for part, kept in zip(self.parts, keep, strict=True):
            fresh = self._normals(part.shape)
            if self.law.spectrum == "telegraph":
                telegraph_step(part, kept, fresh)
            else:
                part[...] = np.float32(kept) * part + np.float32(math.sqrt(1 - kept**2)) * fresh
            if self.mirrored:
                mirror_upper(part)

    def deviation(self, variance: np.ndarray) -> np.ndarray:
        """Return the present deviation (N, N) of weights whose noise has that `variance`."""
        share = len(self.law.slow) / max(1, len(self.law.correlation_times)) if self.law.correlation_times else 1.0
        total = sum(self.parts[1:], start=self.parts[0]) * np.float32(math.sqrt(share / len(self.parts)))
        return total * np.sqrt(variance)

    def _normals(self, shape: tuple[int, ...]) -> np.ndarray:
        out = np.empty(shape, np.float32)
        keys = np.array([stream(self.key, self.draws * shape[0] + row) for row in range(shape[0])], np.uint64)
        threads.over_rows(lambda begin, end: fill_rows(keys, out, begin, end), np.full(len(out), shape[-1]))
        self.draws += 1
        return out


def telegraph_step(states: np.ndarray, kept: float, fresh: np.ndarray) -> None:
    """Flip two-state fluctuators (-1, 1) with the probability (1 - `kept`) / 2, in place; zeros start at random.

    `fresh` (N(0, 1), same shape) decides: its sign for those that start, its size for those that flip.
    """
    threshold = np.float32(NormalDist().inv_cdf(1 - (1 - kept) / 4)) if kept < 1 else np.float32(np.inf)
    flips = np.where(np.abs(fresh) > threshold, np.float32(-1), np.float32(1))
    started = states != 0
    np.multiply(states, flips, out=states)
    np.copyto(states, np.where(fresh < 0, np.float32(-1), np.float32(1)), where=~started)


def stream(key: int, number: int) -> np.uint64:
    """Return the key of sub-stream `number` of `key`, far from every other: the finalizer of splitmix64."""
    return np.uint64(mix(np.uint64((key + (number + 1) * int(ROW)) % 2**64)))


def normals(key: np.uint64, shape: tuple[int, ...]) -> np.ndarray:
    """Return N(0, 1) numbers of `shape`, float32, from stream `key`."""
    out = np.empty(shape, np.float32)
    fill_normals(key, 0, out.reshape(-1))
    return out


def square_noise(signals: np.ndarray, deviation: float, key: np.uint64) -> np.ndarray:
    """Return y_i = sum_{j != i} e_ij x_j (batch, n) with one device a pair, e_ij = e_ji ~ N(0, deviation^2).

    Its covariance is sigma^2 x_i x_j off the diagonal and sigma^2 (|x|^2 - x_i^2) on it, and so is that of

        y_i = sigma (sqrt(|x|^2 - 2 x_i^2) g_i + x_i eta),      g_i, eta ~ N(0, 1),

    with one eta an example. Where one signal x_m holds more than half of |x|^2 its root does not exist, and y_m is
    drawn given the others: with r_i = x_i / sqrt(|x|^2 - 2 x_i^2) and a = x_m / (1 + sum_i r_i^2), i != m, it is
    sigma times a sum_i r_i g_i + (x_m - a) eta plus what is left of its variance, independent.
    """
    kind = signals.dtype.type
    eta = normals(stream(int(key), 0), (len(signals), 1)).astype(kind)
    fresh = normals(stream(int(key), 1), signals.shape).astype(kind)
    squares = np.square(signals)
    power = squares.sum(1, keepdims=True)
    roots = np.sqrt(np.maximum(power - 2 * squares, 0))
    noise = roots * fresh + signals * eta
    for row in np.flatnonzero((2 * squares > power).any(1)):
        largest = int(np.argmax(squares[row]))
        others = np.arange(signals.shape[1]) != largest
        ratio = signals[row, others] / roots[row, others]
        slope = signals[row, largest] / (1 + ratio @ ratio)
        known = slope * (ratio @ fresh[row, others]) + (signals[row, largest] - slope) * eta[row, 0]
        left = squares[row, others].sum() - signals[row, largest] * slope * (ratio @ ratio)
        noise[row, largest] = known + np.sqrt(max(left, 0)) * fresh[row, largest]
    return kind(deviation) * noise


def rectangle_noise(
    first: np.ndarray, second: np.ndarray, deviation: float, key: np.uint64
) -> tuple[np.ndarray, np.ndarray]:
    """Return n_b = E^T x_a and n_a = E x_b of the same devices E (a, b), e_ij ~ N(0, deviation^2).

    n_b = sigma |x_a| g_b, and n_a given n_b is, with u = x_a / |x_a|,

        n_a = u (n_b . x_b) / |x_a| + sigma |x_b| (g_a - u (u . g_a)).

    Parameters
    ----------
    first, second : ndarray (batch, a), (batch, b)
        Signals x_a and x_b.
    """
    kind = first.dtype.type
    sizes = [np.sqrt(np.einsum("ij,ij->i", one, one))[:, None] for one in (first, second)]
    there = kind(deviation) * sizes[0] * normals(stream(int(key), 0), second.shape).astype(kind)
    driven = sizes[0] > 0
    unit = np.divide(first, sizes[0], out=np.zeros_like(first), where=driven)
    known = np.divide((there * second).sum(1, keepdims=True), sizes[0], out=np.zeros_like(sizes[0]), where=driven)
    fresh = normals(stream(int(key), 1), first.shape).astype(kind)
    fresh -= unit * (unit * fresh).sum(1, keepdims=True)
    return there, unit * known + kind(deviation) * sizes[1] * fresh
