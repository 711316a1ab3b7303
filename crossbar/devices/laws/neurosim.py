"""NeuroSim's nonlinear law, told by the nonlinearity labels of a device's potentiation and depression."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from crossbar.devices.laws.linear import AffineLaw
from crossbar.devices.laws.pulsed import DeviceState, PulsedLaw
from crossbar.devices.laws.spreads import spread
from crossbar.errors import InvalidValue

LABEL_LIMIT = 9.5
_LABEL_UNIT = 0.07 * math.sqrt(2)
_SMALLEST, _LARGEST = 1e-2, 1e5


def label(a_norm: np.ndarray | float) -> np.ndarray:
    """Return the nonlinearity label NL of a curve f(x) = (1 - exp(-x/A)) / (1 - exp(-1/A)), A > 0.

    NL = max_x [f(x) - x] / (0.07 sqrt 2): the largest distance of the curve from the straight line, perpendicular to
    it, in units of 0.07. The maximum lies at x = A ln(s / A), s = 1 / (1 - exp(-1/A)).
    """
    a = np.asarray(a_norm, float)
    s = -1 / np.expm1(-1 / a)
    x = a * np.log(s / a)
    return (-s * np.expm1(-x / a) - x) / _LABEL_UNIT


def a_norm(labels: np.ndarray | float) -> np.ndarray:
    """Return the curvature A > 0 of the label |NL|, in units of the pulses to full range; infinity for NL = 0.

    The inverse of `label`, interpolated on a fine grid (relative error below 1e-7 for |NL| in [0.001, 9.5]); labels
    below 0.001 use the limit NL = 1 / (8 A 0.07 sqrt 2).

    >>> f"{a_norm(2.4):.6f}"
    '0.499181'
    """
    size = np.abs(np.asarray(labels, float))
    curved = np.interp(size, *label_grid())
    with np.errstate(divide="ignore"):
        straight = 1 / (8 * _LABEL_UNIT * size)
    return np.where(size < 1e-3, straight, np.exp(curved))


@cache
def label_grid() -> tuple[np.ndarray, np.ndarray]:
    """Return labels in rising order and the logarithms of their curvatures."""
    grid = np.geomspace(_LARGEST, _SMALLEST, 1 << 17)
    return label(grid), np.log(grid)


@dataclass(frozen=True, kw_only=True, slots=True)
class NonlinearStep(AffineLaw):
    """Curves of `p_max` pulses between the bounds, bent by labels: `nl_ltp` of potentiation, `nl_ltd` of depression.

        G_LTP(P) = B (1 - exp(-P/A)) + G_min,   G_LTD(P) = -B (1 - exp((P - P_max)/A)) + G_max,
        B = (G_max - G_min) / (1 - exp(-P_max/A)),   A = A_norm(NL) P_max  (see `a_norm`),

    and one pulse moves P by one. Equivalently G' = G_inf + (G - G_inf) r^n after n pulses with r = exp(-1/A): soft
    bounds whose bounds lie outside the range. A negative `nl_ltd` is opposed saturation (the largest down-step at
    G_max); a positive one retraces a potentiation-like curve (both largest steps near G_min), r = exp(+1/A).

    Attributes
    ----------
    nl_ltp, nl_ltd : float
        Labels; `nl_ltp` in [0, 9.5], `nl_ltd` in [-9.5, 9.5].
    nl_ltp_dtod, nl_ltd_dtod : float
        Their device-to-device standard deviation, absolute (NeuroSim's own d2d).
    p_max : float
        Pulses over the whole range, either direction.
    ctoc : float
        Cycle-to-cycle standard deviation as a fraction of the range.
    convention : str
        `mlp`: ctoc xi of the range a pulse, which later pulses contract like the weight, so that n pulses have a
        standard deviation of ctoc sqrt((1 - r^2n) / (1 - r^2)) of the range: ctoc sqrt(n), as MLP+NeuroSim V3.0 adds it
        to a write of n pulses, only of a straight curve (Ag:a-Si, 60 up-pulses: 0.61 of it).
        `dnn`: ctoc xi of the range once a touched device and write, whatever n (DNN+NeuroSim V2.1, where a range of
        [-1, 1] gives 2 ctoc xi).

    The step parameters of `PulsedLaw` follow from these: `dw_min` = (w_max - w_min) / p_max, the mean step;
    `dw_min_dtod`, `up_down` and `up_down_dtod` scale both curves' steps; `dw_min_std` must not be given.

    Departure: NeuroSim truncates wanted pulses to whole numbers; here pulses are counted to begin with.

    References
    ----------
    Chen, Peng and Yu, IEEE TCAD 37:3067 (2018), doi:10.1109/TCAD.2018.2789723; Peng et al., IEEE TCAD 40:2306 (2021),
    doi:10.1109/TCAD.2020.3043731. Closed form of the label: ours; it reproduces the tool's table to its six digits.
    """

    name: ClassVar[str] = "nonlinear"

    dw_min: float = 0.0
    dw_min_std: float = 0.0
    w_max: float = 1.0
    w_min: float = -1.0
    nl_ltp: float = 1.0
    nl_ltp_dtod: float = 0.0
    nl_ltd: float = -1.0
    nl_ltd_dtod: float = 0.0
    p_max: float = 100.0
    ctoc: float = 0.0
    convention: str = "mlp"

    def __post_init__(self) -> None:
        if self.p_max < 1:
            raise InvalidValue(f"`p_max` must be at least one pulse, but got {self.p_max}")
        if self.dw_min not in {0.0, (self.w_max - self.w_min) / self.p_max} or self.dw_min_std != 0:
            raise InvalidValue(
                "`dw_min` and `dw_min_std` follow from `p_max` and `ctoc` in this law: give those instead"
            )
        if not (0 <= self.nl_ltp <= LABEL_LIMIT and abs(self.nl_ltd) <= LABEL_LIMIT):
            raise InvalidValue(
                f"`nl_ltp` must lie in [0, {LABEL_LIMIT}] and `nl_ltd` in [-{LABEL_LIMIT}, {LABEL_LIMIT}], but got "
                f"{self.nl_ltp} and {self.nl_ltd}"
            )
        if self.ctoc < 0:
            raise InvalidValue(f"`ctoc` is a standard deviation and must not be negative, but got {self.ctoc}")
        if self.convention not in {"mlp", "dnn"}:
            raise InvalidValue(f"`convention` must be 'mlp' or 'dnn', but got {self.convention!r}")
        object.__setattr__(self, "dw_min", (self.w_max - self.w_min) / self.p_max)
        PulsedLaw.__post_init__(self)

    def parameters(self, shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return the planes of an affine device whose steps trace the two curves."""
        planes = PulsedLaw.parameters(self, shape, rng)
        ltp = np.clip(self.nl_ltp + spread(self.nl_ltp_dtod, shape, rng), 0, LABEL_LIMIT)
        ltd = np.clip(self.nl_ltd + spread(self.nl_ltd_dtod, shape, rng), -LABEL_LIMIT, LABEL_LIMIT)
        up, down = planes["step_up"] / self.dw_min, planes["step_down"] / self.dw_min
        first, slope = self.curve(planes, ltp)
        planes["step_up"], planes["slope_up"] = up * (first + slope * planes["w_min"]), up * slope
        first, slope = self.curve(planes, ltd)
        rising = ltd > 0
        # opposed: the first (largest) step at w_max; retracing: the largest at w_min, growing away from G_inf by 1 / r
        start = np.where(rising, planes["w_min"], planes["w_max"])
        slope = np.where(rising, -slope / (1 - slope), slope)
        first = np.where(rising, first * (1 - slope), first)
        planes["step_down"], planes["slope_down"] = down * (first - slope * start), down * slope
        noise = self.ctoc if self.convention == "mlp" else 0.0
        planes["kick_up"] = planes["kick_down"] = noise * (planes["w_max"] - planes["w_min"])
        return planes

    def curve(self, planes: dict[str, np.ndarray], labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the first step B (1 - r) of a curve and its contraction 1 - r a pulse."""
        rate = 1 / (a_norm(labels) * self.p_max)
        width = planes["w_max"] - planes["w_min"]
        with np.errstate(invalid="ignore"):
            first = np.where(rate > 0, width * np.expm1(-rate) / np.expm1(-rate * self.p_max), width / self.p_max)
        return first, -np.expm1(-rate)

    def redraw(self, state: DeviceState, touched: np.ndarray | None, rng: np.random.Generator) -> None:
        """Add the `dnn` convention's noise to the written devices, once a write, then the write noise."""
        if self.convention == "dnn" and self.ctoc > 0 and touched is not None:
            w_min, w_max = state.parameters["w_min"], state.parameters["w_max"]
            kick = np.float32(self.ctoc) * (w_max - w_min) * rng.standard_normal(state.shape, dtype=np.float32)
            np.copyto(state.hidden, np.clip(state.hidden + kick, w_min, w_max), where=touched)
        PulsedLaw.redraw(self, state, touched, rng)

    @property
    def marks_written(self) -> bool:
        """Whether `redraw` needs to know which devices were written."""
        return self.write_noise_std > 0 or (self.convention == "dnn" and self.ctoc > 0)
