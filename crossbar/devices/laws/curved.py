"""Laws whose step bends over the weight: exponential, power, piecewise linear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crossbar.devices.laws.pulsed import Planes, PulsedLaw, finite_numbers
from crossbar.devices.laws.spreads import spread
from crossbar.errors import InvalidValue


@dataclass(frozen=True, kw_only=True, slots=True)
class ExponentialStep(PulsedLaw):
    """Steps that fall off exponentially towards a bound, as fitted to ReRAM and to CMOS cells.

        z = 2 a w / (b_max - b_min) + b,    y = max(1 - A_d exp(d gamma_d z), 0),
        w += d dw_d y + dw_min_std (dw_min_std_add + |dw_d y| + dw_min_std_slope |w|) xi;

    with the last two parameters zero the noise is the usual factor (1 + dw_min_std xi). `dw_min_std_add` is in weight
    units. Every shape parameter may vary from device to device (absolute `_dtod`), which aihwkit's cannot.

    Gong et al., Nat. Commun. 9:2102 (2018), doi:10.1038/s41467-018-04485-1; names of aihwkit (arXiv:2104.02184,
    `ExpStepDevice`). Where b_max = b_min the device is stuck.
    """

    name: ClassVar[str] = "exponential"
    kernel: ClassVar[str] = "exponential"
    layout: ClassVar[tuple[str, ...]] = (
        *PulsedLaw.layout, "A_up", "A_down", "gamma_up", "gamma_down", "b", "slant",
    )  # fmt: skip

    A_up: float = 0.00081
    A_up_dtod: float = 0.0
    A_down: float = 0.36833
    A_down_dtod: float = 0.0
    gamma_up: float = 12.44625
    gamma_up_dtod: float = 0.0
    gamma_down: float = 12.78785
    gamma_down_dtod: float = 0.0
    a: float = 0.244
    a_dtod: float = 0.0
    b: float = 0.2425
    b_dtod: float = 0.0
    dw_min_std_add: float = 0.0
    dw_min_std_slope: float = 0.0

    def parameters(self, shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return the planes of a pulsed device, those of the curve, and z = `slant` w + `b`."""
        planes = PulsedLaw.parameters(self, shape, rng)
        for name in ("A_up", "A_down", "gamma_up", "gamma_down", "a", "b"):
            planes[name] = getattr(self, name) + spread(getattr(self, f"{name}_dtod"), shape, rng)
        width = planes["w_max"] - planes["w_min"]
        planes["slant"] = 2 * planes.pop("a") / np.where(width > 0, width, np.inf)
        return planes

    def increment(self, planes: Planes, w: np.ndarray, up: bool, xi: np.ndarray) -> np.ndarray:
        """Return the signed change of one pulse."""
        side, sign = ("up", 1.0) if up else ("down", -1.0)
        z = planes["slant"] * w + planes["b"]
        y = np.maximum(1 - planes[f"A_{side}"] * np.exp(np.minimum(sign * planes[f"gamma_{side}"] * z, 80)), 0)
        step = planes[f"step_{side}"] * y
        return sign * step + planes["noise"] * (self.dw_min_std_add + step + self.dw_min_std_slope * np.abs(w)) * xi

    def table(self) -> np.ndarray:
        """Return the two extra noise parameters."""
        return np.array([[self.dw_min_std_add, self.dw_min_std_slope]], np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerStep(PulsedLaw):
    """Steps that follow a power of the distance to the bound.

    With omega = (b_max - w) / (b_max - b_min):

        up:  w += dw_+ omega^g_+ (1 + dw_min_std xi),      down:  w -= dw_- (1 - omega)^g_- (1 + dw_min_std xi),

    g_d = pow_gamma |1 + d eta + pow_gamma_dtod xi|, eta = pow_up_down + pow_up_down_dtod xi.

    Names of aihwkit (Rasch et al. 2021, arXiv:2104.02184, `PowStepDevice`); the bias of the exponent is taken from both
    directions, like that of the step (see `PulsedLaw`).
    """

    name: ClassVar[str] = "power"
    kernel: ClassVar[str] = "power"
    layout: ClassVar[tuple[str, ...]] = (*PulsedLaw.layout, "gamma_up", "gamma_down")

    pow_gamma: float = 1.0
    pow_gamma_dtod: float = 0.0
    pow_up_down: float = 0.0
    pow_up_down_dtod: float = 0.0

    def __post_init__(self) -> None:
        PulsedLaw.__post_init__(self)
        if self.pow_gamma < 0:
            raise InvalidValue(f"`pow_gamma` is an exponent and must not be negative, but got {self.pow_gamma}")
        if abs(self.pow_up_down) > 1:
            raise InvalidValue(f"`pow_up_down` must lie in [-1, 1], but got {self.pow_up_down}")

    def parameters(self, shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return the planes of a pulsed device and the exponents `gamma_up`, `gamma_down`."""
        planes = PulsedLaw.parameters(self, shape, rng)
        gain = 1 + spread(self.pow_gamma_dtod, shape, rng)
        eta = self.pow_up_down + spread(self.pow_up_down_dtod, shape, rng)
        planes["gamma_up"] = np.abs(self.pow_gamma * (gain + eta))
        planes["gamma_down"] = np.abs(self.pow_gamma * (gain - eta))
        return planes

    def increment(self, planes: Planes, w: np.ndarray, up: bool, xi: np.ndarray) -> np.ndarray:
        """Return the signed change of one pulse; a device without a range does not move."""
        width = planes["w_max"] - planes["w_min"]
        distance = planes["w_max"] - w if up else w - planes["w_min"]
        base = np.clip(distance / np.where(width > 0, width, 1), 0, 1)
        step = (
            planes["step_up"] * base ** planes["gamma_up"]
            if up
            else -planes["step_down"] * base ** planes["gamma_down"]
        )
        return np.where(width > 0, step * (1 + planes["noise"] * xi), 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class PiecewiseStep(PulsedLaw):
    """Measured step against state: values at equally spaced nodes over the device's own bounds, straight lines between.

        w += d dw_d p_d((w - b_min) / (b_max - b_min)) (1 + dw_min_std xi),

    p_d interpolates `piecewise_up` or `piecewise_down`; one node is a constant. Any number of nodes.

    Names of aihwkit (Rasch et al. 2021, arXiv:2104.02184, `PiecewiseStepDevice`).
    """

    name: ClassVar[str] = "piecewise"
    kernel: ClassVar[str] = "piecewise"
    nodes: ClassVar[tuple[str, ...]] = ("piecewise_up", "piecewise_down")

    piecewise_up: tuple[float, ...] = (1.0,)
    piecewise_down: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        PulsedLaw.__post_init__(self)
        for name in self.nodes:
            values = finite_numbers(name, getattr(self, name))
            if not values:
                raise InvalidValue(f"`{name}` must hold at least one number, but got none")
            object.__setattr__(self, name, values)

    def increment(self, planes: Planes, w: np.ndarray, up: bool, xi: np.ndarray) -> np.ndarray:
        """Return the signed change of one pulse."""
        width = planes["w_max"] - planes["w_min"]
        place = (w - planes["w_min"]) / np.where(width > 0, width, 1)
        values = self.piecewise_up if up else self.piecewise_down
        factor = np.interp(place, np.linspace(0, 1, len(values)), values).astype(w.dtype)
        step = planes["step_up"] if up else -planes["step_down"]
        return step * factor * (1 + planes["noise"] * xi)

    def table(self) -> np.ndarray:
        """Return the nodes of either direction, each row led by their number."""
        table = np.zeros((2, 1 + max(len(self.piecewise_up), len(self.piecewise_down))), np.float32)
        for row, values in zip(table, (self.piecewise_up, self.piecewise_down), strict=True):
            row[0], row[1 : 1 + len(values)] = len(values), values
        return table
