"""The paper's Table 1 again: rows of models and variants, and the runs that they need."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from crossbar.errors import InvalidValue, unknown_name
from hvae.config import plan_file, toml_file
from hvae.config.plan_file import Value
from hvae.config.run import RunConfig, SamplingConfig, table_3
from hvae.onchip.chip import for_array
from hvae.runs.records import RunFolder

MODELS = ("f-vae", "h-vae", "dh-vae", "tdh-vae")

_FREE = {
    "data": ("name", "folder"),
    "settling": ("tolerance", "max_sweeps", "max_unsettled"),
    "nudging": ("tolerance", "max_sweeps"),
    "training": (
        "epochs", "seed", "checkpoint_seconds", "validation_samples", "eigenvalue_samples", "gradient_samples",
        "gradient_bound",
    ),
}  # fmt: skip
"""By table of the configuration, what may differ from `hvae.config.run.table_3` in a run at Table 3's values: the data
set and where it lies, how closely equilibria are found, how long is trained, and what is logged."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table: a model, what is changed of its Table 3, and where its z is drawn from."""

    label: str
    model: str
    changes: Mapping[str, Any] = field(default_factory=dict)  # by key of the configuration
    prior: str | None = None  # as `sampling.prior` of all rows says if None
    of_the_paper: bool = False  # asked for as one of the paper's four

    def config(self, shared: Iterable[str], seed: int) -> RunConfig:
        """Return the configuration of the row's run with `seed`; its own changes come after those of all rows."""
        own = [f"{key}={json.dumps(value)}" for key, value in self.changes.items()]
        prior = [] if self.prior is None else [f"sampling.prior={json.dumps(self.prior)}"]
        return for_array(toml_file.resolve(self.model, [], [*shared, *own, *prior, f"training.seed={seed}"]))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which run folder each row needs for each seed; rows that differ in the density of z alone share their runs."""

    rows: Sequence[Row]
    seeds: int
    runs: Mapping[Path, RunConfig]
    folders: Mapping[str, Sequence[Path]]  # by label of the row, in the order of seeds
    sampling: Mapping[str, SamplingConfig]  # by label: where z is drawn from
    shared: Sequence[str] = ()  # changes of all rows, as key=value


def rows_of_paper(models: Iterable[str] = MODELS) -> list[Row]:
    """Return the rows of the paper's models at Table 3's values.

    Raises
    ------
    UnknownName
        A model that is none.
    """
    for model in models:
        if model not in MODELS:
            raise unknown_name("model", model, MODELS)
    return [Row(label=model, model=model, of_the_paper=True) for model in models]


def at_table_3(config: RunConfig) -> bool:
    """Tell whether `config` is a model of the paper at Table 3's values, but for what `_FREE` lists."""
    own = table_3(config.model.name)
    freed = {table: replace(getattr(config, table), **_of(own, table, keys)) for table, keys in _FREE.items()}
    return replace(config, **freed) == own


def _of(config: RunConfig, table: str, keys: Iterable[str]) -> dict[str, Any]:
    return {key: getattr(getattr(config, table), key) for key in keys}


def read_rows(path: Path) -> list[Row]:
    """Return the variants in a TOML file of ``[[row]]`` tables with `label`, `model`, `prior` and tables of changes.

    Raises
    ------
    MissingFile, CorruptFile, UnknownName, InvalidValue
        The file is not there or no TOML; a key is unknown, or a value of the wrong type.
    """
    tables = plan_file.read(path, f"no file of variants at {path}; an example is examples/variants.toml")
    if set(tables) != {"row"} or not isinstance(tables["row"], list):
        raise InvalidValue(
            f"{path} must hold [[row]] tables and nothing else, but has: {', '.join(tables) or 'nothing'}"
        )
    return [_row(one, path) for one in tables["row"]]


@dataclass(frozen=True, kw_only=True)
class _Table:
    """One table [[row]]."""

    label: str
    model: str
    prior: str | None = None
    set: dict[str, dict[str, Value]] = field(default_factory=dict)


_TABLE = TypeAdapter(_Table)


def _row(table: Any, path: Path) -> Row:
    plan_file.known("key of [[row]]", table, {"label", "model", "prior", "set"})
    if isinstance(table, dict) and not {"label", "model"} <= set(table):
        raise InvalidValue(f"{path}: every [[row]] needs `label` and `model`")
    found = plan_file.check(_TABLE, table, f"{path}: [[row]]")
    changes = {f"{name}.{key}": value for name, keys in found.set.items() for key, value in keys.items()}
    row = Row(label=found.label, model=found.model, changes=changes, prior=found.prior)
    row.config([], 0)  # refuses a model, key or prior that is none
    return row


def plan(rows: Sequence[Row], folder: Path, seeds: int, shared: Sequence[str] = ()) -> Plan:
    """Return the runs that `rows` need, each in a folder ``runs/LABEL-seedN`` of `folder`.

    Raises
    ------
    InvalidValue
        Two rows with one label.
    """
    labels = [row.label for row in rows]
    if len({_stem(label) for label in labels}) != len(labels):
        raise InvalidValue(f"rows must have distinct labels, but got {', '.join(labels)}")
    runs: dict[Path, RunConfig] = {}
    folders: dict[str, list[Path]] = {}
    sampling: dict[str, SamplingConfig] = {}
    for row in rows:
        for seed in range(seeds):
            asked = row.config(shared, seed)
            sampling[row.label] = asked.sampling
            config = replace(asked, sampling=SamplingConfig())
            same = [path for path, other in runs.items() if other == config]
            path = same[0] if same else folder / "runs" / f"{_stem(row.label)}-seed{seed}"
            runs[path] = config
            folders.setdefault(row.label, []).append(path)
    return Plan(rows=rows, seeds=seeds, runs=runs, folders=folders, sampling=sampling, shared=tuple(shared))


def open_run(path: Path, config: RunConfig) -> RunFolder:
    """Return the run folder at `path`: a new one, or the one there if it has the same configuration.

    Raises
    ------
    InvalidValue
        The run there has another configuration.
    """
    if not (path / "config.toml").exists():
        return RunFolder.create(path, config)
    run = RunFolder.open(path)
    if run.config() != config:
        raise InvalidValue(f"{path} holds a run with another configuration: choose another --out, or remove that run")
    return run


def is_finished(run: RunFolder, n_train: int) -> bool:
    """Tell whether `run` has reached its last step on `n_train` training images."""
    if not run.has_checkpoint():
        return False
    training = run.config().training
    return run.load().step >= max(1, n_train // training.batch_size) * training.epochs


def _stem(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
