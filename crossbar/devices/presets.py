"""Named devices: a law with its numbers, in SI units, each number with its unit and source.

The shipped ones are data/devices/*.toml; a user's own is the same kind of file, named by its path::

    title = "My oxide"
    law = "soft-bounds"
    [sources]
    lab = "Measured on wafer 7, June 2026"
    [parameters]
    dw_min = { value = 0.002, unit = "weight", source = "lab" }
    w_max = 1.0                                     # a bare number is taken to be the user's own
    [conductance]
    g_max = { value = 1e-5, unit = "S", source = "lab" }
    g_min = { value = 1e-6, unit = "S", source = "lab" }
    [pulse]                                         # optional: without it pulses have no energy
    v_up = { value = 1.5, unit = "V", source = "lab" }
    t_up = { value = 1e-7, unit = "s", source = "lab" }
    v_down = { value = -1.5, unit = "V", source = "lab" }
    t_down = { value = 1e-7, unit = "s", source = "lab" }
    [array]                                         # optional: how arrays of it are made, unless they say otherwise
    mapping = "reference"                           # or "pair"
    reference = "symmetry-point"                    # or "zero"; reference_error: fraction of the range
    refresh_every = 1                               # updates; pairs above `refresh_above`, `refresh_other` of the range
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossbar import shipped
from crossbar.devices.law import PulsedLaw, law
from crossbar.devices.mapping import MAPPINGS, REFERENCES
from crossbar.errors import CorruptFile, InvalidValue, MissingFile, UnknownName, unknown_name

SECTIONS = ("parameters", "conductance", "pulse", "array")
REQUIRED = {"conductance": ("g_max", "g_min")}
ARRAY = (
    "mapping", "reference", "reference_error",
    "refresh_every", "refresh_above", "refresh_other", "refresh_tolerance",
)  # fmt: skip
PULSE = {"v_up": "V", "t_up": "s", "v_down": "V", "t_down": "s"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """A number with its unit and the text of its source."""

    value: Any
    unit: str
    source: str

    @property
    def assumed(self) -> bool:
        """Whether nobody measured it."""
        return self.source.startswith("Not given")


@dataclass(frozen=True, kw_only=True, slots=True)
class Refresh:
    """When the pairs of an array that learns are written anew, because both of their devices have moved up.

    Attributes
    ----------
    every : int
        Updates from one refresh to the next; 0: never.
    above, other : float
        Shares of the range that the larger and the smaller device of a pair must both exceed.
    tolerance : float
        Of the write-verify that writes them, as a fraction of the range.

    Raises
    ------
    InvalidValue
        No whole number of updates, or shares outside (0, 1).
    """

    every: int
    above: float = 0.75
    other: float = 0.25
    tolerance: float = 0.05

    def __post_init__(self) -> None:
        if isinstance(self.every, bool) or int(self.every) != self.every or self.every < 0:
            raise InvalidValue(f"`refresh_every` must be a whole number of updates, zero or more, but got {self.every}")
        for name in ("above", "other", "tolerance"):
            if not 0 < getattr(self, name) < 1:
                raise InvalidValue(f"`refresh_{name}` is a share of the range in (0, 1), but got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """A device: its law in weight units, and what ties those to siemens, volts and seconds.

    Attributes
    ----------
    name, title : str
    law : PulsedLaw
    g_min, g_max : float
        Siemens of the law's nominal bounds `w_min` and `w_max`.
    quantities : dict of str to dict of str to Quantity
        Every number of the file by section (`parameters`, `conductance`, `pulse`, `array`).
    sources : dict of str to str
        The texts of the file's sources by key.
    mapping, reference : str or None
        How its arrays are made, where they do not say (see `crossbar.arrays.config`); None: as others.
    reference_error : float
    refresh : Refresh or None
    """

    name: str
    title: str
    law: PulsedLaw
    g_min: float
    g_max: float
    quantities: Mapping[str, Mapping[str, Quantity]]
    sources: Mapping[str, str]
    mapping: str | None = None
    reference: str | None = None
    reference_error: float = 0.0
    refresh: Refresh | None = None

    def __post_init__(self) -> None:
        if not self.g_max > self.g_min:
            raise InvalidValue(
                f"`g_max` must exceed `g_min`, but got g_max={self.g_max} S and g_min={self.g_min} S in {self.name!r}"
            )
        if self.g_min < 0:
            raise InvalidValue(f"`g_min` must not be negative, but got {self.g_min} S in {self.name!r}")

    @property
    def siemens_per_weight(self) -> float:
        """Conductance of one weight unit."""
        return (self.g_max - self.g_min) / (self.law.w_max - self.law.w_min)

    def siemens(self, weights: np.ndarray | float) -> np.ndarray | float:
        """Return conductances: g_min + (w - w_min) (g_max - g_min) / (w_max - w_min).

        The bounds are the nominal ones, so a device whose own bounds are wider may pass g_min or g_max.
        """
        return self.g_min + (weights - self.law.w_min) * self.siemens_per_weight

    def weights(self, siemens: np.ndarray | float) -> np.ndarray | float:
        """Return weights: the inverse of `siemens`."""
        return self.law.w_min + (siemens - self.g_min) / self.siemens_per_weight

    def number(self, section: str, name: str) -> float | None:
        """Return a number of the file, or None where it has none."""
        found = self.quantities.get(section, {}).get(name)
        return None if found is None else float(found.value)


def names() -> list[str]:
    """Return the names of the shipped presets."""
    return sorted(file.name.removesuffix(".toml") for file in folder().iterdir() if file.name.endswith(".toml"))


def folder() -> Any:
    """Return the folder of the shipped presets, in a checkout or an installed wheel."""
    return shipped.folder() / "devices"


def load(name: str | Path) -> Preset:
    """Return the preset `name` (case and signs do not matter: `EpiRAM`), or the one in the TOML file at that path.

    Raises
    ------
    UnknownName
        No such preset; the nearest is suggested.
    MissingFile
        No such file.
    CorruptFile
        Not a TOML file, or a section or source is missing.
    InvalidValue, UnknownName
        Numbers that cannot be meant, or parameters that the law does not have.
    """
    shipped = {plain(known): known for known in names()}
    known = shipped.get(plain(str(name)))
    if isinstance(name, str) and known is not None:
        return parse(known, (folder() / f"{known}.toml").read_text(encoding="utf-8"))
    path = Path(name)
    if not path.is_file():
        if isinstance(name, Path) or name.endswith(".toml"):
            raise MissingFile(f"no device file {str(path)!r}")
        raise unknown_name("device", name, names())
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CorruptFile(f"the device file {str(path)!r} is no text file: {error}") from error
    return parse(path.stem, text)


def device(name: str) -> Preset | PulsedLaw:
    """Return the bare law `name` at its defaults, such as `soft-bounds`, or else the preset or file `name` (`load`)."""
    try:
        return law(name)
    except UnknownName:
        return load(name)


def plain(name: str) -> str:
    """Return `name` in small letters and digits only, so that `Ag:a-Si` and `ag-a-si` agree."""
    return "".join(character for character in name.lower() if character.isalnum())


def parse(name: str, text: str) -> Preset:
    """Return the preset that `text`, TOML, describes."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CorruptFile(f"the device file of {name!r} is no valid TOML: {error}") from error
    unknown = set(table) - {"title", "law", "sources", *SECTIONS}
    if unknown:
        raise unknown_name(
            f"section of the device {name!r}", sorted(unknown)[0], ["title", "law", "sources", *SECTIONS]
        )
    if "law" not in table:
        raise CorruptFile(f"the device file of {name!r} must name its `law`")
    check_kinds(name, table)
    sources = table.get("sources", {})
    quantities = {
        section: {
            key: quantity(f"{section}.{key} of {name!r}", entry, sources) for key, entry in table[section].items()
        }
        for section in SECTIONS
        if section in table
    }
    for section, required in REQUIRED.items():
        for key in required:
            if key not in quantities.get(section, {}):
                raise CorruptFile(f"the device file of {name!r} must give `{key}` in [{section}]")
    for section, known in (("conductance", REQUIRED["conductance"]), ("pulse", tuple(PULSE)), ("array", ARRAY)):
        for key in quantities.get(section, {}):
            if key not in known:
                raise unknown_name(f"key of [{section}] of the device {name!r}", key, known)
    check_pulse(name, quantities.get("pulse", {}))
    conductance: dict[str, Any] = {
        key: number(f"{key} of {name!r}", quantities["conductance"][key]) for key in REQUIRED["conductance"]
    }
    parameters = {key: entry.value for key, entry in quantities.get("parameters", {}).items()}
    return Preset(
        name=name, title=table.get("title", name), law=law(table["law"], **parameters), quantities=quantities,
        sources=sources, **conductance, **array_of(name, quantities.get("array", {})),
    )  # fmt: skip


def array_of(name: str, entries: Mapping[str, Quantity]) -> dict[str, Any]:
    """Return what [array] says of the arrays of a device.

    Raises
    ------
    UnknownName, InvalidValue
        A mapping or reference that does not exist; a number that cannot be meant.
    """
    for key, known in (("mapping", MAPPINGS), ("reference", REFERENCES)):
        if key in entries and entries[key].value not in known:
            raise unknown_name(f"{key} of the device {name!r}", str(entries[key].value), known)
    told: dict[str, Any] = {
        key: entry.value if key in {"mapping", "reference"} else number(f"{key} of {name!r}", entry)
        for key, entry in entries.items()
    }
    refresh = {key.removeprefix("refresh_"): told.pop(key) for key in tuple(told) if key.startswith("refresh_")}
    if refresh and "every" not in refresh:
        raise CorruptFile(f"the device file of {name!r} must give `refresh_every` beside the other keys of a refresh")
    if told.get("reference_error", 0) < 0:
        raise InvalidValue(f"`reference_error` of {name!r} must not be negative, but got {told['reference_error']}")
    return told | ({"refresh": Refresh(**refresh)} if refresh else {})


def check_kinds(name: str, table: Mapping[str, Any]) -> None:
    """Raise `CorruptFile` unless title, law and sources are texts, and all else is sections."""
    sections = {key: value for key, value in table.items() if key not in ("title", "law")}
    for key, value in sections.items():
        if not isinstance(value, dict):
            raise CorruptFile(f"`{key}` in the device file of {name!r} must be a section [{key}], but is {value!r}")
    texts = {key: table[key] for key in ("title", "law") if key in table} | sections.get("sources", {})
    for key, value in texts.items():
        if not isinstance(value, str):
            raise CorruptFile(f"`{key}` in the device file of {name!r} must be a text in quotes, but is {value!r}")


def quantity(what: str, entry: Any, sources: Mapping[str, str]) -> Quantity:
    """Return the quantity that a TOML entry tells; a bare value is the user's own.

    Raises
    ------
    CorruptFile
        A table without value, unit and source, or a source that is not listed.
    """
    if not isinstance(entry, dict):
        return Quantity(value=entry, unit="", source="the user's own")
    if set(entry) != {"value", "unit", "source"}:
        raise CorruptFile(f"`{what}` must have value, unit and source, but has {sorted(entry)}")
    if not isinstance(entry["unit"], str):
        raise CorruptFile(f"the unit of `{what}` must be a text in quotes, but is {entry['unit']!r}")
    if not isinstance(entry["source"], str) or entry["source"] not in sources:
        raise CorruptFile(f"`{what}` names the source {entry['source']!r}, which [sources] does not list")
    return Quantity(value=entry["value"], unit=entry["unit"], source=sources[entry["source"]])


def number(what: str, entry: Quantity) -> float:
    """Return a finite number."""
    if isinstance(entry.value, bool) or not isinstance(entry.value, int | float) or not np.isfinite(entry.value):
        raise InvalidValue(f"`{what}` must be a finite number, but got {entry.value!r}")
    return float(entry.value)


def check_pulse(name: str, pulse: Mapping[str, Quantity]) -> None:
    """Raise an error unless [pulse] is empty or tells voltages and positive widths of both directions."""
    if not pulse:
        return
    for key in PULSE:
        if key not in pulse:
            raise CorruptFile(f"the device file of {name!r} must give `{key}` in [pulse], or have no [pulse]")
        value = number(f"{key} of {name!r}", pulse[key])
        if key.startswith("t_") and value <= 0:
            raise InvalidValue(f"`{key}` of {name!r} is the width of a pulse and must be positive, but got {value} s")
