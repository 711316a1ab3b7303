"""Write-verify: bringing real devices to target weights, pulse by pulse, and saying where that failed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

import numpy as np

from crossbar.array import CrossbarArray
from crossbar.array_building import hardware
from crossbar.array_cells import Cells, PulsedCells
from crossbar.array_checks import check_weights
from crossbar.array_config import ArrayConfig
from crossbar.array_counters import mean_conductance
from crossbar.chip import Chip, Conductances
from crossbar.errors import InvalidValue
from crossbar.pulse_engines import apply_pulses, mirror_weights

SLOWEST = 1e-3  # smallest step that a device is believed to take, in nominal steps


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteVerify:
    """When to go on pulsing, and when to give up.

    Attributes
    ----------
    tolerance : float
        Largest accepted miss of a device, as a fraction of its range g_max - g_min.
    max_pulses : int
        Pulse budget of a device.
    verify_noise : float
        Standard deviation of one verifying read, as a fraction of the range.

    Raises
    ------
    InvalidValue
        A tolerance outside (0, 1), no pulses, negative noise.
    """

    tolerance: float = 0.01
    max_pulses: int = 500
    verify_noise: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise InvalidValue(f"`tolerance` is a fraction of the range, between 0 and 1, but got {self.tolerance}")
        if self.max_pulses < 1:
            raise InvalidValue(f"`max_pulses` must be at least 1, but got {self.max_pulses}")
        if not (math.isfinite(self.verify_noise) and self.verify_noise >= 0):
            raise InvalidValue(f"`verify_noise` must not be negative, but got {self.verify_noise}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgrammingReport:
    """How the programming of an array went.

    Attributes
    ----------
    devices, failed : int
        Devices, and those that missed their target by more than the tolerance.
    out_of_range : int
        Weights beyond what the range holds; their targets are its ends.
    rms_error, worst_error : float
        Miss of a device from its target, as a fraction of the range.
    weight_error : float
        |W - W_target| / |W_target| (Frobenius).
    pulses_up, pulses_down, verify_steps : int
        Pulses given and devices read.
    energy : float
        J in the devices, by pulses.
    """

    devices: int
    failed: int
    out_of_range: int
    rms_error: float
    worst_error: float
    weight_error: float
    pulses_up: int
    pulses_down: int
    verify_steps: int
    energy: float

    @property
    def failed_fraction(self) -> float:
        """Share of the devices that failed."""
        return self.failed / self.devices if self.devices else 0.0

    def as_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return {**asdict(self), "failed_fraction": self.failed_fraction}


def write_verify(
    array: CrossbarArray, weights: np.ndarray, settings: WriteVerify, rng: np.random.Generator
) -> ProgrammingReport:
    """Pulse the devices of `array` from where they stand until they read `weights` (N, N), or their budget is spent.

    Reads include the devices' faults, so a stuck device spends its budget and is reported. An array of floats is
    written in one go, with the configured programming error and no pulses.

    Raises
    ------
    InvalidValue
        Weights that do not belong to the array.
    """
    check_weights(array.network, weights, array.config)
    before = array.counted().as_dict()
    array.time = 0.0
    if not all(isinstance(cells, PulsedCells) for cells in array.cells):
        array.write(weights, rng)
    for cells in array.cells:
        if isinstance(cells, PulsedCells):
            targets = cells.targets(weights[cells.region.rows, cells.region.columns].astype(array.config.kind))
            for plane, target in enumerate(targets):
                _bring(array, cells, plane, target, settings, rng)
    array.changed()
    misses = np.concatenate([_misses(array, cells, weights) for cells in array.cells])
    limit = array.mapping.weight_limit * (1 + 1e-6)
    norm = float(np.linalg.norm(weights))
    return ProgrammingReport(
        devices=misses.size,
        failed=int((misses > settings.tolerance).sum()),
        out_of_range=int((np.abs(weights) > limit).sum()),
        rms_error=float(np.sqrt(np.mean(misses**2))),
        worst_error=float(misses.max(initial=0)),
        weight_error=float(np.linalg.norm(array.weights() - weights)) / norm if norm > 0 else 0.0,
        pulses_up=array.counters.pulses_up - int(before["pulses_up"]),
        pulses_down=array.counters.pulses_down - int(before["pulses_down"]),
        verify_steps=array.counters.verify_steps - int(before["verify_steps"]),
        energy=array.counters.write_energy - before["write_energy"],
    )


def program_chip(
    chip: Chip, config: ArrayConfig, settings: WriteVerify, rng: np.random.Generator
) -> tuple[Chip, dict[str, ProgrammingReport]]:
    """Return `chip` with its networks written to devices, and a report for each network.

    Every device starts at its own zero. Without `weight_limit` or `siemens_per_weight` in `config`, the largest weight
    of each network fills the range.

    Raises
    ------
    InvalidValue, UnknownName
        A configuration that does not fit, an unknown device.
    """
    name = hardware(config).name
    programmed, reports = {}, {}
    for network, topology in chip.networks.items():
        weights: np.ndarray = np.asarray(chip.weights[network], config.kind)
        array = CrossbarArray.from_weights(topology, weights, config, rng)
        array.write(np.zeros_like(weights), rng)
        report = write_verify(array, weights, settings, rng)
        plus, minus = array.conductances()
        programmed[network] = Conductances(
            plus=plus,
            minus=minus,
            siemens_per_weight=array.mapping.siemens_per_weight,
            device=name,
            report=report.as_dict(),
        )
        reports[network] = report
    return replace(chip, conductances=programmed), reports


def _bring(
    array: CrossbarArray,
    cells: PulsedCells,
    plane: int,
    target: np.ndarray,
    settings: WriteVerify,
    rng: np.random.Generator,
) -> None:
    """Write and verify one plane of devices: half of the steps that are missing at a time, as the device takes them."""
    state, once = cells.states[plane], _devices(cells)
    nominal = cells.scale * state.law.granularity
    step = np.full(target.shape, nominal, target.dtype)
    left = np.where(once, settings.max_pulses, 0)
    seen = _verify(array, cells, plane, settings, rng)
    while True:
        array.counters.verify_steps += int(np.count_nonzero(left))
        error = target - seen
        left[np.abs(error) <= settings.tolerance * (array.mapping.high - array.mapping.low)] = 0
        if not left.any():
            return
        count = np.minimum(np.maximum(np.abs(error) / (2 * step), 1), left).astype(np.int32)
        conductance = mean_conductance(array.cells, 0.0)
        up, down = np.where(error > 0, count, 0), np.where(error < 0, count, 0)
        report = apply_pulses(state, up, down, rng)
        if cells.region.square and cells.region.shared:
            mirror_weights(state)
        array.add_pulses(report.up, report.down, conductance)
        left -= count
        before, seen = seen, _verify(array, cells, plane, settings, rng)
        moved = np.abs(seen - before) / np.maximum(count, 1)
        step = np.where(count > 0, np.maximum((step + moved) / 2, SLOWEST * nominal), step)


def _devices(cells: Cells) -> np.ndarray:
    """Return where devices of their own are: all, off the diagonal of a square, above it where they are shared."""
    everywhere = np.ones(cells.region.shape, bool)
    if not cells.region.square:
        return everywhere
    return np.triu(everywhere, 1) if cells.region.shared else ~np.eye(len(everywhere), dtype=bool)


def _verify(
    array: CrossbarArray, cells: PulsedCells, plane: int, settings: WriteVerify, rng: np.random.Generator
) -> np.ndarray:
    seen = cells.planes(0.0)[plane]
    if settings.verify_noise > 0:
        spread = settings.verify_noise * (array.mapping.high - array.mapping.low)
        seen = seen + spread * rng.standard_normal(seen.shape, dtype=np.float32)
    return seen


def _misses(array: CrossbarArray, cells: Cells, weights: np.ndarray) -> np.ndarray:
    """Return by how much each device of `cells` misses its target, as a fraction of the range."""
    targets = cells.targets(weights[cells.region.rows, cells.region.columns])
    where = _devices(cells)
    span = array.mapping.high - array.mapping.low
    return np.concatenate([
        np.abs(seen - target)[where] / span
        for seen, target in zip(cells.planes(0.0), targets, strict=True)
    ])  # fmt: skip
