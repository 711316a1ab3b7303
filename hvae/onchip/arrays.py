"""From the table `[array]` of a run to the crossbar arrays of its networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from crossbar.array_fields import ArrayFields
from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.arrays.converters import adc, dac, linear_blocks
from crossbar.arrays.read_noise import ReadNoise
from crossbar.devices import presets, stuck_map
from crossbar.devices.endurance import Endurance
from crossbar.devices.law import PulsedLaw
from crossbar.devices.nonidealities import FaultLaw, PowerLawDrift
from crossbar.devices.presets import Preset
from crossbar.devices.write_errors import gaussian
from crossbar.errors import InvalidValue
from crossbar.hopfield.network import Network
from crossbar.wires.access import Access
from crossbar.wires.cells import SelectedCell, SinhCell
from crossbar.wires.resistance import line_resistance
from hvae.config.array import IDEAL, ArraySettings
from hvae.models.hopfield import HopfieldVAE, Parameters

LAW_PARAMETERS = ("dw_min", "dw_min_std", "dw_min_dtod", "up_down", "w_max_dtod")
ARRAY, RULE, FAST = "array/", "rule/", "fast"  # in a checkpoint: arrays that settle, learning rules, their own arrays
LAW_G_MAX = 1e-4  # S, of a law without a preset: assumed


def array_config(settings: ArraySettings, dtype: str = "float32") -> ArrayConfig:
    """Return the array that `settings` describes.

    Raises
    ------
    InvalidValue, UnknownName
        A value that cannot be meant; a parameter that the device's law does not take.
    """
    device = _device(settings)
    range_ = _range(settings, device)
    drift = PowerLawDrift(nu=settings.drift_nu, nu_std=settings.drift_nu_std)
    same = _same(settings, ArrayConfig) | {"wire_resistance": wire_resistance(settings)}
    return ArrayConfig(
        device=device,
        weight_limit=settings.weight_limit if settings.device != IDEAL or _analog(settings) else None,
        faults=FaultLaw(
            drift=drift if settings.drift_nu or settings.drift_nu_std else None,
            endurance=None
            if settings.endurance is None
            else Endurance(pulses=settings.endurance, spread=settings.endurance_spread),
            **_same(settings, FaultLaw),
        ),
        programming_error=gaussian(settings.programming_error) if settings.programming_error else None,
        read_noise=ReadNoise(
            additive=settings.read_noise, relative=settings.read_noise_relative, **_same(settings, ReadNoise)
        ),
        dac=None if settings.dac_bits is None else dac(settings.dac_bits),
        adc=None if settings.adc_bits is None else adc(settings.adc_bits, high=_adc_range(settings)),
        cell=None if settings.cell_v0 is None else SinhCell(settings.cell_v0),
        access=None if settings.access_resistance is None else Access(SelectedCell(r=settings.access_resistance)),
        dtype=dtype,
        **same,
        **range_,
    )


def _adc_range(settings: ArraySettings) -> float:
    """Return the range of the ADCs; one that is still to be found from data counts as any, for checks alone."""
    found = settings.adc_range
    return 1.0 if isinstance(found, str) else found


def with_linear_dac(config: ArrayConfig, settings: ArraySettings, networks: Iterable[Network]) -> ArrayConfig:
    """Return `config` with a DAC of both signs, of as many bits as the other, where `networks` have linear neurons."""
    if settings.dac_bits is None or not any(linear_blocks(network) for network in networks):
        return config
    return replace(config, linear_dac=dac(settings.dac_bits, high=settings.linear_range, bipolar=True))


def wire_resistance(settings: ArraySettings) -> float:
    """Return the resistance of a wire segment (ohm): as given, or that of the technology's node."""
    return settings.wire_resistance if settings.wire_node is None else line_resistance(settings.wire_node).ohm


def build_arrays(
    settings: ArraySettings, vae: HopfieldVAE, parameters: Parameters, rng: np.random.Generator
) -> dict[str, CrossbarArray]:
    """Return an array for each network of `vae`, holding `parameters` as well as it can."""
    dtype = str(next(iter(parameters.values())).dtype)
    common = with_linear_dac(array_config(settings, dtype), settings, vae.networks.values())
    configs = {name: _with_stuck_map(common, settings, name) for name in parameters}
    return {
        name: CrossbarArray.from_weights(vae.networks[name], parameters[name], configs[name], rng)
        for name in parameters
    }


def check_stuck_map(settings: ArraySettings, networks: Mapping[str, Network]) -> None:
    """Raise an error where the file of stuck devices is none, or names neurons that `networks` have not.

    Raises
    ------
    MissingFile, CorruptFile, InvalidValue
    """
    if settings.stuck_map is not None:
        for name, network in networks.items():
            stuck_map.read(Path(settings.stuck_map), name).check(network.size)


def _with_stuck_map(config: ArrayConfig, settings: ArraySettings, network: str) -> ArrayConfig:
    """Return `config` with the devices of `network` that the file of `settings` says are stuck."""
    if settings.stuck_map is None:
        return config
    return replace(config, faults=replace(config.faults, stuck_map=stuck_map.read(Path(settings.stuck_map), network)))


def n_devices(array: CrossbarArray) -> int:
    """Return how many devices `array` has, one that both directions of a pair share counted once."""
    directions = int(np.count_nonzero(array.network.mask()))
    return directions // (2 if array.config.symmetry == "shared" else 1) * array.mapping.n_planes


def second_array(array: CrossbarArray, rng: np.random.Generator) -> CrossbarArray:
    """Return an array of weights zero that is made like `array`, for a learning rule that needs one of its own."""
    zeros: np.ndarray = np.zeros((array.network.size,) * 2, array.config.kind)
    return CrossbarArray.from_weights(array.network, zeros, array.config, rng)


def restored_seconds(
    arrays: Mapping[str, CrossbarArray], state: Mapping[str, np.ndarray], rng: np.random.Generator
) -> dict[str, CrossbarArray]:
    """Return the arrays that a chip's checkpoint holds of the learning rules of `arrays`, as `NAME/fast`."""
    found = {}
    for name, array in arrays.items():
        own = below(state, f"{RULE}{name}/{FAST}/")
        if own:
            found[f"{name}/{FAST}"] = second_array(array, rng)
            found[f"{name}/{FAST}"].load_state(own)
    return found


def restore_arrays(arrays: Mapping[str, CrossbarArray], state: Mapping[str, np.ndarray]) -> None:
    """Put the devices that a chip's checkpoint holds into `arrays`."""
    for name, array in arrays.items():
        array.load_state(below(state, f"{ARRAY}{name}/"))


def below(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return what is stored under `prefix`, by the rest of its name."""
    return {name.removeprefix(prefix): plane for name, plane in arrays.items() if name.startswith(prefix)}


def _same(settings: ArraySettings, kind: type) -> dict[str, Any]:
    """Return what `settings` says of those fields of the dataclass `kind` that are among `ArrayFields`."""
    names = [one.name for one in fields(kind)]
    return {name: getattr(settings, name) for name in names if name in vars(ArrayFields)}


def _analog(settings: ArraySettings) -> bool:
    """Tell whether weights are conductances of a range, so that their scale matters."""
    relevant = (
        "levels", "variation", "stuck_low", "stuck_high", "programming_error", "drift_nu", "drift_nu_std",
        "read_noise", "read_noise_relative", "wire_resistance", "wire_node", "on_off", "stuck_map",
    )  # fmt: skip
    return settings.mapping == "reference" or any(getattr(settings, name) for name in relevant)


def _device(settings: ArraySettings) -> Preset | PulsedLaw | None:
    given = {name: getattr(settings, name) for name in LAW_PARAMETERS if getattr(settings, name) is not None}
    if settings.device == IDEAL:
        if given:
            raise InvalidValue(
                f"`array.{next(iter(given))}` belongs to devices that take pulses: name one, not 'ideal'"
            )
        return None
    assert settings.device is not None
    device = presets.device(settings.device)
    if isinstance(device, PulsedLaw):
        return _changed(device, given)
    return replace(device, law=_changed(device.law, given)) if given else device


def _changed(law: PulsedLaw, given: dict[str, Any]) -> PulsedLaw:
    if "w_max_dtod" in given:
        given = given | {"w_min_dtod": given["w_max_dtod"]}
    known = {field.name for field in fields(law) if field.init}
    for name in given:
        if name not in known:
            raise InvalidValue(
                f"`array.{name}` is no parameter of the law {law.name!r}; it takes {', '.join(sorted(known))}"
            )
    return replace(law, **given)


def _range(settings: ArraySettings, device: Preset | PulsedLaw | None) -> dict[str, Any]:
    if settings.on_off is None:
        return {}
    g_max = device.g_max if isinstance(device, Preset) else LAW_G_MAX
    return {"g_max": g_max, "g_min": g_max / settings.on_off}
