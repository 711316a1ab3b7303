"""How an array is put together: its devices from a preset or ideal, its scale, its faults, its first weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crossbar.arrays.cells import Cells
from crossbar.arrays.checks import check_devices, check_range_fits
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.energy_meter import PulseShape
from crossbar.arrays.float_cells import FloatCells
from crossbar.arrays.pulsed_cells import PulsedCells
from crossbar.arrays.regions import Region, regions
from crossbar.chip_checks import check_name
from crossbar.devices.law import DeviceState, PulsedLaw
from crossbar.devices.mapping import Mapping, check_range, mapping_for
from crossbar.devices.nonidealities import Faults
from crossbar.devices.presets import Preset, Refresh, device
from crossbar.devices.symmetry_point import symmetry_points
from crossbar.devices.write_errors import WriteError, write_error
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.numerics.mirror import mirror_upper
from crossbar.pulses.engines import mirror

G_MAX = 1e-4  # S, of an array without a preset: assumed
G_MIN = 1e-6  # S, of devices known by their law alone: assumed


@dataclass(frozen=True, kw_only=True, slots=True)
class Hardware:
    """What a configuration takes from its preset.

    Attributes
    ----------
    name : str
    law : PulsedLaw or None
        None: floats.
    g_min, g_max : float
        S.
    pulses : PulseShape
    mapping, reference : str
    reference_error : float
    refresh : Refresh or None
        As `ArrayConfig` has them, resolved.
    """

    name: str
    law: PulsedLaw | None
    g_min: float
    g_max: float
    pulses: PulseShape
    mapping: str = "pair"
    reference: str = "zero"
    reference_error: float = 0.0
    refresh: Refresh | None = None

    def __post_init__(self) -> None:
        if self.reference == "symmetry-point" and self.mapping != "reference":
            raise InvalidValue("`reference` 'symmetry-point' needs mapping='reference' and a device")
        if self.law is not None and self.law.one_sided and self.mapping != "pair":
            raise InvalidValue(f"the pulses of {self.name!r} go up only, so it needs mapping='pair'")
        if self.refresh is not None and (self.law is None or self.mapping != "pair"):
            raise InvalidValue("only pairs of pulsed devices are refreshed; use mapping='pair' and a `device`")

    @property
    def zero(self) -> float | None:
        """Where in its range, from 0 to 1, the device's own zero lies."""
        if self.law is None:
            return None
        return -self.law.w_min / (self.law.w_max - self.law.w_min)


def hardware(config: ArrayConfig) -> Hardware:
    """Return what `config` says of the devices, with its preset's values where it is silent.

    Raises
    ------
    InvalidValue, UnknownName
        An unknown device, a range that is none, an access device before anything but pairs that take pulses.
    """
    found = _hardware(config)
    if config.access is not None and (found.law is None or found.mapping != "pair"):
        raise InvalidValue(
            f"`access` stands before devices that take pulses, two a weight, but got {found.name} with "
            f"mapping={found.mapping!r}: name a `device`, with mapping='pair'"
        )
    return found


def _hardware(config: ArrayConfig) -> Hardware:
    chosen = device(config.device) if isinstance(config.device, str) else config.device
    error = named_error(config.programming_error)
    if chosen is None or isinstance(chosen, PulsedLaw):
        law, name = chosen, "ideal" if chosen is None else chosen.name
        g_max = G_MAX if config.g_max is None else config.g_max
        least = (0.0 if error is None else error.least(g_max)) if law is None else G_MIN
        g_min = least if config.g_min is None else config.g_min
        check_ranges(g_min, g_max, error)
        return Hardware(name=name, law=law, g_min=g_min, g_max=g_max, pulses=PulseShape(), **_layout(config, None))
    preset = chosen
    check_name("the name of a device", preset.name)
    g_min = preset.g_min if config.g_min is None else config.g_min
    g_max = preset.g_max if config.g_max is None else config.g_max
    check_ranges(g_min, g_max, error)
    layout = _layout(config, preset)
    return Hardware(name=preset.name, law=preset.law, g_min=g_min, g_max=g_max, pulses=pulse_shape(preset), **layout)


def check_ranges(g_min: float, g_max: float, error: WriteError | None) -> None:
    """Raise `InvalidValue` unless the range (S) is one, and one that the programming error was measured in."""
    check_range(g_min, g_max)
    if error is not None:
        error.check(g_min, g_max)


def _layout(config: ArrayConfig, preset: Preset | None) -> dict[str, Any]:
    """Return mapping, reference and refresh: as `config` says, else as `preset` does, else pairs and zero."""
    mapping = config.mapping or (preset and preset.mapping) or "pair"
    shifted = preset if preset is not None and mapping == "reference" else None  # a preset's reference is of no pair
    reference = config.reference or (shifted and shifted.reference) or "zero"
    error = config.reference_error
    if error is None:
        error = shifted.reference_error if shifted is not None else 0.0
    refresh = config.refresh or (preset and preset.refresh)
    return {"mapping": mapping, "reference": reference, "reference_error": error, "refresh": refresh}


def build_cells(
    network: Network, weights: np.ndarray, config: ArrayConfig, device: Hardware, rng: np.random.Generator
) -> tuple[tuple[Cells, ...], Mapping]:
    """Return the devices of an array, holding `weights` (N, N), and the scale they share.

    Raises
    ------
    InvalidValue
        See `CrossbarArray.from_weights`.
    """
    if config.faults.stuck_map is not None:
        config.faults.stuck_map.check(network.size)
    limit = config.weight_limit
    if limit is None and config.siemens_per_weight is None:
        limit = covering(weights, config.weight_coverage)
    g_min, g_max = device.g_min, device.g_max
    if config.access is not None:
        g_min, g_max = config.access.seen(np.array([g_min, g_max])).tolist()
    mapping = mapping_for(
        device.mapping,
        g_min=g_min,
        g_max=g_max,
        zero=device.zero,
        weight_limit=limit,
        siemens_per_weight=config.siemens_per_weight,
    )
    check_range_fits(mapping, config)
    error = named_error(config.programming_error)
    cells = []
    for region in regions(network, config.symmetry):
        one = _make(region, config, device, mapping, rng)
        one.write(weights[region.rows, region.columns].astype(config.kind), error, rng)
        cells.append(one)
    return tuple(cells), mapping


def covering(weights: np.ndarray, share: float) -> float:
    """Return the magnitude that `share` of the weights other than zero do not pass; 1 where all are zero."""
    sizes = np.abs(weights[weights != 0])
    if not sizes.size:
        return 1.0
    return float(sizes.max() if share == 1 else np.quantile(sizes, share))


def named_error(error: str | WriteError | None) -> WriteError | None:
    """Return the law of the programming error, looked up where it is a name."""
    return write_error(error) if isinstance(error, str) else error


def pulse_shape(preset: Preset) -> PulseShape:
    """Return the amplitudes and durations of a preset's pulses, zero where unknown."""
    names = {"voltage_up": "v_up", "voltage_down": "v_down", "width_up": "t_up", "width_down": "t_down"}
    return PulseShape(**{ours: preset.number("pulse", theirs) or 0.0 for ours, theirs in names.items()})


def _make(region: Region, config: ArrayConfig, device: Hardware, mapping: Mapping, rng: np.random.Generator) -> Cells:
    """Return the devices of one region, at zero."""
    faults = tuple(_faults(region, config, plane, rng) for plane in range(mapping.n_planes))
    if device.law is None:
        values: np.ndarray = np.zeros(region.shape, config.kind)
        return FloatCells(region=region, mapping=mapping, faults=faults, values=values, bounded=config.bounded)
    with np.errstate(over="ignore"):  # told below
        states = tuple(device.law.sample(region.shape, rng, dtype=config.kind) for _ in range(mapping.n_planes))
    for state in states:
        check_devices(state)
        if region.square and region.shared:
            mirror(state)
    scale = (mapping.high - mapping.low) / (device.law.w_max - device.law.w_min)
    held = np.mean([hold(state, faults[0].devices(mapping).floor / scale) for state in states])
    shift = _shift(region, device, mapping, states[0], scale, rng) if device.reference == "symmetry-point" else None
    return PulsedCells(
        region=region, mapping=mapping, faults=faults, states=states, scale=scale, shift=shift, held=float(held)
    )


def hold(state: DeviceState, floor: float) -> float:
    """Hold the lower bounds of devices at `floor`, the weight of 0 S in units of their law; return how many it met.

    Bounds that spread from device to device are drawn as weights, and some would lie below.
    """
    place = state.law.layout.index("w_min")
    if state.alike:
        numbers = state.stack[:, :1, :1].copy()
        share = float(numbers[place, 0, 0] < floor)
        np.maximum(numbers[place], numbers.dtype.type(floor), out=numbers[place])
        state.stack = np.broadcast_to(numbers, state.stack.shape)
        return share
    low = state.stack[place]
    share = float(np.mean(low < floor))
    np.maximum(low, low.dtype.type(floor), out=low)
    return share


def _shift(
    region: Region, device: Hardware, mapping: Mapping, state: DeviceState, scale: float, rng: np.random.Generator
) -> np.ndarray:
    """Return the reference of each device, weight units: its symmetry point, as well as the reference meets it."""
    points = symmetry_points(state)
    if device.reference_error > 0:
        spread = device.reference_error * (state.law.w_max - state.law.w_min)
        points = points + spread * rng.standard_normal(points.shape, dtype=np.float32)
        if region.square and region.shared:
            mirror_upper(points)
    return np.maximum(scale * points, mapping.floor).astype(state.hidden.dtype)


def _faults(region: Region, config: ArrayConfig, plane: int, rng: np.random.Generator) -> Faults:
    mirrored = region.square and region.shared
    faults = replace(config.faults.sample(region.shape, rng), access=config.access)
    if mirrored:
        for drawn in faults.arrays().values():
            mirror_upper(drawn)
    known = config.faults.stuck_map
    if known is None:
        return faults
    named = known.on(plane, region.rows, region.columns, mirrored=region.shared)
    return replace(faults, stuck=named if faults.stuck is None else np.where(named != 0, named, faults.stuck))
