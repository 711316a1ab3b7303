"""Everything that is chosen about an array; as it stands, the array is ideal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

import numpy as np

from crossbar.array_fields import BOUNDS, ArrayFields, DriftGains, LineGains, WireEnds, WireGains, WireOrder
from crossbar.arrays.converters import Converter, check_whole
from crossbar.arrays.read_noise import ReadNoise
from crossbar.devices.law import PulsedLaw
from crossbar.devices.mapping import MAPPINGS, REFERENCES, check_range
from crossbar.devices.nonidealities import FaultLaw
from crossbar.devices.presets import Preset, Refresh
from crossbar.devices.write_errors import WriteError, write_error
from crossbar.errors import InvalidValue, unknown_name
from crossbar.numerics import checks
from crossbar.pulses.encodings import ENCODINGS
from crossbar.pulses.engines import ENGINES
from crossbar.wires.access import Access
from crossbar.wires.cells import PolynomialCell, SinhCell

SYMMETRIES = ("shared", "two-device", "one-way")
ACCUMULATIONS = ("digital", "analog")


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrayConfig:
    """The devices of an array, how they are wired, read and written. All defaults are ideal.

    Attributes
    ----------
    device : str, Preset, PulsedLaw or None
        Name of a preset (or TOML file, see `crossbar.devices.presets`) or of a law, or the law alone: what pulses do.
        None: floats that take any change exactly.
    mapping : {"pair", "reference"} or None
        Two devices a weight, or one and a reference column (see `crossbar.devices.mapping`). None: the preset's, else
        `pair`.
    reference : {"zero", "symmetry-point"} or None
        With the mapping `reference`: whether a device is compared with its law's zero, or each with its own symmetry
        point (zero-shifting, `crossbar.devices.symmetry_point`). None: the preset's, else `zero`.
    reference_error : float or None
        Standard deviation by which such a reference misses the symmetry point, as a fraction of the range. None: the
        preset's, else 0.
    refresh : Refresh or None
        When pairs that have moved up are written anew during learning (`crossbar.programming.arrays.refresh_due`).
        None: the preset's, else never.
    symmetry : {"shared", "two-device", "one-way"}
        One device for W_ij and W_ji; one for each, so that asymmetry grows (`CrossbarArray.asymmetry`); or, in layered
        nets, devices from each layer to the next only.
    g_min, g_max : float or None
        Range of a device, S. None: the preset's; without one 1e-4 S and, under a law, 1e-6 S, else 0 or where the
        range of the programming error begins (assumed).
    weight_limit, siemens_per_weight : float or None
        The array's scale: the largest weight that the range shall hold, or the conductance of a weight of 1 (S). At
        most one of them; with neither the initial weights decide, see `weight_coverage`.
    weight_coverage : float
        Share of the initial weights (by magnitude, zeros left out) that the range then holds; 1: all of them. Less than
        1 clips the few largest, and gives the many others more of the range.
    faults : FaultLaw
        Levels, device-to-device variation, stuck cells, drift.
    programming_error : str, WriteError or None
        What writing a target misses it by: a name of `crossbar.devices.write_errors` or the law itself.
    read_noise : ReadNoise
    output_noise : float
        Standard deviation of the circuit's own noise at each output, in units of weight times signal.
    dac, adc : Converter or None
    linear_dac : Converter or None
        The DAC of lines of linear neurons, whose signals are signed and go beyond 1; needed beside a `dac` that is not.
    tile_size : int or None
        Most rows and columns of a tile; None: one tile.
    accumulation : {"digital", "analog"}
        Whether each tile converts its own partial sums, which are then added as numbers, or the currents of a column
        of tiles meet in one converter.
    drift_gains : {"none", "global", "lines"}
        Whether outputs are multiplied by what drift has taken (`crossbar.devices.drift_compensation`), calibrated
        whenever the matrix is made; of pairs of devices.
    line_gains : {"equal", "largest", "mean-square"}
        Whether every neuron's line has a gain of its own, so that all lines use the range of their devices
        (`crossbar.devices.line_gains`), chosen for the weights that the array is made with. Limits, scales and what
        devices hold are then of weights over the two gains of their lines.
    wire_resistance : float
        Resistance of a segment of word and bit line, ohm; 0: ideal wires.
    wire_ends : {"one", "both"}
        Whether lines are driven and sensed at one end or at both.
    wire_gains : {"none", "columns"}
        Whether every column of a tile has a gain that makes up for its wires (a line of shared devices: one as a row
        and as a column), calibrated whenever the matrix is made (`crossbar.wires.compensation`).
    wire_order : {"given", "sensitivity"}
        Whether the rows and columns of a tile lie in the order of the neurons, or those of largest conductance where
        wires are shortest; chosen when the tile is first read.
    wire_error : float
        Relative error that a tile's matrix may have before it is solved anew after an update; between solutions it is
        corrected to first order (`crossbar.wires.effective`). 0: exact after every change.
    encoding, engine : str
        How a contrast becomes pulses (`crossbar.pulses.encodings`), and what simulates them
        (`crossbar.pulses.engines`).
    cell : SinhCell, PolynomialCell or None
        How devices conduct at other voltages than the read voltage, at which they are written; None: Ohm's law. A line
        at signal x is at x `read_voltage`, so that reads give W f(x), f(1) = 1. Lines without resistance only.
    access : Access or None
        The transistor or selector that every device of a pair stands behind, so that reads find less; None: nothing.
        `g_min` and `g_max` are the devices' own.
    read_voltage, read_time : float
        Voltage of a signal of 1 (V) and duration of a read (s), for energies only; 0.1 V and 100 ns are assumed.
    dtype : str
        Type of weights: ``"float32"`` for training, ``"float64"`` for verification.

    Raises
    ------
    InvalidValue, UnknownName
        Any value that cannot be meant.
    """

    device: str | Preset | PulsedLaw | None = None
    mapping: str | None = ArrayFields.mapping
    reference: str | None = None
    reference_error: float | None = None
    refresh: Refresh | None = None
    symmetry: str = ArrayFields.symmetry
    g_min: float | None = None
    g_max: float | None = None
    weight_limit: float | None = None
    siemens_per_weight: float | None = None
    weight_coverage: float = 1.0
    faults: FaultLaw = field(default_factory=FaultLaw)
    programming_error: str | WriteError | None = None
    read_noise: ReadNoise = field(default_factory=ReadNoise)
    output_noise: float = ArrayFields.output_noise
    dac: Converter | None = None
    adc: Converter | None = None
    linear_dac: Converter | None = None
    tile_size: int | None = ArrayFields.tile_size
    accumulation: str = "digital"
    wire_resistance: float = ArrayFields.wire_resistance
    wire_ends: str = ArrayFields.wire_ends
    wire_gains: str = ArrayFields.wire_gains
    wire_order: str = ArrayFields.wire_order
    wire_error: float = ArrayFields.wire_error
    drift_gains: DriftGains = ArrayFields.drift_gains
    line_gains: LineGains = ArrayFields.line_gains
    encoding: str = ArrayFields.encoding
    engine: str = ArrayFields.engine
    cell: SinhCell | PolynomialCell | None = None
    access: Access | None = None
    read_voltage: float = 0.1
    read_time: float = 1e-7
    dtype: str = "float32"

    def __post_init__(self) -> None:
        choices = (
            ("mapping", MAPPINGS), ("reference", REFERENCES), ("symmetry", SYMMETRIES), ("accumulation", ACCUMULATIONS),
            ("wire_ends", get_args(WireEnds)), ("wire_gains", get_args(WireGains)), ("wire_order", get_args(WireOrder)),
            ("dtype", ("float32", "float64")), ("drift_gains", get_args(DriftGains)),
            ("line_gains", get_args(LineGains)),
            ("encoding", tuple(ENCODINGS)), ("engine", ("auto", *ENGINES)),
        )  # fmt: skip
        for name, known in choices:
            value = getattr(self, name)
            if value not in known and not (value is None and name in {"mapping", "reference"}):
                raise unknown_name(name, str(value), known)
        self._check_not_negative()
        self._check_kinds()
        for name in ("tile_size", "wire_resistance", "wire_error"):
            BOUNDS[name].check(name, getattr(self, name))
        if self.weight_limit is not None and self.siemens_per_weight is not None:
            raise InvalidValue("give at most one of `weight_limit` and `siemens_per_weight`")
        if not 0 < self.weight_coverage <= 1:
            raise InvalidValue(f"`weight_coverage` must lie in (0, 1], but got {self.weight_coverage}")
        if self.weight_coverage < 1 and (self.weight_limit, self.siemens_per_weight) != (None, None):
            raise InvalidValue("give at most one of `weight_coverage`, `weight_limit` and `siemens_per_weight`")
        for name in ("weight_limit", "siemens_per_weight"):
            value = getattr(self, name)
            if value is not None:
                checks.positive(name, value)
        if self.reference == "symmetry-point" and (self.mapping == "pair" or self.device is None):
            raise InvalidValue("`reference` 'symmetry-point' needs mapping='reference' and a device")
        if self.g_min is not None and self.g_max is not None:
            check_range(self.g_min, self.g_max)
        if isinstance(self.programming_error, str):
            write_error(self.programming_error)
        self._check_cell()

    def _check_cell(self) -> None:
        if self.cell is not None and self.wire_resistance:
            raise InvalidValue(
                "cells that are not ohmic are read without `wire_resistance`; `Array.currents(volts, wires=, cell=)` "
                "has both, a read at a time"
            )
        if self.cell is not None and self.line_gains != "equal":
            raise InvalidValue(
                "cells that are not ohmic bend at the voltage of their line: use line_gains='equal' with a `cell`"
            )
        if self.cell is not None and self.access is not None:
            raise InvalidValue("give `cell` or `access`, not both: no law is known of a bent device behind another")
        if self.cell is not None and not self.read_voltage > 0:
            raise InvalidValue("`cell` needs a `read_voltage` above 0, in units of which it bends")

    def _check_not_negative(self) -> None:
        for name in ("output_noise", "reference_error", "read_voltage", "read_time"):
            value = 0.0 if getattr(self, name) is None else getattr(self, name)
            checks.not_negative(name, value)

    def _check_kinds(self) -> None:
        """Raise `InvalidValue` for a value of another type than its description says."""
        wanted: tuple[tuple[str, tuple[type, ...], str], ...] = (
            ("device", (str, Preset, PulsedLaw), "a name, a preset or a law"),
            ("faults", (FaultLaw,), "a FaultLaw"),
            ("programming_error", (str, WriteError), "a name or a WriteError"),
            ("read_noise", (ReadNoise,), "a ReadNoise"),
            ("dac", (Converter,), "a Converter, such as dac(8)"),
            ("adc", (Converter,), "a Converter, such as adc(8, high=4.0)"),
            ("linear_dac", (Converter,), "a Converter, such as dac(8, high=4.0, bipolar=True)"),
            ("cell", (SinhCell, PolynomialCell), "a SinhCell or a PolynomialCell"),
            ("access", (Access,), "an Access"),
        )
        for name, kinds, meant in wanted:
            value = getattr(self, name)
            if not isinstance(value, kinds) and not (value is None and name not in {"faults", "read_noise"}):
                raise InvalidValue(f"`{name}` must be {meant}, but got {value!r}")
        if self.tile_size is not None:
            check_whole("tile_size", self.tile_size)

    @property
    def kind(self) -> type:
        """The type of weights."""
        return np.float32 if self.dtype == "float32" else np.float64

    @property
    def bounded(self) -> bool:
        """Whether weights are kept within the range: it is given, or made by devices, levels or a reference."""
        return (
            self.device is not None
            or self.mapping == "reference"
            or self.weight_limit is not None
            or self.siemens_per_weight is not None
            or self.weight_coverage < 1
            or self.faults.levels is not None
        )

    def curved(self, signals: np.ndarray) -> np.ndarray:
        """Return what lines at `signals` drive devices with, of which a read is the product with W."""
        if self.cell is None:
            return signals
        scale = float(self.cell.drive(np.array(self.read_voltage, np.float64)))
        return (self.cell.drive(signals * signals.dtype.type(self.read_voltage)) / scale).astype(signals.dtype)

    @property
    def converts(self) -> bool:
        """Whether a converter stands at an edge."""
        return self.dac is not None or self.adc is not None
