"""The table `[array]` of a run: the virtual crossbar that it is trained on, and how it learns there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from crossbar.errors import InvalidValue

IDEAL = "ideal"


@dataclass(frozen=True, kw_only=True)
class ArraySettings:
    """A chip to train on; without `device` the weights are plain floats and nothing here matters.

    All defaults are ideal: with ``device = "ideal"`` the chip learns what float SGD learns, to rounding.
    """

    device: str | None = None  # "ideal" (floats in devices), a preset, a law, or a TOML file of the user's own
    rule: Literal["pulsed-sgd", "sign", "mixed-precision", "tiki-taka", "float"] = "pulsed-sgd"
    encoding: Literal["factorised", "two-phase", "digital-difference", "sign"] = "factorised"  # of pulsed-sgd
    engine: str = "auto"  # what simulates pulses, see `crossbar.pulse_engines`
    threshold: float | None = None  # sign: least wanted change in rms of the batch (1); mixed-precision: in steps (1)
    transfer_every: int = 10  # tiki-taka: batches in which every line of the fast array is read once
    transfer_gain: float = 0.2  # tiki-taka: share of what is read that goes to the digital buffer

    dw_min: float | None = None  # step of the device's law, in its own weight units; None: the preset's
    dw_min_std: float | None = None  # cycle-to-cycle noise of a step, in steps
    dw_min_dtod: float | None = None  # device-to-device spread of the step
    up_down: float | None = None  # asymmetry: half the difference of up and down step, in steps
    w_max_dtod: float | None = None  # device-to-device spread of the upper bound; of the lower one alike
    on_off: float | None = None  # g_max / g_min; None: the preset's

    mapping: Literal["pair", "reference"] | None = None  # None: as the preset's devices are used, else "pair"
    symmetry: Literal["shared", "two-device"] = "shared"
    weight_limit: float = 1.5  # largest weight that the range holds
    levels: int | None = None  # conductances that a device can show a read
    variation: float = 0.0  # relative spread of a device's conductance from the one that was meant
    stuck_low: float = 0.0  # fractions of devices stuck at g_min and g_max
    stuck_high: float = 0.0
    programming_error: float = 0.0  # miss of a written conductance, as a fraction of g_max
    drift_nu: float = 0.0  # exponent of power-law drift (t / 20 s)^-nu
    drift_nu_std: float = 0.0
    age_seconds: float = 0.0  # of the devices when a programmed run is scored

    read_noise: float = 0.0  # standard deviation of a device, fraction of g_max
    read_noise_relative: float = 0.0  # the same, fraction of its own conductance
    spectrum: Literal["white", "phase", "batch", "lorentzian", "pink", "telegraph"] = "white"
    correlation_reads: float = 1000.0
    output_noise: float = 0.0  # of the circuit at each output, weight times signal
    dac_bits: int | None = None
    adc_bits: int | None = None
    adc_range: float = 12.0  # largest sum of weight times signal that an ADC takes
    tile_size: int | None = None
    wire_resistance: float = 0.0  # ohm a segment
    wire_node: int | None = None  # or the technology, nm, that sets it (`crossbar.line_resistance`)
    wire_ends: Literal["one", "both"] = "one"  # where lines are driven and sensed
    wire_gains: Literal["none", "columns"] = "none"  # calibrated gains of the columns of a tile
    wire_order: Literal["given", "sensitivity"] = "given"  # of the lines in a tile: as the neurons, or by conductance
    wire_error: float = 0.0  # of a tile's matrix, relative, before it is solved anew; 0: exact after every update

    noisy_phases: Literal["auto", "stepped", "warm"] = "auto"  # how phases of noisy reads are simulated
    noisy_steps: int = 15  # warm: steps of the noisy chip from the noise-free equilibrium
    average_steps: int = 1  # last states of a phase that are averaged, in hardware by a slower sample-and-hold

    def __post_init__(self) -> None:
        for name, least in (("transfer_every", 1), ("noisy_steps", 1), ("average_steps", 1)):
            if getattr(self, name) < least:
                raise InvalidValue(f"`array.{name}` must be at least {least}, but got {getattr(self, name)}")
        for name in ("transfer_gain", "weight_limit", "adc_range", "correlation_reads"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InvalidValue(f"`array.{name}` must be positive and finite, but got {value}")
        for name in ("programming_error", "drift_nu", "drift_nu_std", "age_seconds"):
            if not getattr(self, name) >= 0:
                raise InvalidValue(f"`array.{name}` must not be negative, but got {getattr(self, name)}")
        if self.wire_node is not None and self.wire_resistance:
            raise InvalidValue("give `array.wire_resistance` or `array.wire_node`, not both")
        if self.threshold is not None and not self.threshold > 0:
            raise InvalidValue(f"`array.threshold` must be positive, but got {self.threshold}")
        if self.on_off is not None and not self.on_off > 1:
            raise InvalidValue(f"`array.on_off` is g_max / g_min and must exceed 1, but got {self.on_off}")
        if self.rule == "float" and self.device not in {None, IDEAL}:
            raise InvalidValue(
                f"`array.rule` 'float' writes any weight exactly, which {self.device!r} cannot: use 'ideal'"
            )
