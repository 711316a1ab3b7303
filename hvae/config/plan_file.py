"""Files that say what to train (studies, sweeps, rows of a table): TOML, read and checked before the first run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from crossbar import input_files
from crossbar.errors import HopbarError, InvalidValue, unknown_name

Value = bool | int | float | str
"""What a key of a configuration may hold."""

T = TypeVar("T")


def read(path: Path, missing: str) -> dict[str, Any]:
    """Return the tables of the TOML file at `path`.

    Raises
    ------
    MissingFile, CorruptFile
        There is no file, which `missing` tells; it is no TOML.
    """
    return input_files.toml(path, missing)


def strictly(adapter: TypeAdapter[T], tables: Any) -> T:
    """Return what `adapter` makes of `tables` without guessing: no number from a truth value or a text.

    In pydantic's strict mode only JSON may tell a dataclass by a table, so that `tables` go through JSON.

    Raises
    ------
    pydantic.ValidationError
        A value has the wrong type, or cannot be meant.
    """
    return adapter.validate_json(json.dumps(tables, default=_date), strict=True)


def _date(value: object) -> list[list[str]]:
    """Return what stands in JSON for TOML's dates and times: no key takes such a list, so that the key is named."""
    return [[str(value)]]


def check(adapter: TypeAdapter[T], tables: Any, place: str) -> T:
    """Return what `adapter` makes of `tables`, or say which key at `place` (a file, a table in it) is wrong.

    Raises
    ------
    InvalidValue
        A value has the wrong type, or cannot be meant.
    """
    try:
        return strictly(adapter, tables)
    except ValidationError as error:
        first = error.errors()[0]
        key = "".join(f": `{key}`" for key in [".".join(str(part) for part in first["loc"])] if key)
        original = first.get("ctx", {}).get("error")
        wanted = "must be a table of keys" if first["type"] in {"dict_type", "dataclass_type"} else first["msg"]
        message = str(original) if isinstance(original, HopbarError) else f"{wanted}, but got {first['input']!r}"
        raise InvalidValue(f"{place}{key}: {message}") from None


def known(kind: str, names: Any, allowed: Iterable[str]) -> None:
    """Refuse the first of `names` (the keys of a table, if it is one) that is not `allowed`.

    Raises
    ------
    UnknownName
    """
    for name in names if isinstance(names, dict) else ():
        if name not in allowed:
            raise unknown_name(kind, name, allowed)
