"""The crossbar array: devices that hold the weights of a network, read and written as hardware would be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Named
from dataclasses import dataclass, field, replace

import numpy as np

from crossbar.arrays import checkpoint
from crossbar.arrays.cells import Cells, Lines
from crossbar.arrays.checks import check_contrast, check_read, check_weights
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.construction import build_cells, hardware, named_error
from crossbar.arrays.converters import check_linear, converted_inputs
from crossbar.arrays.energy_meter import Counters, PulseShape, ReadMeter, mean_conductance
from crossbar.arrays.matrix import Wide, assemble, line_totals, seen
from crossbar.arrays.pulsed_cells import PulsedCells
from crossbar.arrays.read_noise import FrozenNoise
from crossbar.arrays.reads import Reader
from crossbar.arrays.resistive_tiles import WiredTiles
from crossbar.arrays.tiles import origins
from crossbar.devices.drift_compensation import line_gains as drift_gains
from crossbar.devices.line_gains import gains_of
from crossbar.devices.mapping import Mapping
from crossbar.errors import InvalidValue
from crossbar.hopfield.couplings import multiply_patches, real_signals
from crossbar.hopfield.network import Network, Patch
from crossbar.pulses.encodings import Encoding, Signals, encoding
from crossbar.pulses.engines import PulseReport


@dataclass(slots=True, kw_only=True)
class CrossbarArray:
    """A weight matrix on devices; fulfils `crossbar.hopfield.couplings.Couplings`.

    Make one with `CrossbarArray.from_weights`. With the default `ArrayConfig` it is bit for bit `IdealWeights`.

    Attributes
    ----------
    network : Network
    config : ArrayConfig
    mapping : Mapping
        The scale between weights and siemens.
    cells : tuple of Cells
        The rectangles of devices.
    reader : Reader
        Converters and noise.
    frozen : FrozenNoise
        The part of the devices' noise that stands still during a phase.
    wires : WiredTiles
        What the resistance of lines does to the weights.
    counters : Counters
        What was done; read energy is up to date after `counted`.
    pulses : PulseShape
    meter : ReadMeter
    gains : ndarray (N,) or None
        Of the lines, `line_gains`: weights are what devices hold times the gains of both lines; 1 if None.
    time : float
        The array's clock: seconds since all devices were last written at once, see `at_time`.
    """

    network: Network
    config: ArrayConfig
    mapping: Mapping
    cells: tuple[Cells, ...]
    reader: Reader
    frozen: FrozenNoise
    wires: WiredTiles
    pulses: PulseShape
    meter: ReadMeter
    counters: Counters = field(default_factory=Counters)
    gains: np.ndarray | None = None
    time: float = 0.0
    steps: int = 0
    phase_start: int = 0
    _clean: np.ndarray | None = None
    _noisy: np.ndarray | None = None
    _variance: np.ndarray | None = None
    _lines: list[Lines] | None = None
    _wide: Wide | None = None

    @classmethod
    def from_weights(
        cls, network: Network, weights: np.ndarray, config: ArrayConfig, rng: np.random.Generator
    ) -> CrossbarArray:
        """Return an array whose devices hold `weights` (N, N), as well as `config` lets them.

        Parameters
        ----------
        rng : numpy Generator
            Draws the devices, their faults and writing errors, and the keys of the array's own noise.

        Raises
        ------
        InvalidValue
            Weights of another shape, not finite, where nothing couples, or not symmetric on shared devices; a
            configuration that contradicts itself, such as gains against drift without pairs.
        UnknownName
            An unknown preset.
        """
        check_linear(network, config.dac, config.linear_dac)
        device, noise = hardware(config), config.read_noise
        if config.drift_gains != "none" and device.mapping != "pair":
            raise InvalidValue(
                f"`drift_gains` {config.drift_gains!r} is of pairs of devices, whose difference drifts as they do, but "
                "`mapping` is 'reference': give mapping='pair', or drift_gains='none'"
            )
        check_weights(network, weights, config)
        gains = _gains(config, weights)
        cells, mapping = build_cells(network, _between(weights, gains, to_devices=True), config, device, rng)
        keys = [int(key) for key in rng.integers(0, 2**63, 2)]
        additive = noise.additive * mapping.g_max / mapping.siemens_per_weight * mapping.n_planes**0.5
        array = cls(
            network=network, config=config, mapping=mapping, cells=cells, pulses=device.pulses, gains=gains,
            reader=Reader(config=config, key=keys[0], additive=additive, starts=origins(network)),
            frozen=FrozenNoise(law=noise, key=keys[1], mirrored=config.symmetry == "shared"),
            wires=WiredTiles(config=config),
            meter=ReadMeter(joule=config.read_voltage**2 * config.read_time, squares=np.zeros(network.size)),
        )  # fmt: skip
        if not noise.off:
            array.frozen.start(network.size)
        return array

    # ------------------------------------------------------------------ reading

    @property
    def symmetric(self) -> bool:
        """Whether every read obeys W = W^T exactly: shared devices, no converter and no curve, which have no energy."""
        return self.config.symmetry == "shared" and self.linear

    @property
    def static(self) -> bool:
        """Whether two reads of the same signals within a phase agree exactly."""
        return self.config.output_noise == 0 and self.config.read_noise.static

    @property
    def linear(self) -> bool:
        """Whether a read is the product with `matrix`, but for noise: no converter at an edge, cells that are ohmic."""
        return not self.config.converts and self.config.cell is None

    def multiply(self, signals: np.ndarray, patches: Sequence[Patch], out: np.ndarray) -> None:
        """Write to `out` (batch, n_targets) what `signals` (batch, n_sources) give through `patches` of W.

        One read of the array by each example: DAC, currents, noise, ADC. Targets that no patch reaches get zero.

        Raises
        ------
        InvalidValue
            Shapes that do not belong to `patches`.
        """
        self._read(signals, patches, out, _as_it_is)

    def multiply_back(self, signals: np.ndarray, patches: Sequence[Patch], out: np.ndarray) -> None:
        """Read the same devices the other way, columns driven and rows sensed: `multiply` with W^T in place of W.

        Devices that both directions share give what `multiply` gives. The energy is counted as that of lines read
        forward.

        Raises
        ------
        InvalidValue
            Shapes that do not belong to `patches`.
        """
        self._read(signals, patches, out, np.transpose)

    def _read(
        self,
        signals: np.ndarray,
        patches: Sequence[Patch],
        out: np.ndarray,
        turned: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        signals = real_signals("signals", signals, self.config.kind)
        check_read(signals, patches, out)
        weights = self.matrix()
        dac = self.config.dac
        linear = self.config.linear_dac
        driven = signals if dac is None else converted_inputs(signals, patches, self.network, dac, linear)
        driven = self.config.curved(driven)
        self.steps += 1
        self.counters.reads += len(driven)
        self.counters.conversions_in += driven.size
        self.meter.note(driven, patches)
        variance = self._variance if self._varies else None
        if np.result_type(driven, weights) != weights.dtype:
            if self._wide is None or self._wide.of is not weights:
                at_outputs = self.config.read_noise.where == "outputs"
                self._wide = Wide.cast(weights, variance, driven.dtype, at_outputs)
            weights, variance = self._wide.weights, self._wide.variance
        weights, variance = turned(weights), None if variance is None else turned(variance)
        if self.static and not self.config.converts:
            multiply_patches(weights, driven, patches, out)
            self.counters.conversions_out += out.size
            return
        conversions, saturated = self.reader.read(weights, variance, driven, patches, out)
        self.counters.conversions_out += conversions
        self.counters.saturated += saturated

    def matrix(self) -> np.ndarray:
        """Return the weights (N, N) of this phase's reads, without what changes from read to read.

        Noise that is frozen for the phase is in it: with a static array this is the matrix that `multiply` uses,
        between the converters, if there are any. Do not write to it.
        """
        if self._noisy is None:
            clean = self.weights()
            self._noisy = clean
            if not self.config.read_noise.off and self.frozen.parts:
                assert self._variance is not None
                self._noisy = clean + self.frozen.deviation(self._variance).astype(clean.dtype)
        return self._noisy

    def weights(self) -> np.ndarray:
        """Return the weights (N, N) that reads see now, through the wires, without any read noise.

        Do not write to them; they stay as they are when the array is written, as later calls return others. What the
        devices themselves hold is `Cells.weights`, region by region.
        """
        if self._clean is None:
            noise = self.config.read_noise
            wanted = not noise.off and (bool(self.frozen.parts) or self._varies)
            found = seen(self.cells, self.time, self.config, self.wires, noise if wanted else None)
            self._clean = assemble(self.cells, [one.weights for one in found], self.network.size)
            blocks = [one.variance for one in found if one.variance is not None]
            self._variance = assemble(self.cells, blocks, self.network.size) if wanted else None
            lines = [one.lines for one in found if one.lines is not None]
            self._lines = lines if len(lines) == len(found) else None
            if self.config.drift_gains != "none" and self.time > 0:
                self._compensate()
            self._clean = self.to_weights(self._clean)
            if self._variance is not None:
                self._variance = self.to_weights(self.to_weights(self._variance))
        return self._clean

    def to_weights(self, held: np.ndarray) -> np.ndarray:
        """Return the weights (N, N) that devices make that hold `held`: times the gains of both lines."""
        return _between(held, self.gains, to_devices=False)

    def to_devices(self, weights: np.ndarray) -> np.ndarray:
        """Return what devices hold (N, N) to make `weights`: over the gains of both lines."""
        return _between(weights, self.gains, to_devices=True)

    def balance(self, weights: np.ndarray) -> None:
        """Choose the gains of the lines for `weights` (N, N), as the configuration says: before they are written."""
        check_weights(self.network, weights, self.config)
        self.gains = _gains(self.config, weights)
        self.changed()

    def _compensate(self) -> None:
        """Multiply what reads see by the gains that make up for drift."""
        plus, minus = self.conductances()
        between = plus + minus
        if self.config.symmetry != "shared":
            between = between + between.T  # a line is a row and a column
        gains = drift_gains(self.config.drift_gains, line_totals(self.cells, self.network.size), between)
        assert self._clean is not None
        both = np.outer(gains, gains).astype(self._clean.dtype)
        self._clean = self._clean * both
        if self._variance is not None:
            self._variance = self._variance * both**2

    @property
    def _varies(self) -> bool:
        """Whether noise at the outputs depends on which device it comes from."""
        noise, config = self.config.read_noise, self.config
        unlike = noise.relative > 0 or config.symmetry == "one-way" or config.wire_resistance > 0
        unlike = unlike or (config.drift_gains != "none" and self.time > 0)  # gains amplify noise too
        unlike = unlike or self.gains is not None
        return bool(noise.spectrum == "white" or noise.fast) and (noise.where == "devices" or unlike)

    def asymmetry(self) -> float:
        """Return |W - W^T| / (2 |W|) (Frobenius): 0 for symmetric weights, 1 for antisymmetric ones."""
        weights = self.weights()
        size = np.linalg.norm(weights)
        return float(np.linalg.norm(weights - weights.T) / (2 * size)) if size > 0 else 0.0

    def conductances(self) -> tuple[np.ndarray, np.ndarray]:
        """Return G+ and G- (N, N) in siemens, as they are now; zero where no device is."""
        pairs = [cells.conductances(self.time) for cells in self.cells]
        plus, minus = ([pair[side] for pair in pairs] for side in (0, 1))
        return assemble(self.cells, plus, self.network.size), assemble(self.cells, minus, self.network.size)

    # ------------------------------------------------------------------ time

    def new_phase(self) -> None:
        """Begin a phase: noise slower than a phase moves on by the reads since the last one."""
        if self.frozen.new_phase(self.steps - self.phase_start):
            self._noisy = None
        self.phase_start = self.steps

    def new_batch(self) -> None:
        """Begin a batch: noise that lasts for a batch is drawn anew, and coloured noise forgets the examples before."""
        self.reader.memory.clear()
        if self.frozen.new_batch():
            self._noisy = None

    def at_time(self, time: float) -> None:
        """Set the array's clock to `time` seconds after all devices were written: drift and loss of retention.

        Each device ages from its own last write: pulses act on what it has become, and its age is then zero.

        Raises
        ------
        InvalidValue
            A negative or infinite time, or one before a device was last written.
        """
        if not (np.isfinite(time) and time >= 0):
            raise InvalidValue(f"`time` must be zero or more seconds, but got {time}")
        last = max((float(written.max()) for cells in self.cells for written in cells.written), default=0.0)
        if time < last:
            raise InvalidValue(f"`time` must not lie before the last pulse, at {last} s, but got {time}")
        self.time = float(time)
        self.changed()

    # ------------------------------------------------------------------ writing

    def update(self, response: np.ndarray, mean: np.ndarray, *, rate: float, rng: np.random.Generator) -> PulseReport:
        """Add rate sum_b (R_b S_b^T + S_b R_b^T), on coupled pairs, to the weights, by pulses where there are devices.

        Parameters
        ----------
        response : ndarray (batch, N)
            R: what the nudge changed of rho(s); zero for clamped neurons, though their weights learn by their S.
        mean : ndarray (batch, N)
            S: mean of the signals of both phases.
        rate : float
            Weight units per unit of R times S.
        rng : numpy Generator
            Draws the pulse trains and the cycle-to-cycle noise.

        Returns
        -------
        PulseReport

        Raises
        ------
        InvalidValue
            Wrong shapes, no examples, values that are not real and finite, a rate that is not positive and finite.
        """
        response, mean = (
            real_signals(name, given, self.config.kind) for name, given in (("response", response), ("mean", mean))
        )
        check_contrast(self.network, response, mean, rate, self.config.kind)
        if self.gains is not None:  # R S^T of the devices' own weights
            response, mean = (given / self.gains.astype(given.dtype) for given in (response, mean))
        self.counted()
        conductance = self.mean_conductance() if self.config.device is not None else 0.0
        way: Encoding = encoding(self.config.encoding)
        report = PulseReport(up=0, down=0, engine="none")
        for number, cells in enumerate(self.cells):
            rows, columns = cells.region.rows, cells.region.columns
            signals = Signals(
                response_rows=response[:, rows], mean_rows=mean[:, rows],
                response_columns=response[:, columns], mean_columns=mean[:, columns],
            )  # fmt: skip
            with cells.changing(self.time):
                done = cells.update(signals, way, rate=rate, engine=self.config.engine, rng=rng)
            report = done if number == 0 else report + done
        self.add_pulses(report.up, report.down, conductance)
        self.counters.updates += 1
        self.changed()
        return report

    def write(self, weights: np.ndarray, rng: np.random.Generator) -> None:
        """Set the devices to `weights` (N, N) in one go, with the configured programming error; time starts again."""
        check_weights(self.network, weights, self.config)
        weights = self.to_devices(weights)
        self.counted()
        error = named_error(self.config.programming_error)
        for cells in self.cells:
            cells.write(weights[cells.region.rows, cells.region.columns], error, rng)
            cells.restart()
        self.time = 0.0
        self.changed()

    def add_pulses(self, up: int, down: int, conductance: float, verified: int = 0) -> None:
        """Count pulses, given to devices of mean `conductance` (S), and devices read to verify them."""
        self.counters.pulses_up += up
        self.counters.pulses_down += down
        self.counters.verify_steps += verified
        self.counters.write_energy += self.pulses.energy(up, down, conductance)

    def counted(self) -> Counters:
        """Return the counters with the read energy up to now."""
        if self.meter.pending:
            self.counters.read_energy += self.meter.energy(self.cells, self._line_conductances(), self.gains)
        return self.counters

    def mean_conductance(self) -> float:
        """Return the mean conductance (S) of all devices; 0 where there are none."""
        return mean_conductance(self.cells, self._line_conductances())

    # ------------------------------------------------------------------ checkpoints

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return everything that changes, as arrays by name, so that `load_state` goes on bit for bit."""
        self.counted()
        return checkpoint.gather(self)

    def load_state(self, state: Named[str, np.ndarray]) -> None:
        """Go on from what `state_dict` of an array of the same network and configuration returned.

        Raises
        ------
        InvalidValue
            Arrays that are missing, or of an array of another network, device or configuration.
        """
        checkpoint.scatter(self, state)
        self.changed()

    def rescale(self, siemens_per_weight: float) -> None:
        """Let the same devices stand for other weights: a weight of 1 is `siemens_per_weight` (S) from now on."""
        finer = self.mapping.siemens_per_weight / siemens_per_weight
        self.mapping = replace(self.mapping, siemens_per_weight=siemens_per_weight)
        for cells in self.cells:
            cells.mapping = self.mapping
            if isinstance(cells, PulsedCells):
                cells.scale *= finer
        self.reader.additive *= finer
        self.changed()

    # ------------------------------------------------------------------ inside

    def changed(self) -> None:
        """Forget what was derived from the devices: they have been written, or have aged."""
        self._clean = self._noisy = self._variance = self._lines = self._wide = None

    def _line_conductances(self) -> list[Lines]:
        if self._lines is None:
            self._lines = [one.line_conductances(self.time) for one in self.cells]
        return self._lines


def _gains(config: ArrayConfig, weights: np.ndarray) -> np.ndarray | None:
    """Return the gains (N,) of the lines for `weights` (N, N), None where all are 1."""
    return None if config.line_gains == "equal" else gains_of(config.line_gains)(weights)


def _between(weights: np.ndarray, gains: np.ndarray | None, *, to_devices: bool) -> np.ndarray:
    """Return `weights` (N, N) over the gains of both lines where they go `to_devices`, else times them."""
    if gains is None:
        return weights
    both = np.outer(gains, gains)
    return (weights / both if to_devices else weights * both).astype(weights.dtype)


def _as_it_is(matrix: np.ndarray) -> np.ndarray:
    return matrix
