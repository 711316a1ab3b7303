"""What circuits measure and draw: sourced numbers with a low, a typical and a high value (data/technology/*.toml)."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from crossbar.errors import CorruptFile, InvalidValue, MissingFile, unknown_name

SCALINGS = ("feature", "analog", "none")
STATUSES = ("measured", "published", "secondary", "assumed")
POINTS = ("low", "typical", "high")
_FIELDS = (*POINTS, "unit", "scaling", "source", "status")
_TO_UM2 = {"um2": 1.0, "mm2": 1e6, "F2": 1.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One number of a technology, with where it comes from.

    Attributes
    ----------
    name : str
    low, typical, high : float
        The values that make the smallest (most frugal), the likely and the largest chip; a density falls from low to
        high.
    unit : str
        Such as ``"um2"``, ``"F2"`` (squares of the feature size), ``"J"``.
    scaling : {"feature", "analog", "none"}
        ``feature``: value F^2; ``analog``: value (node / reference node)^a; ``none``: as it stands.
    source : str
        Never empty.
    status : {"measured", "published", "secondary", "assumed"}
        ``secondary`` is a paper's number read in somebody else's code.

    Raises
    ------
    InvalidValue
        A missing source, a negative or infinite value, a typical value outside low to high, an unknown word.
    """

    name: str
    low: float
    typical: float
    high: float
    unit: str
    scaling: str
    source: str
    status: str

    def __post_init__(self) -> None:
        if not isinstance(self.source, str) or not self.source.strip():
            raise InvalidValue(f"parameter `{self.name}` must have a source, but has none: say where it is from")
        for point in POINTS:
            value = getattr(self, point)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise InvalidValue(f"`{point}` of parameter `{self.name}` must be a number >= 0, but got {value!r}")
        if not min(self.low, self.high) <= self.typical <= max(self.low, self.high):
            raise InvalidValue(
                f"`typical` of parameter `{self.name}` must lie between `low` and `high`, but got "
                f"{self.low:g}, {self.typical:g}, {self.high:g}"
            )
        _check_word(self.name, "scaling", self.scaling, SCALINGS)
        _check_word(self.name, "status", self.status, STATUSES)

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return `count` values (count,): log-triangular about `typical`, or triangular where an end is zero."""
        low, high = sorted((self.low, self.high))
        if low == high:
            return np.full(count, float(low))
        if low == 0:
            return rng.triangular(low, self.typical, high, count)
        return np.exp(rng.triangular(math.log(low), math.log(self.typical), math.log(high), count))


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
        nodes = tuple(tables.pop("nodes", {}).get("known", self.nodes))
        parameters = {name: _parameter(name, entry, path) for name, entry in tables.items()}
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
        A parameter without a source, with a negative value, or that nothing uses.
    """
    parameters: dict[str, Parameter] = {}
    nodes: tuple[int, ...] = ()
    folder = resources.files("data").joinpath("technology")
    for name in ("area.toml", "energy.toml"):
        tables = tomllib.loads(folder.joinpath(name).read_text(encoding="utf-8"))
        nodes = tuple(tables.pop("nodes", {}).get("known", nodes))
        parameters |= {key: _parameter(key, entry, name) for key, entry in tables.items()}
    shipped = Technology(parameters=parameters, nodes=nodes)
    return shipped if override is None else shipped.overridden(Path(override))


def read_tables(path: Path) -> dict[str, dict]:
    """Return the tables of a TOML file."""
    if not path.is_file():
        raise MissingFile(f"no technology file at {path}")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorruptFile(f"{path} must be a TOML file, but: {error}") from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise CorruptFile(f"`{name}` in {path} must be a table with {', '.join(_FIELDS)}, but got {table!r}")
    return tables


def _parameter(name: str, entry: Mapping, path: str | Path) -> Parameter:
    for key in entry:
        if key not in _FIELDS:
            raise unknown_name(f"field of parameter `{name}` in {path}:", key, _FIELDS)
    if "source" not in entry:
        raise InvalidValue(f"parameter `{name}` in {path} must have a source, but has none: say where it is from")
    missing = [key for key in _FIELDS if key not in entry]
    if missing:
        raise InvalidValue(f"parameter `{name}` in {path} lacks {', '.join(missing)}: give {', '.join(_FIELDS)}")
    return Parameter(name=name, **entry)


def _both_areas(one: Parameter, other: Parameter) -> bool:
    return one.unit in _TO_UM2 and other.unit in _TO_UM2 and (one.scaling == "feature") == (one.unit == "F2")


def _check_word(name: str, key: str, word: str, known: Iterable[str]) -> None:
    if word not in known:
        raise InvalidValue(f"`{key}` of parameter `{name}` must be one of {', '.join(known)}, but got {word!r}")
