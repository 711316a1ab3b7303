"""The memristors of one network: a conductance for every card that will be written, and how many there are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from crossbar.chip import Chip
from crossbar.chip_checks import check_gains
from crossbar.errors import InvalidValue, unknown_name
from crossbar.numerics import checks

SYMMETRIES = ("shared", "two-device")
LOWEST, HIGHEST = 1e-15, 1e3  # siemens: below, a simulator's gmin (1e-18) would show; above, nothing is a memristor


@dataclass(frozen=True, kw_only=True, slots=True)
class MemristorArray:
    """Differential pairs that hold W, w_ij = (G+_ij - G-_ij) / siemens_per_weight; i is the target, j the source.

    With gains d of the lines w_ij = d_i (G+_ij - G-_ij) d_j / siemens_per_weight: neuron j drives its word line at d_j
    v_read, and what the bit lines of neuron i bring is multiplied by d_i.

    Attributes
    ----------
    plus, minus : ndarray (N, N)
        G+ and G- in siemens. A device may well conduct nothing: 0 S does not say that there is none.
    built : ndarray (N, N) of bool
        Where a pair of devices stands.
    siemens_per_weight : float
    symmetry : {"shared", "two-device"}
        Whether one device serves both directions of a pair (then G is symmetric) or each direction has its own.
    gains : ndarray (N,) or None
        Of the lines; 1 if None.

    Raises
    ------
    InvalidValue
        A conductance that is not finite, is negative or has no device, an asymmetric `shared` array, devices on the
        diagonal.
    """

    plus: np.ndarray
    minus: np.ndarray
    built: np.ndarray
    siemens_per_weight: float
    symmetry: str
    gains: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.symmetry not in SYMMETRIES:
            raise unknown_name("symmetry", self.symmetry, SYMMETRIES)
        for name in ("plus", "minus"):
            _check_conductances(name, getattr(self, name), self.symmetry)
        _check_built(self.built, (self.plus, self.minus), self.symmetry)
        checks.positive("siemens_per_weight", self.siemens_per_weight)
        if self.gains is not None:
            check_gains(self.gains, self.size)

    @property
    def size(self) -> int:
        """Number of neurons N."""
        return len(self.plus)

    @property
    def n_memristors(self) -> int:
        """Number of devices, each one card of the netlist."""
        count = int(np.count_nonzero(self.built))
        return count if self.symmetry == "shared" else 2 * count

    def weights(self) -> np.ndarray:
        """Return the weights (N, N) that the devices realise."""
        return self.between_lines((self.plus - self.minus) / self.siemens_per_weight)

    def between_lines(self, alike: np.ndarray) -> np.ndarray:
        """Return weights (N, N) of devices times the gains of their two lines."""
        return alike if self.gains is None else alike * np.outer(self.gains, self.gains)

    def driven(self, signals: np.ndarray) -> np.ndarray:
        """Return what word lines are at (N,), in units of v_read, for `signals` (N,) of the neurons."""
        return signals if self.gains is None else signals * self.gains

    def acting(self, clamped: np.ndarray) -> MemristorArray:
        """Return the array without the devices that cannot act while the neurons `clamped` (N,) are held.

        Those are the devices into clamped neurons; a shared device has two ends and is idle when both are clamped.
        """
        idle = np.repeat(clamped[:, None], self.size, axis=1)
        if self.symmetry == "shared":
            idle = idle & clamped[None, :]
        plus, minus = (np.where(idle, 0.0, side) for side in (self.plus, self.minus))
        return replace(self, plus=plus, minus=minus, built=self.built & ~idle)

    def digest(self) -> str:
        """Return the SHA-256 of the conductances (float64, row by row, G+ then G-), and of the lines' gains if any."""
        digest = hashlib.sha256()
        for conductances in (self.plus, self.minus, *(() if self.gains is None else (self.gains,))):
            digest.update(np.ascontiguousarray(conductances, np.float64).tobytes())
        return digest.hexdigest()


def _check_conductances(name: str, conductances: np.ndarray, symmetry: str) -> None:
    if conductances.ndim != 2 or conductances.shape[0] != conductances.shape[1]:
        raise InvalidValue(f"`{name}` must be a square matrix of siemens, but has shape {conductances.shape}")
    if not np.isfinite(conductances).all():
        raise InvalidValue(f"`{name}` must be finite, but holds NaN or infinity; program the chip again")
    if (conductances < 0).any():
        raise InvalidValue(f"`{name}` must not be negative, but its smallest conductance is {conductances.min()} S")
    if symmetry == "shared" and not np.array_equal(conductances, conductances.T):
        raise InvalidValue(f"`{name}` is not symmetric: a shared device cannot hold it; use --symmetry two-device")


def _check_built(built: np.ndarray, sides: tuple[np.ndarray, np.ndarray], symmetry: str) -> None:
    if any(side.shape != built.shape for side in sides):
        shapes = " and ".join(str(side.shape) for side in sides)
        raise InvalidValue(f"`plus` and `minus` must have the shape {built.shape} of `built`, but have {shapes}")
    if np.diagonal(built).any():
        raise InvalidValue("`built` must have a false diagonal (eq. 1), but couples a neuron with itself")
    if any(side[~built].any() for side in sides):
        raise InvalidValue("conductances must be 0 where no device is built; program the chip again")
    if symmetry == "shared" and not np.array_equal(built, built.T):
        raise InvalidValue("`built` is not symmetric, but a shared device serves both ways; use --symmetry two-device")


def real(values: np.ndarray, name: str) -> np.ndarray:
    """Return `values` as float64.

    Raises
    ------
    InvalidValue
        They are complex, text, or no numbers at all.
    """
    found = np.asarray(values)
    if found.dtype.kind not in "fiub":
        raise InvalidValue(f"`{name}` must be real numbers, but are {found.dtype}; make the chip again from its run")
    return found.astype(np.float64)


def map_linearly(
    weights: np.ndarray, coupled: np.ndarray, *, g_min: float, g_max: float, symmetry: str
) -> MemristorArray:
    """Return an array that holds `weights` (N, N) exactly, one device of each pair at `g_min` siemens.

    `weights` and `coupled` (N, N), where devices are built, are [target, source]. The largest |w| takes `g_max`:
    siemens_per_weight = (g_max - g_min) / max |w|.

    Raises
    ------
    InvalidValue
        The range is empty, or a weight is not finite.
    """
    if not LOWEST <= g_min < g_max <= HIGHEST:
        raise InvalidValue(
            f"`g_max` must exceed `g_min`, both from {LOWEST:g} to {HIGHEST:g} S, but got {g_max} and {g_min}"
        )
    weights = real(weights, "weights")
    if not np.isfinite(weights).all():
        raise InvalidValue("`weights` must be finite, but hold NaN or infinity; train the chip again")
    largest = float(np.abs(weights).max()) or 1.0
    scale = (g_max - g_min) / largest
    base = np.where(coupled, g_min, 0.0)
    plus = base + scale * np.where(coupled, np.maximum(weights, 0), 0.0)
    minus = base + scale * np.where(coupled, np.maximum(-weights, 0), 0.0)
    return MemristorArray(plus=plus, minus=minus, built=coupled, siemens_per_weight=scale, symmetry=symmetry)


def program(chip: Chip, network: str, *, symmetry: str | None = None, g_min: float, g_max: float) -> MemristorArray:
    """Return the devices of `network`: those that were programmed, or an exact linear map of its ideal weights.

    A chip's matrices have a row for each source, these a row for each target. Which devices are built is told by the
    network, whatever they conduct.

    Without `symmetry`, programmed conductances that are symmetric share their devices; all else is two-device, the
    layout `full` of `hopbar area`. Devices into an untied encoder's pixels, which are always clamped, are not built:
    `dead_blocks` "drop" of `hopbar area`. A decoder keeps its columns into the clamped latents: eq. (9) reads the
    input gradient there.
    """
    array = _program(chip, network, symmetry, g_min, g_max)
    return array.acting(_pixels(chip, network)) if network == "encoder" else array


def _pixels(chip: Chip, network: str) -> np.ndarray:
    held = np.zeros(chip.networks[network].size, bool)
    held[chip.networks[network].block("pixels")] = True
    return held


def _program(chip: Chip, network: str, symmetry: str | None, g_min: float, g_max: float) -> MemristorArray:
    coupled = chip.networks[network].mask()
    if network not in chip.conductances:
        weights = chip.effective_weights(network).T
        return map_linearly(weights, coupled, g_min=g_min, g_max=g_max, symmetry=symmetry or "two-device")
    devices = chip.conductances[network]
    plus, minus = (np.ascontiguousarray(real(side, "conductances").T) for side in (devices.plus, devices.minus))
    symmetric = np.array_equal(plus, plus.T) and np.array_equal(minus, minus.T)
    chosen = symmetry or ("shared" if symmetric else "two-device")
    return MemristorArray(
        plus=plus, minus=minus, built=coupled, siemens_per_weight=devices.siemens_per_weight, symmetry=chosen,
        gains=None if devices.gains is None else real(devices.gains, "gains"),
    )  # fmt: skip


def closed_form_count(n_neurons: int, symmetry: str) -> int:
    """Return the number of memristors of a dense network: N (N - 1) shared pairs, or twice as many one-way ones.

    >>> closed_form_count(1686, "shared"), closed_form_count(1686, "two-device")
    (2840910, 5681820)
    """
    return n_neurons * (n_neurons - 1) * (1 if symmetry == "shared" else 2)
