"""Laws whose step is a straight line over the weight: constant, linear, soft bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from crossbar.devices.laws.pulsed import Planes, PulsedLaw
from crossbar.devices.laws.spreads import spread
from crossbar.errors import InvalidValue


@dataclass(frozen=True, kw_only=True, slots=True)
class AffineLaw(PulsedLaw):
    """A law whose mean step is affine in the weight, so that n pulses cost one multiplication.

    With the planes `slope_up`, `slope_down` (1 a pulse) and xi ~ N(0, 1):

        up:   w += step_up - slope_up w,       down:   w -= step_down + slope_down w,

    times (1 + kick_d xi) where `mult_noise`, else plus kick_d xi. A positive slope saturates. After n pulses of one
    direction w_n = w_inf + (w - w_inf) (1 - slope)^n.
    """

    kernel: ClassVar[str] = "affine"
    layout: ClassVar[tuple[str, ...]] = (
        "w_min", "w_max", "step_up", "slope_up", "step_down", "slope_down", "kick_up", "kick_down",
    )  # fmt: skip

    mult_noise: bool = False

    def increment(self, planes: Planes, w: np.ndarray, up: bool, xi: np.ndarray) -> np.ndarray:
        """Return the signed change of one pulse."""
        if up:
            mean, kick = planes["step_up"] - planes["slope_up"] * w, planes["kick_up"]
        else:
            mean, kick = -planes["step_down"] - planes["slope_down"] * w, planes["kick_down"]
        return mean + (mean * kick if self.mult_noise else kick) * xi

    def with_slopes(
        self, planes: dict[str, np.ndarray], gamma_up: np.ndarray, gamma_down: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return `planes` with the slopes step |gamma| / |bound|, zero where the bound is zero, and the kicks."""
        for side, gamma, bound in (("up", gamma_up, planes["w_max"]), ("down", gamma_down, -planes["w_min"])):
            planes[f"slope_{side}"] = planes[f"step_{side}"] * gamma / np.where(bound == 0, np.inf, bound)
            planes[f"kick_{side}"] = planes["noise"] * (1 if self.mult_noise else planes[f"step_{side}"])
        return planes

    def table(self) -> np.ndarray:
        """Return whether the noise is multiplicative."""
        return np.array([[self.mult_noise, 0]], np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConstantStep(AffineLaw):
    """Equal steps all over the range: w += d dw_d (1 + dw_min_std xi).

    Gokmen and Vlasov, Front. Neurosci. 10:333 (2016), doi:10.3389/fnins.2016.00333.
    """

    name: ClassVar[str] = "constant"

    def parameters(self, shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return the planes of an affine device, with slopes of zero."""
        return self.with_slopes(PulsedLaw.parameters(self, shape, rng), *np.zeros((2, *(1,) * len(shape))))


@dataclass(frozen=True, kw_only=True, slots=True)
class LinearStep(AffineLaw):
    """Steps that shrink in proportion to the weight.

    With g_+ = -|gamma_up + gamma_up_dtod xi| / b_max and g_- = -|gamma_down + gamma_down_dtod xi| / b_min, b the
    device's own bounds:

        w += d dw_d (1 + g_d w)(1 + dw_min_std xi)      (`mult_noise`, the default)
        w += d dw_d (1 + g_d w + dw_min_std xi)         (additive)

    Rasch et al. 2021, arXiv:2104.02184 (aihwkit, `LinearStepDevice`). A bound of zero has no slope.
    """

    name: ClassVar[str] = "linear"

    gamma_up: float = 0.0
    gamma_up_dtod: float = 0.0
    gamma_down: float = 0.0
    gamma_down_dtod: float = 0.0
    mult_noise: bool = True

    def __post_init__(self) -> None:
        PulsedLaw.__post_init__(self)
        for name in ("gamma_up", "gamma_down"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidValue(
                    f"`{name}` must lie in [0, 1], or pulses would turn round before the bound, but got "
                    f"{getattr(self, name)}"
                )

    def parameters(self, shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return the planes of a pulsed device, with the slopes dw_d |gamma_d| / |b|."""
        planes = PulsedLaw.parameters(self, shape, rng)
        up = np.abs(self.gamma_up + spread(self.gamma_up_dtod, shape, rng))
        down = np.abs(self.gamma_down + spread(self.gamma_down_dtod, shape, rng))
        return self.with_slopes(planes, up, down)


@dataclass(frozen=True, kw_only=True, slots=True)
class SoftBounds(AffineLaw):
    """Steps that vanish at the bounds: w += dw_+ (1 - w / b_max), w -= dw_- (1 - w / b_min), noise as in `LinearStep`.

    The symmetry point, where up and down cancel, is (dw_+ - dw_-) / (dw_+ / b_max - dw_- / b_min).

    Fusi and Abbott, Nat. Neurosci. 10:485 (2007), doi:10.1038/nn1859; names of aihwkit (arXiv:2104.02184).
    """

    name: ClassVar[str] = "soft-bounds"

    mult_noise: bool = True

    def parameters(self, shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return the planes of a pulsed device, with the slopes dw_d / |b|."""
        return self.with_slopes(PulsedLaw.parameters(self, shape, rng), *np.ones((2, *(1,) * len(shape))))


@dataclass(frozen=True, kw_only=True, slots=True)
class SoftBoundsPmax(SoftBounds):
    """Soft bounds told by a measurement: `p_max` up-pulses lead from `range_min` to `range_max`.

    After p up-pulses from `range_min` the mean weight is w = range_min + B (1 - exp(-alpha p)), with
    B = (range_max - range_min) / (1 - exp(-p_max alpha)). The parameters of `SoftBounds` are

        w_min = range_min,  w_max = range_min + B,  dw_min = B (1 - exp(-alpha)) / 2,  up_down = 1 + 2 range_min / B,

    so that both slopes are 1 - exp(-alpha): down-pulses close on `range_min` as fast as up-pulses on w_max. Giving any
    of those four here is an error.

    Rasch et al. 2021, arXiv:2104.02184 (aihwkit, `SoftBoundsPmaxDevice`). Departure: aihwkit writes dw_min = B alpha,
    which reaches `range_max` too early, because up_down raises the up-step to nearly 2 dw_min (see `PulsedLaw`).
    """

    name: ClassVar[str] = "soft-bounds-pmax"

    p_max: float = 1000.0
    alpha: float = 0.0005
    range_min: float = -1.0
    range_max: float = 1.0
    dw_min: float = field(init=False)
    up_down: float = field(init=False)
    w_max: float = field(init=False)
    w_min: float = field(init=False)

    def __post_init__(self) -> None:
        if self.p_max <= 0 or self.alpha <= 0:
            raise InvalidValue(f"`p_max` and `alpha` must be positive, but got {self.p_max} and {self.alpha}")
        if self.range_max <= self.range_min:
            raise InvalidValue(f"`range_max` must exceed `range_min`, but got {self.range_max} and {self.range_min}")
        scale = (self.range_max - self.range_min) / -math.expm1(-self.p_max * self.alpha)
        object.__setattr__(self, "w_min", self.range_min)
        object.__setattr__(self, "w_max", self.range_min + scale)
        object.__setattr__(self, "dw_min", scale * -math.expm1(-self.alpha) / 2)
        object.__setattr__(self, "up_down", 1 + 2 * self.range_min / scale)
        PulsedLaw.__post_init__(self)
