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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter

from crossbar.errors import InvalidValue, unknown_name
from hvae.config import plan_file, toml_file
from hvae.config.plan_file import Value
from hvae.config.run import RunConfig
from hvae.onchip.chip import for_array

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
    source : str or None
        A trained run that is programmed, instead of training.
    """

    label: str
    model: str
    seed: int
    changes: dict[str, Any]
    axes: dict[str, Any] = field(default_factory=dict)
    kind: str = "variant"
    source: str | None = None

    @property
    def name(self) -> str:
        """The name of its folder: readable, and different for what is trained or programmed differently."""
        made = [self.model, self.seed, self.changes, *([] if self.source is None else [self.source])]
        digest = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()
        plain = re.sub(r"[^a-z0-9.]+", "-", self.label.lower()).strip("-")[:48]
        return f"{plain}-{self.model}-s{self.seed}-{digest[:8]}"

    def config(self) -> RunConfig:
        """Return the resolved configuration of its run."""
        overrides = [f"{key}={json.dumps(value)}" for key, value in self.changes.items()]
        return for_array(toml_file.resolve(self.model, [], [*overrides, f"training.seed={self.seed}"]))


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


_FLAT = BeforeValidator(lambda table: flattened(table) if isinstance(table, Mapping) else table)
Settings = Annotated[dict[str, Value], _FLAT]
Axes = Annotated[dict[str, Annotated[list[Value], Field(min_length=1)]], _FLAT]


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
        Generated images a score, four at least; as many as the split has if None.
    base, chip : dict
    grid, curves : dict of str to list
    variants : list of dict
    inference : str or None
        A trained run to program and score; then every key is one of the array's.
    """

    title: str
    models: Annotated[list[str], Field(min_length=1)]
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    split: str = "validation"
    images: Annotated[int, Field(ge=4)] | None = None
    base: Settings = field(default_factory=dict)
    chip: Settings = field(default_factory=dict)
    grid: Axes = field(default_factory=dict)
    curves: Axes = field(default_factory=dict)
    variants: list[Settings] = field(default_factory=list)
    inference: str | None = None

    def __post_init__(self) -> None:
        if self.split not in {"validation", "test"}:
            raise unknown_name("split", self.split, ("validation", "test"))
        if not (self.grid or self.curves or self.variants):
            raise InvalidValue("a study needs [grid], [curves] or [[variants]]; see examples/study-devices.toml")
        for key in self._keys() if self.inference is not None else ():
            if not key.startswith("array."):
                raise InvalidValue(
                    f"`{key}` is the trained run's own, and a study of its [inference] varies its array alone: "
                    "leave it out, or train the cells instead"
                )

    def _keys(self) -> list[str]:
        own = [key for variant in self.variants for key in variant if key != "name"]
        return [*self.base, *self.chip, *self.grid, *self.curves, *own]

    def cells(self) -> list[Cell]:
        """Return all runs, the ideal ones first; equal ones once.

        Raises
        ------
        InvalidValue, UnknownName
            A key or value that no run can have; one label for different settings.
        """
        found: dict[str, Cell] = {}
        labelled: dict[tuple[str, str, int], str] = {}
        for cell in itertools.chain.from_iterable(self._parts()):
            found.setdefault(cell.name, cell)
            if labelled.setdefault((cell.label, cell.model, cell.seed), cell.name) != cell.name:
                raise InvalidValue(
                    f"two different settings are both labelled {cell.label!r}: give each a `name` of its own"
                )
        for cell in found.values():
            cell.config()
        return sorted(found.values(), key=self._place)

    def _place(self, cell: Cell) -> tuple[bool, int, int]:
        return cell.kind != "ideal", self.models.index(cell.model), self.seeds.index(cell.seed)

    def _parts(self) -> Iterable[list[Cell]]:
        yield self._made([(IDEAL_LABEL, {})], "ideal", {})
        own = [{key: value for key, value in one.items() if key != "name"} for one in self.variants]
        named = [(str(one.get("name", short(keys))), keys) for one, keys in zip(self.variants, own, strict=True)]
        yield self._made(named, "variant", self.chip)
        yield self.grid_cells()
        for key in self.curves:
            yield self.curve_cells(key)

    def grid_cells(self) -> list[Cell]:
        """Return the runs of the grid; one of them may be another part's too."""
        points = itertools.product(*self.grid.values()) if self.grid else ()
        own = [dict(zip(self.grid, values, strict=True)) for values in points]
        return self._made([(short(keys), keys) for keys in own], "grid", self.chip)

    def curve_cells(self, key: str) -> list[Cell]:
        """Return the runs of the curve over `key`; one of them may be another part's too."""
        return self._made([(short({key: value}), {key: value}) for value in self.curves[key]], "curve", self.chip)

    def _made(self, named: Iterable[tuple[str, dict[str, Any]]], kind: str, chip: dict[str, Any]) -> list[Cell]:
        """Return the cells of the settings in `named`, by label, for every model and seed."""
        settings = list(named)
        return [
            Cell(
                label=label, model=model, seed=seed, changes=self.base | chip | own, axes=own, kind=kind,
                source=self.inference,
            )
            for model, seed in itertools.product(self.models, self.seeds)
            for label, own in settings
        ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Inference:
    """The table [inference]."""

    run: str


_ADAPTER, _INFERENCE = TypeAdapter(Study), TypeAdapter(_Inference)


def load(path: Path) -> Study:
    """Return the study in the TOML file at `path`.

    Raises
    ------
    MissingFile, CorruptFile, UnknownName, InvalidValue
        No file, no TOML, an unknown key, a value of the wrong type, nothing to vary.
    """
    tables = plan_file.read(path, f"no study at {path}; examples are in examples/study-*.toml")
    plan_file.known("key of a study", tables, KEYS)
    plan_file.known("key of [inference]", tables.get("inference"), ("run",))
    given = {"title": path.stem, "models": ["tdh-vae"], "seeds": [0]} | tables
    if "inference" in tables:
        inference = plan_file.check(_INFERENCE, tables["inference"], f"{path}: [inference]")
        given["inference"] = str((path.parent / inference.run).resolve())
    return plan_file.check(_ADAPTER, given, str(path))


def short(changes: Mapping[str, Any]) -> str:
    """Return changes as a label, such as ``read_noise 0.01, adc_bits 8``."""
    return ", ".join(f"{key.removeprefix('array.')} {value}" for key, value in changes.items())
