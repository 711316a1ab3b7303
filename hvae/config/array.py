"""The table `[array]` of a run: the virtual crossbar that it is trained on, and how it learns there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from crossbar import array_fields
from crossbar.array_fields import (
    ArrayFields,
    DriftGains,
    EncodingName,
    EngineName,
    LineGains,
    MappingName,
    SpectrumName,
    WireEnds,
    WireGains,
    WireOrder,
)
from crossbar.errors import InvalidValue
from crossbar.numerics.checks import Bounds

IDEAL = "ideal"
FROM_DATA = "data"  # an ADC's range, found from the sums of a few images (`hvae.onchip.calibration`)

_SMALL = 1e-12  # what must be positive: far below anything that single precision tells from zero beside a weight
_SPREAD = "it is positive and relative; beyond that most devices of a law sit at a bound of their range"
BOUNDS = array_fields.BOUNDS | {
    "threshold": Bounds(_SMALL, 1e6, "it is positive and finite; beyond that nothing is ever written"),
    "transfer_every": Bounds(1, 10**9, "it counts batches, at least 1"),
    "transfer_gain": Bounds(_SMALL, 1e3, "it is a share of what is read, positive"),
    "transfer_error": Bounds(0.0, 1.0, "it is a fraction of the range"),
    "chop_every": Bounds(1, 10**6, "it counts readings, at least 1"),
    "endurance": Bounds(1.0, 1e15, "it counts pulses, at least 1"),
    "endurance_spread": Bounds(0.0, 10.0, "it is the spread of a logarithm"),
    "dw_min": Bounds(_SMALL, 1.0, "it is the step of a device, positive, and a range is 2 weight units wide"),
    "dw_min_std": Bounds(0.0, 100.0, "it is noise in steps and cannot be negative"),
    "dw_min_dtod": Bounds(0.0, 10.0, _SPREAD),
    "up_down": Bounds(-1.0, 1.0, "beyond one step pulses of both directions move a device the same way"),
    "w_max_dtod": Bounds(0.0, 10.0, _SPREAD),
    "weight_limit": Bounds(1e-6, 1e6, "trained weights lie within about 10, and positive is what a range needs"),
    "programming_error": Bounds(0.0, 1.0, "it is a fraction of g_max"),
    "drift_nu": Bounds(0.0, 2.0, "it is an exponent; of phase-change memory it is below 0.1"),
    "drift_nu_std": Bounds(0.0, 2.0, "it is the spread of an exponent"),
    "age_seconds": Bounds(0.0, 1e12, "it is finite and not negative; 1e12 s are 30,000 years"),
    "read_noise": Bounds(0.0, 1.0, "it is a fraction of g_max, and noise as large as the range is no device"),
    "read_noise_relative": Bounds(0.0, 1.0, "it is a fraction of its own conductance"),
    "output_noise": Bounds(0.0, 1e3, "it is in units of weight times signal, of which outputs have about 10"),
    "cell_v0": Bounds(1e-3, 1e3, "it is in volts, and below a thousandth of a volt no device conducts so"),
    "access_resistance": Bounds(0.0, 1e12, "it is in ohm, not negative; beyond that nothing is read"),
    "dac_bits": array_fields.UNIPOLAR_BITS,
    "linear_range": Bounds(1e-3, 1e3, "latents lie near N(0, 1), and sigmoids' signals in 0 to 1"),
    "adc_bits": array_fields.BIPOLAR_BITS,
    "adc_range": Bounds(1e-6, 1e6, "it is in units of weight times signal, of which outputs have about 10"),
    "noisy_steps": Bounds(1, 10**6, "a phase takes at least 1 step"),
    "average_steps": Bounds(1, 10**6, "an average is of at least 1 state"),
}
"""What each number may be, both ends included, and why: beyond it no device, wire or converter exists."""


@dataclass(frozen=True, kw_only=True)
class ArraySettings:
    """A chip to train on; without `device` the weights are plain floats and nothing here matters.

    All defaults are ideal: with ``device = "ideal"`` the chip learns what float SGD learns, to rounding. Keys whose
    default is one of `ArrayFields` are those of any array: `crossbar.arrays.config.ArrayConfig` tells their meaning,
    `FaultLaw` that of ``levels`` to ``stuck_high``, `ReadNoise` that of ``spectrum`` and ``correlation_reads``.
    """

    device: str | None = None  # "ideal" (floats in devices), a preset, a law, or a TOML file of the user's own
    rule: Literal["pulsed-sgd", "sign", "mixed-precision", "tiki-taka", "float"] = "pulsed-sgd"
    encoding: EncodingName = ArrayFields.encoding
    engine: EngineName = ArrayFields.engine
    threshold: float | None = None  # sign: least wanted change in rms of the batch (1); mixed-precision: in steps (1)
    transfer_every: int = 10  # tiki-taka: batches in which every line of the fast array is read once
    transfer_gain: float = 0.2  # tiki-taka: share of what is read that goes to the digital buffer

    dw_min: float | None = None  # step of the device's law, in its own weight units; None: the preset's
    dw_min_std: float | None = None  # cycle-to-cycle noise of a step, in steps
    dw_min_dtod: float | None = None  # device-to-device spread of the step
    up_down: float | None = None  # asymmetry: half the difference of up and down step, in steps
    w_max_dtod: float | None = None  # device-to-device spread of the upper bound; of the lower one alike
    on_off: float | None = None  # g_max / g_min; None: the preset's

    mapping: MappingName | None = ArrayFields.mapping
    symmetry: Literal["shared", "two-device"] = ArrayFields.symmetry
    weight_limit: float = 1.5  # largest weight that the range holds
    levels: int | None = ArrayFields.levels
    variation: float = ArrayFields.variation
    stuck_low: float = ArrayFields.stuck_low
    stuck_high: float = ArrayFields.stuck_high
    programming_error: float = 0.0  # miss of a written conductance, as a fraction of g_max
    drift_nu: float = 0.0  # exponent of power-law drift (t / 20 s)^-nu
    drift_nu_std: float = 0.0
    age_seconds: float = 0.0  # of the devices when a programmed run is scored

    read_noise: float = 0.0  # standard deviation of a device, fraction of g_max
    read_noise_relative: float = 0.0  # the same, fraction of its own conductance
    spectrum: SpectrumName = ArrayFields.spectrum
    correlation_reads: float = ArrayFields.correlation_reads
    output_noise: float = ArrayFields.output_noise
    dac_bits: int | None = None  # None: no converter
    adc_bits: int | None = None
    adc_range: float | Literal["data"] = 12.0  # largest sum of weight times signal that an ADC takes; data: calibrated
    tile_size: int | None = ArrayFields.tile_size
    wire_resistance: float = ArrayFields.wire_resistance
    wire_node: int | None = None  # or the technology, nm, that sets it (`crossbar.wires.resistance`)
    wire_ends: WireEnds = ArrayFields.wire_ends
    wire_gains: WireGains = ArrayFields.wire_gains
    wire_order: WireOrder = ArrayFields.wire_order
    wire_error: float = ArrayFields.wire_error
    drift_gains: DriftGains = ArrayFields.drift_gains

    noisy_phases: Literal["auto", "stepped", "warm"] = "auto"  # how phases of noisy reads are simulated
    noisy_steps: int = 15  # warm: steps of the noisy chip from the noise-free equilibrium
    average_steps: int = 1  # last states of a phase that are averaged, in hardware by a slower sample-and-hold
    linear_range: float = 4.0  # with dac_bits: largest |signal| that the DAC of a linear neuron takes; assumed
    nudged_reads: Literal["forward", "backward"] = "forward"  # backward: for W != W^T, see `ReadBack`
    transfer_reference: Literal["symmetry-point", "chopped", "dynamic"] = "symmetry-point"  # tiki-taka: of A
    transfer_error: float = 0.0  # tiki-taka: its reference misses the symmetry point by, fraction of the range
    chop_every: int = 10  # tiki-taka: readings of all lines after which choppers are drawn anew
    stuck_map: str | None = None  # file of devices that are known to be stuck (`crossbar.devices.stuck_map`)
    endurance: float | None = None  # pulses after which a device, in the median, stays where it is
    cell_v0: float | None = None  # V: devices conduct as sinh(V / v0), read at up to 0.1 V; None: Ohm's law
    endurance_spread: float = 0.0  # standard deviation of the logarithm of that number
    line_gains: LineGains = ArrayFields.line_gains
    access_resistance: float | None = None  # ohm of the transistor before every device (1T1R); None: none

    def __post_init__(self) -> None:
        for name, bounds in BOUNDS.items():
            value = getattr(self, name)
            if not (name == "adc_range" and value == FROM_DATA):
                bounds.check(f"array.{name}", value)
        if self.wire_node is not None and self.wire_resistance:
            raise InvalidValue("give `array.wire_resistance` or `array.wire_node`, not both")
        if self.on_off is not None and not 1 < self.on_off < math.inf:
            raise InvalidValue(f"`array.on_off` is g_max / g_min, finite and above 1, but got {self.on_off}")
        if self.nudged_reads == "backward" and self.symmetry != "two-device":
            raise InvalidValue(
                "`array.nudged_reads` 'backward' makes up for W != W^T, which shared devices never have: add "
                "array.symmetry=two-device, or leave it out"
            )
        if self.endurance is not None and self.rule not in {"mixed-precision", "sign"}:
            raise InvalidValue(
                f"`array.endurance` needs a rule that counts the pulses of each device, but got {self.rule!r}: use "
                "mixed-precision or sign"
            )
        if self.rule == "float" and self.device not in {None, IDEAL}:
            raise InvalidValue(
                f"`array.rule` 'float' writes any weight exactly, which {self.device!r} cannot: use 'ideal'"
            )
