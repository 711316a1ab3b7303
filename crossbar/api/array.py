"""A matrix on a crossbar: read it, pulse it, age it, program it, look at its conductances and currents."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from crossbar.api.building import build
from crossbar.api.currents import kirchhoff
from crossbar.api.settings import (
    Conversion,
    Device,
    array_config,
    check_size,
    counts_of,
    input_converter,
    lines_of,
    matrix_of,
    seed_of,
)
from crossbar.api.wires import Wires
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import Converter
from crossbar.arrays.energy_meter import Counters
from crossbar.arrays.pulsing import pulse
from crossbar.arrays.read_noise import ReadNoise
from crossbar.devices.fitting import Fit
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.programming.arrays import ProgrammingReport, write_verify
from crossbar.programming.write_verify import WriteVerify
from crossbar.pulses.engines import PulseReport
from crossbar.wires.cells import Cell

INPUTS, OUTPUTS = "inputs", "outputs"


class Array:
    """A matrix W (m, n) held by the devices of a crossbar.

    A weight is a difference of conductances, W_ij = (G+_ij - G-_ij) / s with s siemens a unit of weight. Column j of
    W is a line that is driven, row i one that is sensed: ``a @ x`` is W x, read through converters, noise and wires;
    ``y @ a`` is y W, the same devices read from their other side. As in numpy, x is (n,) or (n, k), y (m,) or (k, m).

    Parameters
    ----------
    W : array_like (m, n)
        Real and finite. It decides the scale s (its largest magnitude fills the range of a device), unless
        `weight_limit`, `siemens_per_weight` or `weight_coverage` is given.
    device : str, Path, Preset, Fit, PulsedLaw or None
        A preset's name, a device file, what `preset` or `fit_device` returned, or a law. None: floats, which take any
        change exactly and no pulses.
    dac, adc : int, (int, float), Converter or None
        Bits, (bits, range) or the converter itself; None converts nothing. With a number of bits alone the DAC's range
        is -1 to 1, and the ADC's +- max(max_i sum_j |W_ij|, max_j sum_i |W_ij|) of the weights as first written,
        which no read with |x| <= 1 saturates (noise and later changes of the weights aside). That range is wide: the
        sums of long lines mostly cancel, and a smaller one, (bits, range), resolves more. `counters.saturated` counts
        what was clipped.
    read_noise : float or ReadNoise
        Standard deviation of a device when read, as a fraction of g_max.
    seed : int
        Of everything that is drawn. Two arrays made alike and used alike agree byte by byte.
    **fields
        Any further field of `crossbar.arrays.config.ArrayConfig`, such as `mapping`, `faults`, `programming_error`,
        `wire_resistance` (ohm), `tile_size`, `read_voltage` (V), `read_time` (s), `dtype` (float64 unless given).

    Attributes
    ----------
    crossbar_array : CrossbarArray
        What does the work, for all that has no short word here (`new_phase`, checkpoints ...).

    Raises
    ------
    InvalidValue
        A matrix that is none, or a value that cannot be meant.
    UnknownName
        No such device or field; the nearest is suggested.

    Notes
    -----
    W is embedded in a network of two layers whose devices serve both directions; time and memory of a read go with
    (m + n)^2, which bounds m + n at 23170.

    Examples
    --------
    >>> import numpy as np
    >>> import crossbar as xb
    >>> W = np.array([[0.5, -0.25, 0.0], [1.0, 0.75, -0.5]])
    >>> ideal = xb.Array(W)
    >>> ideal @ [1.0, 0.0, 1.0]
    array([0.5, 0.5])
    >>> [1.0, 1.0] @ ideal
    array([ 1.5,  0.5, -0.5])
    >>> a = xb.Array(W, device="epiram", dac=8, adc=8, read_noise=0.02, seed=0)
    >>> (a @ [1.0, 0.0, 1.0]).shape, a.conductances()[0].shape
    ((2,), (2, 3))
    >>> a.pulse(2).up
    12
    """

    __array_ufunc__ = None  # so that numpy leaves `y @ a` to us

    def __init__(
        self,
        W: Any,
        device: Device = None,
        *,
        dac: Conversion = None,
        adc: Conversion = None,
        read_noise: float | ReadNoise = 0.0,
        seed: int = 0,
        **fields: Any,
    ) -> None:
        target = matrix_of("W", W)
        check_size(sum(target.shape))
        if fields.get("symmetry", "shared") != "shared":
            raise InvalidValue("an `Array` is one rectangle of devices, read from both sides: leave out `symmetry`")
        devices, writes = seed_of(seed).spawn(2)
        m, n = target.shape
        network = Network(((INPUTS, n), (OUTPUTS, m)), "layered")
        driver = input_converter(dac, bipolar=True)
        config = array_config(device=device, dac=driver, read_noise=read_noise, given=fields)
        self.crossbar_array = build(network, _embedded(target), config, adc, devices)
        self._target = target
        self._device = _device_name(device)
        self._rng = np.random.default_rng(writes)

    # ------------------------------------------------------------------ what it is

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of W."""
        return self._target.shape[0], self._target.shape[1]

    @property
    def config(self) -> ArrayConfig:
        """All choices, the ranges of the converters included."""
        return self.crossbar_array.config

    @property
    def weights(self) -> np.ndarray:
        """W (m, n) as reads see it now, through wires, without converters and noise; a copy."""
        return self._own(self.crossbar_array.weights())

    @property
    def siemens_per_weight(self) -> float:
        """Conductance that stands for a weight of 1 (S)."""
        return self.crossbar_array.mapping.siemens_per_weight

    @property
    def error(self) -> float:
        """|W_now - W| / |W| (Frobenius) from the W that was last asked for; 0 for a W of zeros."""
        size = float(np.linalg.norm(self._target))
        return float(np.linalg.norm(self.weights - self._target)) / size if size else 0.0

    @property
    def time(self) -> float:
        """Seconds by which the array has aged since it was last written as a whole."""
        return self.crossbar_array.time

    @property
    def counters(self) -> Counters:
        """What was done up to now: reads, conversions, pulses, joules; a copy."""
        return replace(self.crossbar_array.counted())

    @property
    def energy(self) -> float:
        """Joules dissipated in the devices by reads and pulses; converters are not in it."""
        counted = self.counters
        return counted.read_energy + counted.write_energy

    def __repr__(self) -> str:
        mapping, config = self.crossbar_array.mapping, self.config
        parts = [
            f"{self.shape[0]} x {self.shape[1]}", f"device {self._device}",
            f"{mapping.g_min * 1e6:.4g} to {mapping.g_max * 1e6:.4g} uS",
            f"{mapping.siemens_per_weight * 1e6:.4g} uS a weight of 1",
            f"|dW|/|W| {self.error:.2%}",
        ]  # fmt: skip
        parts += [f"{name} {_described(one)}" for name in ("dac", "adc") if (one := getattr(config, name)) is not None]
        if not config.read_noise.off:
            parts.append(f"read noise {config.read_noise.additive:g} g_max + {config.read_noise.relative:g} G")
        if self.time:
            parts.append(f"aged {self.time:g} s")
        return f"Array({', '.join(parts)})"

    # ------------------------------------------------------------------ reading

    def __matmul__(self, x: Any) -> np.ndarray:
        """Return W x, (m,) or (m, k), for `x` (n,) or (n, k): one read of the array a column of `x`."""
        signals = self._signals("x", x, axis=0)
        return self._read(signals.T, INPUTS, OUTPUTS).T.reshape(-1, *signals.shape[1:])

    def __rmatmul__(self, y: Any) -> np.ndarray:
        """Return y W, (n,) or (k, n), for `y` (m,) or (k, m): the transposed read of the same devices."""
        signals = self._signals("y", y, axis=-1)
        return self._read(signals, OUTPUTS, INPUTS).reshape(*signals.shape[:-1], -1)

    def conductances(self) -> tuple[np.ndarray, np.ndarray]:
        """Return G+ and G- (m, n) in siemens as they are now; W = (G+ - G-) / `siemens_per_weight`.

        With `mapping="reference"` G- is that of the reference.
        """
        plus, minus = self.crossbar_array.conductances()
        return self._own(plus), self._own(minus)

    def currents(self, volts: Any, *, wires: Wires | float | None = None, cell: Cell | None = None) -> np.ndarray:
        """Return the currents (m,) or (m, k) out of the sensed lines, G+'s minus G-'s, in ampere.

        Kirchhoff's laws solved exactly for both planes (`crossbar.output_currents`), without converters and read noise.
        Without resistance that is (G+ - G-) V. In the picture of `output_currents` column j of W is word line j, driven
        at the end beside row 0, and row i is bit line i, grounded at the end beside column n - 1. Tiles, if there are
        any, stand apart.

        Parameters
        ----------
        volts : array_like (n,) or (n, k)
            On the driven lines, V.
        wires : Wires, float or None
            Resistance of a segment, ohm; None: the array's own `wire_resistance`. Columns' gains and orders of lines
            (`wire_gains`, `wire_order`) are not applied.
        cell : Cell or None
            What devices conduct: a law of `crossbar.wires.cells`; None: Ohm's, and with `access` that of the two in
            series, exact at every voltage.

        Raises
        ------
        InvalidValue
            Another shape, volts that are not finite, a negative resistance, a `cell` behind an access device.
        DivergedError
            Currents that were not found, of a `cell`.

        Examples
        --------
        >>> import numpy as np
        >>> import crossbar as xb
        >>> from crossbar.wires import SinhCell
        >>> array = xb.Array([[0.5, -0.2], [0.1, 0.9]])
        >>> ohmic, sinh = array.currents([0.1, 0.2]), array.currents([0.1, 0.2], cell=SinhCell(0.1))
        >>> bool((abs(sinh) > abs(ohmic)).all())
        True
        """
        voltages = self._signals("volts", volts, axis=0)
        lines = self._lines(wires)
        planes, law = self._cells(cell)
        total = kirchhoff(planes, voltages.reshape(len(voltages), -1), lines, self.config.tile_size, law)
        return total.reshape(-1, *voltages.shape[1:])

    def _cells(self, cell: Cell | None) -> tuple[tuple[np.ndarray, np.ndarray], Cell | None]:
        """Return what devices conduct at 0 V in the law that their cells follow, and that law."""
        access, (plus, minus) = self.config.access, self.conductances()
        if access is None:
            return (plus, minus), cell
        if cell is not None:
            raise InvalidValue("give no `cell`: the array's `access` says what stands in series with its devices")
        return (access.written(plus), access.written(minus)), access.cell

    # ------------------------------------------------------------------ writing

    def pulse(self, counts: Any, minus: Any = 0) -> PulseReport:
        """Give the devices of G+ `counts` pulses each, and those of G- `minus`: above zero up, below zero down.

        The next read sees them; they are counted, and their energy V^2 G t with the conductance that they met.

        Parameters
        ----------
        counts, minus : int or array_like (m, n) of int

        Raises
        ------
        InvalidValue
            Counts that are not whole or of another shape; an array of floats; `minus` where there is no G-.
        """
        planes = [counts_of("counts", counts, self.shape)]
        if self.crossbar_array.mapping.n_planes > 1:
            planes.append(counts_of("minus", minus, self.shape))
        elif np.any(minus):
            raise InvalidValue("`minus` must be 0 with mapping='reference': only G+ is a device of its own")
        return pulse(self.crossbar_array, 0, planes, self._rng)

    def update(self, rate: float, x: Any, y: Any) -> PulseReport:
        """Add rate sum_k y_k x_k^T to W, by pulses (`encoding`, `engine`) where there are devices.

        Parameters
        ----------
        rate : float
            Weight units per unit of x times y; any sign.
        x, y : array_like (n,) and (m,), or (n, k) and (m, k)

        Raises
        ------
        InvalidValue
            Shapes that do not fit, values that are not finite, a rate of zero.
        """
        columns, rows = self._signals("x", x, axis=0), self._signals("y", y, axis=0, size=self.shape[0])
        if columns.shape[1:] != rows.shape[1:]:
            raise InvalidValue(f"`x` and `y` must hold as many examples, but have {columns.shape} and {rows.shape}")
        if not (isinstance(rate, int | float | np.number) and math.isfinite(rate) and rate != 0):
            raise InvalidValue(f"`rate` must be finite and not zero, but got {rate!r}")
        inputs, outputs = columns.reshape(len(columns), -1).T, rows.reshape(len(rows), -1).T
        mean = np.hstack([inputs, np.zeros_like(outputs)])
        response = np.hstack([np.zeros_like(inputs), math.copysign(1.0, rate) * outputs])
        return self.crossbar_array.update(response, mean, rate=abs(float(rate)), rng=self._rng)

    def program(self, W: Any = None, **settings: Any) -> ProgrammingReport:
        """Pulse and verify the devices until they read `W`, or have spent their budget; floats take it at once.

        Parameters
        ----------
        W : array_like (m, n), optional
            None: the W that was last asked for. The scale stays, so larger weights than it holds are clipped.
        **settings
            Fields of `crossbar.WriteVerify`: `tolerance`, `max_pulses`, `verify_noise`.

        Returns
        -------
        ProgrammingReport
            Failures, errors, pulses, joules.

        Raises
        ------
        InvalidValue
            A matrix of another shape, settings that cannot be meant.
        """
        target = self._target if W is None else matrix_of("W", W)
        if target.shape != self.shape:
            raise InvalidValue(f"`W` must be {self.shape}, but got {target.shape}")
        report = write_verify(self.crossbar_array, _embedded(target), WriteVerify(**settings), self._rng)
        self._target = target
        beyond = np.abs(target) > report.weight_limit * (1 + 1e-6)  # the embedding counts every weight twice
        return replace(report, out_of_range=int(beyond.sum()) if report.out_of_range else 0)

    def age(self, seconds: float) -> None:
        """Let `seconds` pass: devices drift and forget as `faults` says (FaultLaw(drift=...)); without, none does.

        Raises
        ------
        InvalidValue
            A negative or infinite time.
        """
        if not (isinstance(seconds, int | float | np.number) and math.isfinite(seconds) and seconds >= 0):
            raise InvalidValue(f"`seconds` must be zero or more, but got {seconds!r}")
        self.crossbar_array.at_time(self.crossbar_array.time + float(seconds))

    # ------------------------------------------------------------------ inside

    def _own(self, whole: np.ndarray) -> np.ndarray:
        """Return what stands for W (m, n) in the matrix (N, N) of the embedding."""
        network = self.crossbar_array.network
        return whole[network.block(INPUTS), network.block(OUTPUTS)].T.copy()

    def _read(self, signals: np.ndarray, sources: str, targets: str) -> np.ndarray:
        """Return what `signals` (n_sources,) or (k, n_sources) give, (k, n_targets)."""
        array = self.crossbar_array
        batch: np.ndarray = np.ascontiguousarray(np.atleast_2d(signals), array.config.kind)
        out = np.empty((len(batch), dict(array.network.blocks)[targets]), batch.dtype)
        array.multiply(batch, array.network.patches([sources], [targets]), out)
        return out

    def _signals(self, name: str, values: Any, *, axis: int, size: int | None = None) -> np.ndarray:
        return lines_of(name, values, axis, size or self.shape[1 if axis == 0 else 0])

    def _lines(self, wires: Wires | float | None) -> Wires:
        if isinstance(wires, Wires):
            return wires
        return Wires(self.config.wire_resistance if wires is None else wires, ends=self.config.wire_ends)


def _embedded(target: np.ndarray) -> np.ndarray:
    """Return the symmetric weights (n + m, n + m) that couple n inputs with m outputs by `target` (m, n)."""
    m, n = target.shape
    weights = np.zeros((n + m, n + m))
    weights[:n, n:] = target.T
    weights[n:, :n] = target
    return weights


def _device_name(device: Device) -> str:
    if device is None:
        return "none (floats)"
    named = device.law if isinstance(device, Fit) else device
    return str(getattr(named, "name", named))


def _described(converter: Converter) -> str:
    bits = "" if converter.bits is None else f"{converter.bits} bits "
    return f"{bits}{converter.low:.4g} to {converter.high:.4g}"
