"""What every pulsed device shares: its parameters with their spreads, its state, and how pulses act on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from crossbar.devices.laws.spreads import held, spread, stacked
from crossbar.errors import InvalidValue
from crossbar.numerics import checks

Planes = Mapping[str, np.ndarray]


def finite_numbers(name: str, values: Any) -> tuple[float, ...]:
    """Return `values` as a tuple of floats.

    Raises
    ------
    InvalidValue
        Something else than a list of finite numbers.
    """
    if not isinstance(values, Iterable) or not all(isinstance(one, Real) and math.isfinite(one) for one in values):
        raise InvalidValue(f"`{name}` must be a list of finite numbers, such as 0,1e-3, but got {values!r}")
    return tuple(float(one) for one in values)


@dataclass(slots=True, kw_only=True)
class DeviceState:
    """Many devices of one law: what each of them is, and where it stands.

    Attributes
    ----------
    law : PulsedLaw
        The law they obey.
    stack : ndarray (n_planes, n_rows, n_cols)
        The parameters of each device, drawn once by `PulsedLaw.sample`, in the order of the law's `layout`. Where all
        devices are alike it is a read-only view of one number a plane, see `alike`.
    hidden : ndarray (n_rows, n_cols)
        The weight that pulses act on.
    visible : ndarray (n_rows, n_cols)
        The weight that a read sees: `hidden` plus write noise, redrawn only when a device is written. Without write
        noise it is the very same array.
    """

    law: PulsedLaw
    stack: np.ndarray
    hidden: np.ndarray
    visible: np.ndarray

    @property
    def planes(self) -> dict[str, np.ndarray]:
        """The planes of `stack` by name, as views: `w_min`, `w_max`, `step_up`, `step_down` and what the law adds.

        Steps are weight units a pulse at w = 0. Writing to a view changes the devices (stuck: steps of zero); so
        devices that are alike get planes of their own here. To read alone, `parameters` takes no memory.
        """
        if self.alike:
            self.stack = self.stack.copy()
        return self.parameters

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The planes of `stack` by name, to be read."""
        return dict(zip(self.law.layout, self.stack, strict=True))

    @property
    def alike(self) -> bool:
        """Whether `stack` holds one number a plane, for all devices."""
        return not self.stack.flags.writeable

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array of devices."""
        return self.hidden.shape

    def program(self, weights: np.ndarray | float, rng: np.random.Generator) -> None:
        """Set every device to `weights`, clipped to its own bounds, as if by a perfect write (write noise included)."""
        self.hidden[...] = np.clip(weights, self.parameters["w_min"], self.parameters["w_max"])
        self.law.redraw(self, None, rng)

    def copy(self) -> DeviceState:
        """Return devices that share the parameters, but not the weights, of these."""
        hidden = self.hidden.copy()
        visible = hidden if self.visible is self.hidden else self.visible.copy()
        return DeviceState(law=self.law, stack=self.stack, hidden=hidden, visible=visible)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all that must be stored to go on bit for bit: every plane, `hidden` and `visible`, by name."""
        return {**self.parameters, "hidden": self.hidden, "visible": self.visible}


@dataclass(frozen=True, kw_only=True, slots=True)
class PulsedLaw:
    """A device whose weight takes one small step a pulse, up or down.

    Step sizes of a device, d = +1 (up) or -1 (down), xi ~ N(0, 1) once a device:

        dw_d = dw_min |1 + d beta + dw_min_dtod xi|,   beta = up_down + up_down_dtod xi,

    or dw_min |exp(dw_min_dtod xi) + d beta| where `dw_min_dtod_log_normal`. After each pulse the weight is clipped to
    the device's own bounds |w_max (1 + w_max_dtod xi)| and -|w_min (1 + w_min_dtod xi)|. Cycle-to-cycle noise has the
    standard deviation `dw_min_std` in units of the step; `write_noise_std`, in units of `dw_min`, is what a read sees
    on top, drawn anew when the device is written. Of a `one_sided` device only up-pulses are gradual: learning sends no
    others, so that a weight falls by up-pulses to the second device of its pair (`crossbar.pulses.encodings`); its
    down-pulse stands for the RESET that programming uses.

    All weights are in weight units; `crossbar.devices.presets.Preset` converts them to siemens.

    Raises
    ------
    InvalidValue
        A negative spread or step, bounds that do not hold zero, a step too fine for the range or larger than it.

    References
    ----------
    Parametrisation of Gokmen and Vlasov, Front. Neurosci. 10:333 (2016), doi:10.3389/fnins.2016.00333, with the names
    of aihwkit (Rasch et al. 2021, arXiv:2104.02184). Departure: aihwkit 1.x takes the bias beta from the weaker
    direction only; its documentation, and we, add and subtract it.
    """

    name: ClassVar[str] = "pulsed"
    nodes: ClassVar[tuple[str, ...]] = ()  # parameters that are lists
    kernel: ClassVar[str] = ""  # the compiled form of the law in `crossbar.pulses.engines`, if it has one
    fitted: ClassVar[Mapping[str, tuple[float, float, float]]] = {}  # parameters of a law of one's own: guess, bounds
    layout: ClassVar[tuple[str, ...]] = (
        "w_min",
        "w_max",
        "step_up",
        "step_down",
        "noise",
    )  # planes, in the kernel's order

    dw_min: float = 0.001
    dw_min_std: float = 0.3
    dw_min_dtod: float = 0.0
    dw_min_dtod_log_normal: bool = False
    dw_min_std_dtod: float = 0.0
    up_down: float = 0.0
    up_down_dtod: float = 0.0
    w_max: float = 0.6
    w_max_dtod: float = 0.0
    w_min: float = -0.6
    w_min_dtod: float = 0.0
    write_noise_std: float = 0.0
    one_sided: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float | int) and not np.isfinite(value):
                raise InvalidValue(f"`{field.name}` must be finite, but got {value}")
            if field.name.endswith(("_std", "_dtod")) and value < 0:
                raise InvalidValue(f"`{field.name}` is a standard deviation and must not be negative, but got {value}")
        checks.positive("dw_min", self.dw_min)
        if self.w_max <= self.w_min or self.w_min > 0 or self.w_max < 0:
            raise InvalidValue(
                f"`w_max` must exceed `w_min` with zero between them, but got w_min={self.w_min}, w_max={self.w_max}"
            )
        if self.dw_min > self.w_max - self.w_min:
            raise InvalidValue(
                f"`dw_min` must not exceed the range w_max - w_min = {self.w_max - self.w_min:g}, which one pulse "
                f"would cross, but got {self.dw_min}"
            )
        if abs(self.up_down) > 1:
            raise InvalidValue(f"`up_down` must lie in [-1, 1], where no step changes its sign, but got {self.up_down}")
        if (self.w_max - self.w_min) / self.dw_min > 2**22:
            raise InvalidValue(
                f"`dw_min` must be at least the range / 2^22 that single precision resolves, but got "
                f"{self.dw_min} in a range of {self.w_max - self.w_min}: fewer levels or a smaller range"
            )

    # ------------------------------------------------------------------ what a law defines

    def parameters(self, shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return the parameter planes of `shape` devices, drawn from `rng` (float64; see `DeviceState.planes`).

        A plane that does not spread may have the shape (1, ...).
        """
        gain = spread(self.dw_min_dtod, shape, rng)
        gain = np.exp(gain) if self.dw_min_dtod_log_normal else 1 + gain
        beta = self.up_down + spread(self.up_down_dtod, shape, rng)
        return {
            "step_up": self.dw_min * np.abs(gain + beta),
            "step_down": self.dw_min * np.abs(gain - beta),
            "w_max": np.abs(self.w_max * (1 + spread(self.w_max_dtod, shape, rng))),
            "w_min": -np.abs(self.w_min * (1 + spread(self.w_min_dtod, shape, rng))),
            "noise": self.dw_min_std * np.abs(1 + spread(self.dw_min_std_dtod, shape, rng)),
        }

    def increment(self, planes: Planes, w: np.ndarray, up: bool, xi: np.ndarray) -> np.ndarray:
        """Return the signed change that one pulse makes to devices at `w`, before clipping; xi ~ N(0, 1)."""
        raise NotImplementedError

    def mean_increment(self, planes: Planes, w: np.ndarray, up: bool) -> np.ndarray:
        """Return the mean signed change of one pulse at `w`, before clipping; noise is linear in most laws."""
        return self.increment(planes, w, up, np.zeros_like(w))

    @property
    def granularity(self) -> float:
        """The step, weight units a pulse, that turns a wanted change into a number of pulses: the mean at zero.

        Of both directions, and of all devices (a log-normal spread raises it by exp(dw_min_dtod^2 / 2)). So a weight of
        zero learns at the rate asked; where up and down differ, each misses it as `realised` tells.
        """
        up, down = mean_steps(self, 0.0)
        return up if self.one_sided else (up + down) / 2

    def realised(self, place: float) -> tuple[float, float]:
        """Return what share of a wanted change up, and of one down, pulses make at `place` in the range, 0 to 1."""
        up, down = mean_steps(self, self.w_min + place * (self.w_max - self.w_min))
        down = up if self.one_sided else down  # of the second device of the pair
        return up / self.granularity, down / self.granularity

    @property
    def zero_place(self) -> float:
        """Where in the range, from 0 to 1, the law has its zero."""
        return -self.w_min / (self.w_max - self.w_min)

    @property
    def marks_written(self) -> bool:
        """Whether `redraw` needs to know which devices were written."""
        return self.write_noise_std > 0

    # ------------------------------------------------------------------ what follows from it

    def sample(self, shape: tuple[int, ...], rng: np.random.Generator, *, dtype: Any = np.float32) -> DeviceState:
        """Return `shape` devices at weight 0, their parameters drawn from `rng`."""
        parameters = self.parameters(shape, rng)
        stack = stacked([parameters[name] for name in self.layout], shape, dtype)
        planes = dict(zip(self.layout, stack, strict=True))
        hidden = np.clip(np.zeros(shape, dtype), planes["w_min"], planes["w_max"])
        visible = hidden.copy() if self.write_noise_std > 0 else hidden
        state = DeviceState(law=self, stack=stack, hidden=hidden, visible=visible)
        self.redraw(state, None, rng)
        return state

    def restore(self, arrays: Planes) -> DeviceState:
        """Return the devices whose `DeviceState.arrays` were stored."""
        missing = {*self.layout, "hidden", "visible"} - set(arrays)
        if missing:
            raise InvalidValue(
                f"the stored devices lack {sorted(missing)}: were they of another law than {self.name!r}?"
            )
        hidden = np.array(arrays["hidden"])
        visible = np.array(arrays["visible"]) if self.write_noise_std > 0 else hidden
        stack = stacked([held(arrays[name]) for name in self.layout], hidden.shape, arrays["w_min"].dtype)
        return DeviceState(law=self, stack=stack, hidden=hidden, visible=visible)

    def pulse(self, state: DeviceState, where: Any, up: bool, rng: np.random.Generator) -> None:
        """Give one pulse, up or down, to the devices that `where` indexes (each at most once); no write noise yet."""
        w = state.hidden[where]
        planes = {key: plane[where] for key, plane in state.parameters.items()}
        xi = rng.standard_normal(w.shape, dtype=np.float32)
        w = w + self.increment(planes, w, up, xi)
        state.hidden[where] = np.clip(w, planes["w_min"], planes["w_max"])

    def table(self) -> np.ndarray:
        """Return what all devices share, (rows, columns) float32, as the compiled form of the law wants it."""
        return np.zeros((1, 2), np.float32)

    def redraw(self, state: DeviceState, touched: np.ndarray | None, rng: np.random.Generator) -> None:
        """Draw the write noise of the `touched` devices (a mask; all when None) anew, once after a write."""
        if self.write_noise_std == 0:
            return
        noise = rng.standard_normal(state.shape, dtype=np.float32)
        noise *= np.float32(self.write_noise_std * self.dw_min)
        np.add(state.hidden, noise, out=state.visible, where=True if touched is None else touched)

    def apply_pulses(
        self, state: DeviceState, n_up: np.ndarray | int, n_down: np.ndarray | int, rng: np.random.Generator
    ) -> None:
        """Give each device its own number of up-pulses, then of down-pulses, one after another.

        Parameters
        ----------
        n_up, n_down : int or ndarray of int, broadcastable to `state.shape`

        Notes
        -----
        This is the literal meaning of the law and the reference of every faster engine.
        """
        n_up, n_down = (np.broadcast_to(counts, state.shape) for counts in (n_up, n_down))
        for counts, up in ((n_up, True), (n_down, False)):
            for k in range(int(counts.max(initial=0))):
                self.pulse(state, np.nonzero(counts > k), up, rng)
        self.redraw(state, (n_up > 0) | (n_down > 0), rng)


@lru_cache(maxsize=256)
def mean_steps(law: PulsedLaw, w: float) -> tuple[float, float]:
    """Return the mean size of an up-step and of a down-step at `w`, over devices and cycles (bounds the nominal ones).

    Negative where the pulses of a direction lead the other way.
    """
    spreads: dict[str, Any] = {field.name: 0.0 for field in fields(law) if field.init and field.name.endswith("_dtod")}
    planes = replace(law, **spreads).parameters((1,), np.random.default_rng(0))
    weight = np.array([float(w)])
    up, down = (float(law.mean_increment(planes, weight, way)[0]) for way in (True, False))
    gain = math.exp(law.dw_min_dtod**2 / 2) if law.dw_min_dtod_log_normal else 1.0
    return gain * up, -gain * down
