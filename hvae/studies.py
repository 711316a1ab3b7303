"""Studies: what devices do to a model, as a grid of settings x seeds x models beside the ideal runs.

A study is a TOML file::

    title = "Read noise and levels"
    models = ["tdh-vae"]
    seeds = [0, 1, 2]
    [base]                       # keys of every run, the ideal ones too
    "data.image_size" = 14
    [chip]                       # keys of every run on a chip
    "array.device" = "epiram"
    [grid]                       # all combinations
    "array.read_noise" = [0.0, 0.002, 0.01]
    "array.adc_bits" = [6, 8, 10]
    [curves]                     # one at a time, the others as [chip] says
    "array.up_down" = [0.0, 0.1, 0.2, 0.4, 0.8]
    [[variants]]                 # named sets of keys
    name = "ECRAM"
    "array.device" = "ecram"
    [inference]                  # optional: program this trained run and score it, instead of training
    run = "runs/tdh"

Every cell is a run folder of its own under OUT/cells; what is finished there is never done again.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossbar.errors import CorruptFile, InvalidValue, MissingFile, unknown_name
from hvae import config_file
from hvae.config import RunConfig
from hvae.onchip import for_array

KEYS = ("title", "models", "seeds", "split", "images", "base", "chip", "grid", "curves", "variants", "inference")
IDEAL_LABEL = "ideal"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One run of a study.

    Attributes
    ----------
    label : str
        What is special about it; ``ideal`` for a run without a chip.
    model : str
    seed : int
    changes : dict of str to value
        Keys of the configuration.
    axes : dict of str to value
        The keys among them that the study varies.
    kind : {"ideal", "grid", "curve", "variant"}
    """

    label: str
    model: str
    seed: int
    changes: dict[str, Any]
    axes: dict[str, Any] = field(default_factory=dict)
    kind: str = "variant"

    @property
    def name(self) -> str:
        """The name of its folder: readable, and different for different changes."""
        digest = hashlib.sha256(json.dumps([self.model, self.seed, self.changes], sort_keys=True).encode()).hexdigest()
        plain = re.sub(r"[^a-z0-9.]+", "-", self.label.lower()).strip("-")[:48]
        return f"{plain}-{self.model}-s{self.seed}-{digest[:8]}"

    def config(self) -> RunConfig:
        """Return the resolved configuration of its run."""
        overrides = [f"{key}={json.dumps(value)}" for key, value in self.changes.items()]
        return for_array(config_file.resolve(self.model, [], [*overrides, f"training.seed={self.seed}"]))


@dataclass(frozen=True, kw_only=True)
class Study:
    """What a study file says.

    Attributes
    ----------
    title : str
    models, seeds : list
    split : str
        What is scored: ``validation`` unless the file says ``test``.
    images : int or None
        Generated images a score; as many as the split has if None.
    base, chip : dict
    grid, curves : dict of str to list
    variants : list of dict
    inference : str or None
        A trained run to program and score.
    """

    title: str
    models: list[str]
    seeds: list[int]
    split: str = "validation"
    images: int | None = None
    base: dict[str, Any] = field(default_factory=dict)
    chip: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, list[Any]] = field(default_factory=dict)
    curves: dict[str, list[Any]] = field(default_factory=dict)
    variants: list[dict[str, Any]] = field(default_factory=list)
    inference: str | None = None

    def __post_init__(self) -> None:
        if self.split not in {"validation", "test"}:
            raise unknown_name("split", self.split, ("validation", "test"))
        for name, axes in (("grid", self.grid), ("curves", self.curves)):
            for key, values in axes.items():
                if not isinstance(values, list) or not values:
                    raise InvalidValue(f"`{name}.{key}` must be a list of values, but got {values!r}")
        if not (self.grid or self.curves or self.variants):
            raise InvalidValue("a study needs [grid], [curves] or [[variants]]; see examples/study-devices.toml")

    def cells(self) -> list[Cell]:
        """Return all runs, the ideal ones first; equal ones once.

        Raises
        ------
        InvalidValue, UnknownName
            A key or value that no run can have.
        """
        found: dict[str, Cell] = {}
        for model, seed in itertools.product(self.models, self.seeds):
            for cell in self._of(model, seed):
                found.setdefault(cell.name, cell)
        for cell in found.values():
            cell.config()
        return sorted(found.values(), key=lambda cell: cell.kind != "ideal")

    def _of(self, model: str, seed: int) -> Iterable[Cell]:
        yield Cell(label=IDEAL_LABEL, model=model, seed=seed, changes=dict(self.base), kind="ideal")
        common = self.base | self.chip
        for variant in self.variants:
            own = {key: value for key, value in variant.items() if key != "name"}
            yield Cell(
                label=str(variant.get("name", short(own))), model=model, seed=seed, changes=common | own, axes=own
            )
        for values in itertools.product(*self.grid.values()) if self.grid else ():
            own = dict(zip(self.grid, values, strict=True))
            yield Cell(label=short(own), model=model, seed=seed, changes=common | own, axes=own, kind="grid")
        for key, points in self.curves.items():
            for value in points:
                own = {key: value}
                yield Cell(label=short(own), model=model, seed=seed, changes=common | own, axes=own, kind="curve")


def load(path: Path) -> Study:
    """Return the study in the TOML file at `path`.

    Raises
    ------
    MissingFile, CorruptFile, UnknownName, InvalidValue
        No file, no TOML, an unknown key, nothing to vary.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFile(f"no study at {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorruptFile(f"{path} is no valid TOML: {error}") from error
    for key in tables:
        if key not in KEYS:
            raise unknown_name("key of a study", key, KEYS)
    flat = {name: flattened(tables.get(name, {})) for name in ("base", "chip", "grid", "curves")}
    run = tables.get("inference", {}).get("run")
    return Study(
        title=tables.get("title", path.stem),
        models=tables.get("models", ["tdh-vae"]),
        seeds=tables.get("seeds", [0]),
        split=tables.get("split", "validation"),
        images=tables.get("images"),
        variants=[flattened(variant) for variant in tables.get("variants", [])],
        inference=None if run is None else str((path.parent / run).resolve()),
        **flat,
    )


def flattened(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a table of tables as one with dotted keys.

    >>> flattened({"data": {"image_size": 14}, "model.hidden": 32})
    {'data.image_size': 14, 'model.hidden': 32}
    """
    found: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            found |= flattened(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def short(changes: Mapping[str, Any]) -> str:
    """Return changes as a label, such as ``read_noise 0.01, adc_bits 8``."""
    return ", ".join(f"{key.removeprefix('array.')} {value}" for key, value in changes.items())
