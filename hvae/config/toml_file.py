"""A run's configuration as TOML: read, overridden key by key, checked, and written back resolved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from crossbar import input_files
from crossbar.errors import CorruptFile, HopbarError, InvalidValue, unknown_name
from hvae.config import plan_file
from hvae.config.aware import AwareSettings
from hvae.config.neurons import NeuronSettings
from hvae.config.own_images import looked_up
from hvae.config.run import RunConfig, table_3

_ADAPTER = TypeAdapter(RunConfig)


def resolve(
    model: str, changes: Iterable[Path | Mapping[str, Any]] = (), overrides: Iterable[str] = ()
) -> RunConfig:
    """Return the run of `model`: Table 3's values, then each of `changes`, files or tables, then each `key=value`.

    Raises
    ------
    UnknownName, InvalidValue
        An unknown model or key, a value of the wrong type or out of its range.
    MissingFile, CorruptFile
        A file that is not there, or is no TOML.

    Images of one's own are looked up, and the neurons of a chip: their shape and their sums are in what is returned.
    """
    tables = asdict(table_3(model))
    for change in changes:
        merge(tables, change if isinstance(change, Mapping) else _read(change))
    for override in overrides:
        set_key(tables, override)
    if tables["model"]["name"] != model:
        raise InvalidValue(f"the config is for {tables['model']['name']!r}, but the command asks for {model!r}")
    config = check(tables)
    return replace(config, data=looked_up(config.data), neurons=config.neurons.looked_up())


def changed(config: RunConfig, overrides: Iterable[str]) -> RunConfig:
    """Return `config` with each `key=value` of `overrides`."""
    tables = asdict(config)
    for override in overrides:
        set_key(tables, override)
    return check(tables)


def check(tables: Mapping[str, Any]) -> RunConfig:
    """Return the configuration in `tables`, or say which of its keys is wrong."""
    try:
        return plan_file.strictly(_ADAPTER, tables)
    except ValidationError as error:
        first = error.errors()[0]
        original = first.get("ctx", {}).get("error")
        if isinstance(original, HopbarError):
            raise original from None
        key = ".".join(str(part) for part in first["loc"])
        raise InvalidValue(f"`{key}`: {first['msg']}, but got {first['input']!r}") from None


def load(path: Path) -> RunConfig:
    """Return the configuration that a run folder keeps in `path`."""
    return check(_read(path))


def loads(text: str, place: str) -> RunConfig:
    """Return the configuration in `text`, TOML as `dump` writes it, which lies at `place`."""
    return check(input_files.toml_text(text, place))


def differences(one: RunConfig, other: RunConfig) -> list[tuple[str, Any, Any]]:
    """Return (`table.key`, value, value) of every key in which two configurations differ.

    Neurons of a chip are the same wherever its file is, as long as their sums are.
    """
    before, after = asdict(one), asdict(other)
    moved = one.neurons.checksum is not None and one.neurons.checksum == other.neurons.checksum
    return [
        (f"{table}.{key}", value, after[table][key])
        for table, keys in before.items()
        for key, value in keys.items()
        if after[table][key] != value and not (moved and (table, key) == ("neurons", "chip"))
    ]


def refuse_difference(began: RunConfig, now: RunConfig, path: Path) -> None:
    """Raise `InvalidValue` where the configuration `now`, in the file at `path`, is not what the run `began` with."""
    changes = [f"{key} (was {value!r}, is {other!r})" for key, value, other in differences(began, now)]
    if changes:
        raise InvalidValue(
            f"{path} was changed since the run's last checkpoint: {', '.join(changes)}; put it back, or train "
            "another run"
        )


def dump(config: RunConfig) -> str:
    """Return `config` as TOML, every key resolved; keys without a value are left out.

    Examples
    --------
    >>> from hvae.config.run import table_3
    >>> print(dump(table_3("h-vae")).splitlines()[1])
    name = "h-vae"
    """
    tables = asdict(config)
    if config.array.device is None:
        del tables["array"]  # an ideal run has no chip
    if config.neurons == NeuronSettings():
        del tables["neurons"]
    if config.aware == AwareSettings():
        del tables["aware"]
    return written(tables)


def written(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return `tables` as TOML; keys without a value are left out."""
    lines: list[str] = []
    for table, values in tables.items():
        lines.append(f"[{table}]")
        lines += [f"{key} = {_literal(value)}" for key, value in values.items() if value is not None]
        lines.append("")
    return "\n".join(lines)


def _read(path: Path) -> dict[str, Any]:
    return input_files.toml(Path(path), f"no config file at {path}")


def merge(tables: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Put the `changes` of a configuration, by table and key, into its `tables`."""
    for table, values in changes.items():
        if table not in tables:
            raise unknown_name("table of the config", table, tables)
        if not isinstance(values, Mapping):
            raise InvalidValue(f"`{table}` must be a table of keys, but got {values!r}")
        for key, value in values.items():
            _check_key(tables, table, key)
            tables[table][key] = value


def set_key(tables: dict[str, Any], override: str) -> None:
    """Put one `table.key=value` into the `tables` of a configuration."""
    key, equals, text = override.partition("=")
    table, dot, name = key.strip().partition(".")
    if not (equals and dot):
        raise InvalidValue(f"`--set` must be table.key=value, such as model.latent=16, but got {override!r}")
    if table not in tables:
        raise unknown_name("table of the config", table, tables)
    _check_key(tables, table, name)
    tables[table][name] = _value(text, override)


def _value(text: str, override: str) -> Any:
    """Return the TOML value that `text` is, or the text itself where it is none."""
    try:
        found = input_files.toml_text(f"value = {text}", override)
    except CorruptFile:
        return text.strip()
    if found.keys() != {"value"}:
        raise InvalidValue(f"`--set` takes one table.key=value at a time, but got {override!r}: give one for each")
    return found["value"]


def _check_key(tables: Mapping[str, Any], table: str, key: str) -> None:
    if key not in tables[table]:
        raise unknown_name("key of the config", f"{table}.{key}", [f"{table}.{name}" for name in tables[table]])


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML escapes what JSON does, and DEL
    return repr(value)
