"""What circuits measure and draw: sourced numbers with a low, a typical and a high value (data/technology/*.toml)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossbar.errors import InvalidValue, unknown_name
from crossbar.technology_parameters import POINTS, SMALLEST, Parameter, read_parameter, read_tables, shipped_tables

__all__ = ["POINTS", "Parameter", "Point", "Technology", "load_technology", "read_tables"]

FILES = ("area.toml", "energy.toml", "wires.toml", "neurons.toml", "layout.toml")
LARGEST_NODE = 1000  # nm
_TO_UM2 = {"um2": 1.0, "mm2": 1e6, "F2": 1.0}
# What a value must be at least, and at most, beyond what every parameter must obey.
_AT_LEAST = {
    "lines_per_dac": 1, "lines_per_adc": 1, "on_off_ratio": 1, "routing": 1, "bidirectional": 1,
    "linear_swing": 1, "capacitor_density": SMALLEST, "route_width": SMALLEST,
}  # fmt: skip
_AT_MOST = {"analog_exponent": 10, "wire_loss_limit": 1, "output_bias": 1, "rho_share": 0.5, "slope_share": 0.5}


@dataclass(frozen=True, kw_only=True, slots=True)
class Technology:
    """All parameters by name, with the nodes that they are for.

    Attributes
    ----------
    parameters : mapping of str to Parameter
    nodes : tuple of int
        Nodes (nm) that may be asked for.
    analog_node : int
        Node (nm) at which the analog areas are given.
    law : tuple of int
        Smallest and largest node (nm) for which the scaling laws were made: those of the shipped files.

    Raises
    ------
    InvalidValue
        A value that divides and is zero, a ratio below 1, a share above 1, a supply below the lines' voltage.
    """

    parameters: Mapping[str, Parameter]
    nodes: tuple[int, ...]
    analog_node: int
    law: tuple[int, int]

    def __post_init__(self) -> None:
        for name, least in _AT_LEAST.items():
            self._check_values(name, least, np.inf)
        for name, most in _AT_MOST.items():
            self._check_values(name, 0, most)
        if {"supply_voltage", "read_voltage"} <= set(self.parameters):
            supply, read = (self.parameters[name] for name in ("supply_voltage", "read_voltage"))
            if min(supply.low, supply.high) < max(read.low, read.high):
                raise InvalidValue(
                    f"`supply_voltage` must be at least `read_voltage` at every point, but its least is "
                    f"{min(supply.low, supply.high):g} V against {max(read.low, read.high):g} V"
                )

    def _check_values(self, name: str, least: float, most: float) -> None:
        parameter = self.parameters.get(name)
        values = [] if parameter is None else [parameter.low, parameter.typical, parameter.high]
        if not all(least <= value <= most for value in values):
            what = f"at most {most:g}" if least == 0 else "more than 0" if least == SMALLEST else f"at least {least:g}"
            raise InvalidValue(f"parameter `{name}` must be {what} at every point, but got {values}")

    def note(self, node: int) -> str:
        """Return a warning if `node` (nm) lies outside the range of the scaling laws, else nothing."""
        low, high = self.law
        if low <= node <= high:
            return ""
        return (
            f"{node} nm lies outside the {low} to {high} nm for which the scaling laws were made: "
            "areas are extrapolated, do not trust them"
        )

    def check_node(self, node: int) -> None:
        """Raise InvalidValue unless `node` (nm) is one of the known ones."""
        if node not in self.nodes:
            known = ", ".join(str(known) for known in self.nodes)
            raise InvalidValue(f"`node` must be one of {known} nm, but got {node}")

    def parameter(self, name: str) -> Parameter:
        """Return the parameter `name`."""
        if name not in self.parameters:
            raise unknown_name("technology parameter", name, self.parameters)
        return self.parameters[name]

    def values(self, point: str) -> Point:
        """Return the values at `point` ("low", "typical" or "high") of every parameter."""
        return self.point({name: getattr(parameter, point) for name, parameter in self.parameters.items()})

    def draws(self, count: int, rng: np.random.Generator) -> Point:
        """Return `count` independent draws of every parameter; use one draw for all chips that are compared.

        Each parameter has a stream of its own, so that overriding one leaves the draws of the others as they were.
        """
        streams = rng.spawn(len(self.parameters))
        drawn = zip(self.parameters.items(), streams, strict=True)
        return self.point({name: parameter.draw(count, stream) for (name, parameter), stream in drawn})

    def point(self, values: Mapping[str, float | np.ndarray]) -> Point:
        """Return `values` together with the rules by which they scale."""
        return Point(technology=self, values=values)

    def overridden(self, path: Path) -> Technology:
        """Return this technology with the parameters of the TOML file `path` in place of its own."""
        tables = read_tables(path)
        nodes, analog_node = _nodes(tables.pop("nodes", {}), path, (self.nodes, self.analog_node))
        parameters = {name: read_parameter(name, entry, path) for name, entry in tables.items()}
        for name, parameter in parameters.items():
            known = self.parameter(name)
            if (parameter.unit, parameter.scaling) != (known.unit, known.scaling) and not _both_areas(parameter, known):
                raise InvalidValue(
                    f"parameter `{name}` of {path} must be in {known.unit!r} with scaling {known.scaling!r}, "
                    f"but got {parameter.unit!r} with {parameter.scaling!r}"
                )
        return Technology(
            parameters={**self.parameters, **parameters}, nodes=nodes, analog_node=analog_node, law=self.law
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One value, or an array of draws, of every parameter of a technology."""

    technology: Technology
    values: Mapping[str, float | np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return np.asarray(self.values[self.technology.parameter(name).name], dtype=float)

    def area(self, name: str, node: int) -> np.ndarray:
        """Return the area of one `name` at `node` (nm), in um2."""
        parameter = self.technology.parameter(name)
        if parameter.unit not in _TO_UM2:
            raise InvalidValue(f"parameter `{name}` must be an area, but its unit is {parameter.unit!r}")
        return self.scaled(name, node) * _TO_UM2[parameter.unit]

    def scaled(self, name: str, node: int) -> np.ndarray:
        """Return `name` at `node` (nm) by its scaling law; squares of the feature size become um2."""
        scaling = self.technology.parameter(name).scaling
        if scaling == "feature":
            return self[name] * (node * 1e-3) ** 2
        if scaling == "analog":
            return self[name] * (node / self.technology.analog_node) ** self["analog_exponent"]
        return self[name]


def load_technology(override: str | Path | None = None) -> Technology:
    """Return the shipped technology (data/technology/*.toml), with the parameters of file `override` in their place.

    Raises
    ------
    MissingFile, CorruptFile
        The file is not there, or is no TOML.
    InvalidValue, UnknownName
        A parameter without a source, with a negative value, or that nothing uses; nodes that are no list of lengths.
    """
    parameters: dict[str, Parameter] = {}
    nodes: tuple[tuple[int, ...], int] = ((), 0)
    for name in FILES:
        tables = shipped_tables(name)
        nodes = _nodes(tables.pop("nodes", {}), name, nodes)
        parameters |= {key: read_parameter(key, entry, name) for key, entry in tables.items()}
    known, analog = nodes
    shipped = Technology(parameters=parameters, nodes=known, analog_node=analog, law=(min(known), max(known)))
    return shipped if override is None else shipped.overridden(Path(override))


def _nodes(table: Mapping, path: str | Path, default: tuple[tuple[int, ...], int]) -> tuple[tuple[int, ...], int]:
    """Return `known` and `analog` of the table `nodes` of the file `path`, those of `default` where it is silent."""
    for key in table:
        if key not in ("known", "analog"):
            raise unknown_name(f"field of `nodes` in {path}:", key, ["known", "analog"])
    known, analog = table.get("known", list(default[0])), table.get("analog", default[1])
    if not (isinstance(known, list) and known and all(_is_node(node) for node in known)):
        raise InvalidValue(
            f"`known` of `nodes` in {path} must be a list of whole nm up to {LARGEST_NODE}, such as [65], "
            f"but got {repr(known)[:40]}"
        )
    if not _is_node(analog):
        raise InvalidValue(
            f"`analog` of `nodes` in {path} must be whole nm up to {LARGEST_NODE}, but got {repr(analog)[:40]}"
        )
    return tuple(known), analog


def _is_node(node: object) -> bool:
    return type(node) is int and 0 < node <= LARGEST_NODE


def _both_areas(one: Parameter, other: Parameter) -> bool:
    return one.unit in _TO_UM2 and other.unit in _TO_UM2 and (one.scaling == "feature") == (one.unit == "F2")
