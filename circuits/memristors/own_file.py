"""The file that describes a memristor of one's own: TOML beside the SPICE text that it names."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from circuits.memristors import subcircuit
from circuits.memristors.own import OwnSubcircuit
from crossbar import input_files, shipped
from crossbar.errors import InvalidValue, MissingFile, unknown_name

Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class _Memristor(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    spice: str
    subcircuit: str | None = None
    state: Name
    start: Finite = Field(alias="from")
    end: Finite = Field(alias="to")
    scale: Literal["linear", "logarithmic"] = "linear"
    read_voltage: Annotated[float, Field(gt=0, le=10)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    memristor: _Memristor
    parameters: dict[Name, Finite] = {}


def load(path: str | Path) -> OwnSubcircuit:
    """Return the memristor that the TOML file at `path` describes; its SPICE text lies in the same folder or below.

    | key of `[memristor]` | what it is |
    |---|---|
    | `spice` | the file with the subcircuit |
    | `subcircuit` | which one, where it has several |
    | `state`, `from`, `to` | the parameter that sets the state, and its range |
    | `scale` | `linear` (default) or `logarithmic`: how states are spread |
    | `read_voltage` | volts |

    `[parameters]` gives the subcircuit's other parameters other values than their own.

    Raises
    ------
    MissingFile, CorruptFile
        There is no such file, or it is no TOML.
    InvalidValue
        A field that is missing, unknown or of another kind; a path that leaves the folder; text that is refused
        (`circuits.memristors.subcircuit.read`); equal ends; a logarithmic range that is not positive.
    UnknownName
        A parameter or subcircuit that the text does not have.
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
    try:
        text = subcircuit.read(_text(path, told.spice))
        chosen = text.chosen(told.subcircuit)
    except InvalidValue as error:
        raise InvalidValue(f"{path.parent / told.spice}: {error}") from None
    for name in (told.state, *found.parameters):
        if name.lower() not in chosen.parameters:
            raise unknown_name(f"parameter of subcircuit {chosen.name}", name, chosen.parameters)
    if told.state.lower() in {name.lower() for name in found.parameters}:
        raise InvalidValue(f"{path}: {told.state} is the state, so that [parameters] cannot set it")
    _check_range(path, told)
    return OwnSubcircuit(
        name=path.stem, subcircuits=text, memristor=chosen.name, state=told.state.lower(),
        states=(told.start, told.end), logarithmic=told.scale == "logarithmic", read_voltage=told.read_voltage,
        parameters=tuple((name.lower(), value) for name, value in found.parameters.items()),
    )  # fmt: skip


def shipped_names() -> list[str]:
    """Return the names of the memristors that come with Hopbar as files of this kind.

    Examples
    --------
    >>> shipped_names()
    ['jart-vcm-1b']
    """
    return sorted(path.stem for path in (shipped.folder() / "memristors").glob("*.toml"))


def _text(path: Path, name: str) -> str:
    """Return the SPICE text; a file outside the folder is not read, whatever leads to it."""
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
