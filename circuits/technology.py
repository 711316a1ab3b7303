"""What circuits measure and draw: sourced numbers with a low, a typical and a high value (data/technology/*.toml)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossbar.errors import InvalidValue, unknown_name
from crossbar.technology_parameters import POINTS, Parameter, read_parameter, read_tables, shipped_tables

__all__ = ["POINTS", "Parameter", "Point", "Technology", "load_technology", "read_tables"]

FILES = ("area.toml", "energy.toml", "wires.toml")
_TO_UM2 = {"um2": 1.0, "mm2": 1e6, "F2": 1.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Technology:
    """All parameters by name, and the nodes (nm) they are known for; the first node is that of the analog areas."""

    parameters: Mapping[str, Parameter]
    nodes: tuple[int, ...]

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
        nodes = _nodes(tables.pop("nodes", {}), path, self.nodes)
        parameters = {name: read_parameter(name, entry, path) for name, entry in tables.items()}
        for name, parameter in parameters.items():
            known = self.parameter(name)
            if (parameter.unit, parameter.scaling) != (known.unit, known.scaling) and not _both_areas(parameter, known):
                raise InvalidValue(
                    f"parameter `{name}` of {path} must be in {known.unit!r} with scaling {known.scaling!r}, "
                    f"but got {parameter.unit!r} with {parameter.scaling!r}"
                )
        return Technology(parameters={**self.parameters, **parameters}, nodes=nodes)


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
        value = self[name] * _TO_UM2[parameter.unit]
        if parameter.scaling == "feature":
            return value * (node * 1e-3) ** 2
        if parameter.scaling == "analog":
            return value * (node / self.technology.nodes[0]) ** self["analog_exponent"]
        return value


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
    nodes: tuple[int, ...] = ()
    for name in FILES:
        tables = shipped_tables(name)
        nodes = _nodes(tables.pop("nodes", {}), name, nodes)
        parameters |= {key: read_parameter(key, entry, name) for key, entry in tables.items()}
    shipped = Technology(parameters=parameters, nodes=nodes)
    return shipped if override is None else shipped.overridden(Path(override))


def _nodes(table: Mapping, path: str | Path, default: tuple[int, ...]) -> tuple[int, ...]:
    """Return the nodes (nm) that the table `nodes` of the file `path` knows, or `default` where it names none."""
    for key in table:
        if key != "known":
            raise unknown_name(f"field of `nodes` in {path}:", key, ["known"])
    if "known" not in table:
        return default
    known = table["known"]
    if not (isinstance(known, list) and known and all(type(node) is int and node > 0 for node in known)):
        raise InvalidValue(f"`known` of `nodes` in {path} must be a list of whole nm, such as [65], but got {known!r}")
    return tuple(known)


def _both_areas(one: Parameter, other: Parameter) -> bool:
    return one.unit in _TO_UM2 and other.unit in _TO_UM2 and (one.scaling == "feature") == (one.unit == "F2")
