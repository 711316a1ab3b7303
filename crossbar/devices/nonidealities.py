"""What lies between the conductance that was written and the one that is there: levels, faults, spread, time.

Each of these acts on one plane of devices (see `crossbar.devices.mapping`), in weight units, and each is off by
default.
"""

from __future__ import annotations

from collections.abc import Mapping as Named
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from crossbar.array_fields import BOUNDS, ArrayFields
from crossbar.devices.endurance import Endurance
from crossbar.devices.mapping import Mapping
from crossbar.devices.stuck_map import StuckMap
from crossbar.errors import InvalidValue
from crossbar.numerics import checks

Seconds = float | np.ndarray


class DriftLaw(Protocol):
    """How conductances change with the time since they were written."""

    def spread(self) -> bool:
        """Tell whether the law differs from device to device, so that it needs a draw xi ~ N(0, 1) for each."""
        ...

    def at(self, conductances: np.ndarray, xi: np.ndarray | None, mapping: Mapping, time: Seconds) -> np.ndarray:
        """Return `conductances` (S, as written) after `time` seconds, one for all devices or one each."""
        ...


class Series(Protocol):
    """What stands in series with every device, so that reads find less (`crossbar.wires.access.Access`)."""

    def seen(self, conductances: np.ndarray) -> np.ndarray:
        """Return what reads find of devices of `conductances`, S."""
        ...

    def written(self, seen: np.ndarray) -> np.ndarray:
        """Return the conductances (S) of devices that reads find as `seen`."""
        ...

    def devices(self, mapping: Mapping) -> Mapping:
        """Return the mapping of the devices, where `mapping` is that of reads."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerLawDrift:
    """G(t) = G (t / t0)^-nu for t > t0, the structural relaxation of phase-change memory.

    Attributes
    ----------
    nu, nu_std : float
        Exponent and its spread from device to device; a negative draw counts as zero.
    t0 : float
        Time at which the written value was verified, s.

    Examples
    --------
    >>> import numpy as np
    >>> import crossbar as xb
    >>> a = xb.Array([[1.0]], faults=xb.FaultLaw(drift=xb.PowerLawDrift(nu=0.1, t0=1.0)))
    >>> a.age(10.0)
    >>> a.weights.round(4)
    array([[0.7943]])
    """

    nu: float
    nu_std: float = 0.0
    t0: float = 20.0

    def __post_init__(self) -> None:
        checks.positive("t0", self.t0)
        checks.not_negative("nu", self.nu)
        checks.not_negative("nu_std", self.nu_std)

    def spread(self) -> bool:
        """Tell whether the exponents differ."""
        return self.nu_std > 0

    def at(self, conductances: np.ndarray, xi: np.ndarray | None, mapping: Mapping, time: Seconds) -> np.ndarray:
        """Return the conductances (S) after `time` seconds."""
        del mapping
        exponent = self.nu if xi is None else np.maximum(self.nu + self.nu_std * xi, 0)
        return conductances * (np.maximum(time, self.t0) / self.t0) ** -exponent


@dataclass(frozen=True, kw_only=True, slots=True)
class PcmDrift:
    """Power-law drift with exponents that depend on the state, as measured on phase-change memory.

    With g = G / g_max the exponent has mean clamp(-0.0155 ln g + 0.0244, 0.049, 0.1) and standard deviation
    clamp(-0.0125 ln g - 0.0059, 0.008, 0.045), t0 = 20 s: the default inference noise model of aihwkit
    (arXiv:2104.02184; measured by Nandakumar et al., ICECS 2020, doi:10.1109/ICECS49266.2020.9294880).
    """

    t0: float = 20.0

    def spread(self) -> bool:
        """Tell that the exponents differ."""
        return True

    def at(self, conductances: np.ndarray, xi: np.ndarray | None, mapping: Mapping, time: Seconds) -> np.ndarray:
        """Return the conductances (S) after `time` seconds."""
        logarithm = np.log(np.maximum(conductances / mapping.g_max, 1e-9))
        mean = np.clip(-0.0155 * logarithm + 0.0244, 0.049, 0.1)
        deviation = np.clip(-0.0125 * logarithm - 0.0059, 0.008, 0.045)
        exponent = np.maximum(mean + deviation * (0 if xi is None else xi), 0)
        return conductances * (np.maximum(time, self.t0) / self.t0) ** -exponent


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """G(t) = G_end + (G - G_end) exp(-t / lifetime): the state is lost to a resting point.

    Attributes
    ----------
    lifetime : float
        Time constant, s.
    toward : float
        The resting point within the range, from 0 (g_min) to 1 (g_max).
    lifetime_spread : float
        Standard deviation of ln(lifetime) from device to device (log-normal).
    """

    lifetime: float
    toward: float = 0.0
    lifetime_spread: float = 0.0

    def __post_init__(self) -> None:
        checks.positive("lifetime", self.lifetime)
        _check_fraction("toward", self.toward)
        checks.not_negative("lifetime_spread", self.lifetime_spread)

    def spread(self) -> bool:
        """Tell whether the lifetimes differ."""
        return self.lifetime_spread > 0

    def at(self, conductances: np.ndarray, xi: np.ndarray | None, mapping: Mapping, time: Seconds) -> np.ndarray:
        """Return the conductances (S) after `time` seconds."""
        end = mapping.g_min + self.toward * (mapping.g_max - mapping.g_min)
        lifetime = self.lifetime if xi is None else self.lifetime * np.exp(self.lifetime_spread * xi)
        return end + (conductances - end) * np.exp(-time / lifetime)


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """What is wrong with one plane of devices, drawn once when the array is made.

    Attributes
    ----------
    levels : int or None
        Number of equally spaced conductances from g_min to g_max that a device can hold.
    stuck : ndarray of int8 (n_rows, n_cols) or None
        -1 where the device is stuck at g_min, 1 at g_max, 0 where it works. A stuck device does not age.
    gain : ndarray (n_rows, n_cols) or None
        Each device's conductance over the one that was meant.
    drift : DriftLaw or None
    drift_draw : ndarray (n_rows, n_cols) or None
        Where each device stands in the spread of its drift, N(0, 1).
    life : ndarray (n_rows, n_cols) or None
        Pulses that each device will still take; those who give pulses take them off it.
    access : Series or None
        What reads find in series with every device. Planes then say where a device stands in its own range; what
        `realise` returns is what reads find.
    """

    levels: int | None = None
    stuck: np.ndarray | None = None
    gain: np.ndarray | None = None
    drift: DriftLaw | None = None
    drift_draw: np.ndarray | None = None
    life: np.ndarray | None = None
    access: Series | None = None

    @property
    def none(self) -> bool:
        """Whether every device reads as it was written, now and later."""
        return all(one is None for one in (self.levels, self.stuck, self.gain, self.drift, self.access))

    def devices(self, mapping: Mapping) -> Mapping:
        """Return the mapping of the devices themselves, where `mapping` is that of reads."""
        return mapping if self.access is None else self.access.devices(mapping)

    def stored(self, plane: np.ndarray, mapping: Mapping) -> np.ndarray:
        """Return where devices must stand so that reads find `plane`, were nothing else wrong."""
        if self.access is None:
            return plane
        own = self.access.written(mapping.siemens(mapping.clip(plane)))
        return self.devices(mapping).plane(own).astype(plane.dtype)

    def realise(self, plane: np.ndarray, mapping: Mapping, time: Seconds) -> np.ndarray:
        """Return what `plane` (weight units, as written) is after `time` seconds; itself when nothing is wrong."""
        if self.levels is not None:
            plane = round_to_levels(plane, mapping, self.levels)
        if self.gain is None and self.drift is None and self.stuck is None and self.access is None:
            return plane
        dtype, own = plane.dtype, self.devices(mapping)
        conductances = own.siemens(plane)
        if self.gain is not None:
            conductances = conductances * self.gain
        if self.drift is not None and np.any(time > 0):
            conductances = self.drift.at(conductances, self.drift_draw, own, time)
        if self.stuck is not None:
            conductances = np.where(self.stuck < 0, own.g_min, conductances)
            conductances = np.where(self.stuck > 0, own.g_max, conductances)
        if self.access is not None:
            conductances = self.access.seen(conductances)
        return mapping.plane(conductances).astype(dtype)

    def aged(self, plane: np.ndarray, mapping: Mapping, time: Seconds) -> np.ndarray:
        """Return the plane that a fresh write would need for devices to be as `plane` is after `time` seconds.

        Stuck cells, and devices that conduct nothing, count as if they had worked.
        """
        if self.drift is None:
            return plane
        own = self.devices(mapping)
        meant = own.siemens(plane if self.levels is None else round_to_levels(plane, mapping, self.levels))
        gain = np.ones_like(meant) if self.gain is None else self.gain
        drifted = self.drift.at(meant * gain, self.drift_draw, own, time)
        fresh = np.divide(drifted, gain, out=meant.astype(np.float64), where=gain > 0)
        return own.plane(fresh).astype(plane.dtype)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the draws, by name, that must be stored to have the same devices again."""
        named = {"stuck": self.stuck, "gain": self.gain, "drift_draw": self.drift_draw, "life": self.life}
        return {name: array for name, array in named.items() if array is not None}

    def restore(self, arrays: Named[str, np.ndarray]) -> Faults:
        """Return the faults of the same law whose `arrays` were stored."""
        draws = {name: np.array(arrays[name]) for name in ("stuck", "gain", "drift_draw", "life") if name in arrays}
        return Faults(levels=self.levels, drift=self.drift, access=self.access, **draws)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultLaw:
    """The distribution that `Faults` are drawn from.

    Attributes
    ----------
    levels : int or None
        See `Faults`.
    variation : float
        Relative standard deviation of a device's conductance from the one that was meant; 0.05 to 0.4 are measured.
    stuck_low, stuck_high : float
        Fractions of the devices that are stuck at g_min and at g_max.
    drift : DriftLaw or None
    endurance : Endurance or None
        How many pulses a device lives.
    stuck_map : StuckMap or None
        Devices that are stuck beside those, by their place in the network.

    Raises
    ------
    InvalidValue
        Fewer than 2 levels or more than single precision resolves, a negative spread, fractions outside [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> import crossbar as xb
    >>> stuck = xb.Array(np.ones((50, 40)), faults=xb.FaultLaw(stuck_low=0.1), seed=0)
    >>> bool(0.85 < stuck.weights.mean() < 0.95)
    True
    """

    levels: int | None = ArrayFields.levels
    variation: float = ArrayFields.variation
    stuck_low: float = ArrayFields.stuck_low
    stuck_high: float = ArrayFields.stuck_high
    drift: DriftLaw | None = None
    stuck_map: StuckMap | None = None
    endurance: Endurance | None = None

    def __post_init__(self) -> None:
        if self.levels is not None and (isinstance(self.levels, bool) or not isinstance(self.levels, int | np.integer)):
            raise InvalidValue(f"`levels` must be a whole number, but got {self.levels!r}")
        for name in ("levels", "variation", "stuck_low", "stuck_high"):
            BOUNDS[name].check(name, getattr(self, name))
        if self.stuck_low + self.stuck_high > 1:
            raise InvalidValue(
                f"`stuck_low` + `stuck_high` must not exceed 1, but got {self.stuck_low} + {self.stuck_high}"
            )

    def sample(self, shape: tuple[int, int], rng: np.random.Generator) -> Faults:
        """Return the faults of `shape` devices."""
        stuck = gain = draw = None
        if self.stuck_low + self.stuck_high > 0:
            lot = rng.random(shape, dtype=np.float32)
            stuck = (lot > 1 - self.stuck_high).astype(np.int8) - (lot < self.stuck_low).astype(np.int8)
        if self.variation > 0:
            gain = np.maximum(1 + np.float32(self.variation) * rng.standard_normal(shape, dtype=np.float32), 0)
        if self.drift is not None and self.drift.spread():
            draw = rng.standard_normal(shape, dtype=np.float32)
        life = None if self.endurance is None else self.endurance.sample(shape, rng)
        return Faults(levels=self.levels, stuck=stuck, gain=gain, drift=self.drift, drift_draw=draw, life=life)


def round_to_levels(plane: np.ndarray, mapping: Mapping, levels: int) -> np.ndarray:
    """Return `plane` (weight units) rounded to the nearest of `levels` conductances from g_min to g_max."""
    step = (mapping.high - mapping.low) / (levels - 1)
    return (mapping.low + step * np.rint((mapping.clip(plane) - mapping.low) / step)).astype(plane.dtype)


def _check_fraction(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise InvalidValue(f"`{name}` must lie between 0 and 1, but got {value}")
