"""The file that describes a memristor of one's own: TOML beside the text that it names, in SPICE or Verilog-A."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from circuits.memristors import subcircuit, verilog
from circuits.memristors.languages import ModuleText, Parameters, SpiceText
from circuits.memristors.own import OwnDevice
from crossbar import input_files, shipped
from crossbar.errors import InvalidValue, MissingFile, unknown_name

Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class _Memristor(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    spice: str | None = None
    subcircuit: str | None = None
    verilog_a: str | None = None
    module: str | None = None
    state: Name
    start: Finite = Field(alias="from")
    end: Finite = Field(alias="to")
    scale: Literal["linear", "logarithmic"] = "linear"
    read_voltage: Annotated[float, Field(gt=0, le=10)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    memristor: _Memristor
    parameters: dict[Name, Finite] = {}


def load(path: str | Path) -> OwnDevice:
    """Return the memristor that the TOML file at `path` describes; its text lies in the same folder or below.

    | key of `[memristor]` | what it is |
    |---|---|
    | `spice` or `verilog_a` | the file with the subcircuit, or with the module |
    | `subcircuit` or `module` | which one, where it has several |
    | `state`, `from`, `to` | the parameter that sets the state, and its range |
    | `scale` | `linear` (default) or `logarithmic`: how states are spread |
    | `read_voltage` | volts |

    `[parameters]` gives other parameters other values than their own. Large and small letters are the same.

    Raises
    ------
    MissingFile, CorruptFile
        There is no such file, or it is no TOML.
    InvalidValue
        A field that is missing, unknown or of another kind; both languages, or none; a path that leaves the folder;
        text that is refused (`circuits.memristors.subcircuit.read`, `circuits.memristors.verilog.read`); equal ends; a
        logarithmic range that is not positive.
    UnknownName
        A parameter, subcircuit or module that the text does not have.
    """
    path = Path(path)
    missing = f"no file at {path}: a memristor of one's own is a TOML file, see docs/your_circuit.md"
    tables = input_files.toml(path, missing)
    try:
        found = _File.model_validate(tables)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidValue(f"{path}: `{place}`: {first['msg']}") from None
    told = found.memristor
    text = _spice(path, found) if _in_spice(path, told) else _verilog_a(path, found)
    if text.state in dict(text.parameters):
        raise InvalidValue(f"{path}: {told.state} is the state, so that [parameters] cannot set it")
    _check_range(path, told)
    return OwnDevice(
        name=path.stem, text=text, states=(told.start, told.end), logarithmic=told.scale == "logarithmic",
        read_voltage=told.read_voltage,
    )  # fmt: skip


def _in_spice(path: Path, told: _Memristor) -> bool:
    """Return which language it is; what belongs to the other must not be told."""
    if (told.spice is None) == (told.verilog_a is None):
        raise InvalidValue(f"{path}: `memristor`: give either `spice`, a subcircuit, or `verilog_a`, a module")
    wrong, right = ("module", "subcircuit") if told.spice is not None else ("subcircuit", "module")
    if getattr(told, wrong) is not None:
        raise InvalidValue(f"{path}: `memristor.{wrong}` is of the other language; give `{right}`")
    return told.spice is not None


def _spice(path: Path, found: _File) -> SpiceText:
    told = found.memristor
    try:
        text = subcircuit.read(_text(path, str(told.spice)))
        chosen = text.chosen(told.subcircuit)
    except InvalidValue as error:
        raise InvalidValue(f"{path.parent / str(told.spice)}: {error}") from None
    state, values = _parameters(found, f"subcircuit {chosen.name}", chosen.parameters)
    return SpiceText(subcircuits=text, memristor=chosen.name, state=state, parameters=values)


def _verilog_a(path: Path, found: _File) -> ModuleText:
    told = found.memristor
    try:
        text = verilog.read(_text(path, str(told.verilog_a)))
        chosen = text.chosen(told.module)
    except InvalidValue as error:
        raise InvalidValue(f"{path.parent / str(told.verilog_a)}: {error}") from None
    state, values = _parameters(found, f"module {chosen.name}", chosen.parameters)
    return ModuleText(modules=text, memristor=chosen.name, state=state, parameters=values)


def _parameters(found: _File, owner: str, known: tuple[str, ...]) -> tuple[str, Parameters]:
    """Return the parameter that is the state, and the others that are given, in small letters as their `owner` has."""
    for name in (found.memristor.state, *found.parameters):
        if name.lower() not in known:
            raise unknown_name(f"parameter of {owner}", name, known)
    return found.memristor.state.lower(), tuple((name.lower(), value) for name, value in found.parameters.items())


def shipped_names() -> list[str]:
    """Return the names of the memristors that come with Hopbar as files of this kind.

    Examples
    --------
    >>> shipped_names()
    ['jart-vcm-1b', 'jart-vcm-1b-va']
    """
    return sorted(path.stem for path in (shipped.folder() / "memristors").glob("*.toml"))


def _text(path: Path, name: str) -> str:
    """Return the text; a file outside the folder is not read, whatever leads to it."""
    folder, file = path.parent.resolve(), (path.parent / name).resolve()
    if not file.is_relative_to(folder):
        raise InvalidValue("the text must lie in the folder of the TOML file, or below")
    if not file.is_file():
        raise MissingFile(f"no file at {path.parent / name}, which {path} names as its text")
    if file.stat().st_size > subcircuit.LONGEST:
        raise InvalidValue(f"a memristor's text may have {subcircuit.LONGEST:,} characters")
    return file.read_bytes().decode("utf-8-sig", "replace")


def _check_range(path: Path, told: _Memristor) -> None:
    if told.start == told.end or math.isclose(told.start, told.end):
        raise InvalidValue(f"{path}: `from` and `to` must differ, but both are {told.start:g}")
    if told.scale == "logarithmic" and min(told.start, told.end) <= 0:
        raise InvalidValue(
            f"{path}: a logarithmic scale needs `from` and `to` above 0, but got {told.start:g} and {told.end:g}"
        )
