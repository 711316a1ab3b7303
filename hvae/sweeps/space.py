"""What a sweep varies and how long it looks, read from a TOML file and checked before the first trial.

::

    [sweep]
    model = "tdh-vae"
    trials = 30

    [base.training]                  # what all trials share; any table of a run's configuration
    epochs = 5

    [parameters."training.beta_kl"]  # what they differ in; any key of a run's configuration
    low = 0.3
    high = 5.0
    log = true

    [parameters."optimizer.name"]
    choices = ["adam", "muon"]
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from crossbar.errors import InvalidValue
from hvae.config import plan_file, toml_file
from hvae.config.plan_file import Value
from hvae.config.run import DataConfig, RunConfig
from hvae.onchip.chip import for_array


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """The values that one key of the configuration may take: a range, or choices."""

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    choices: tuple[Value, ...] = ()
    type: Literal["float", "int", "categorical"] | None = None  # else from what `low` and `high` are

    def __post_init__(self) -> None:
        ranged = self.low is not None and self.high is not None
        if ranged == bool(self.choices):
            raise InvalidValue("a swept parameter needs either `low` and `high`, or `choices`")
        if self.type == "categorical" and not self.choices:
            raise InvalidValue("a categorical parameter needs `choices`")
        if self.low is None or self.high is None:
            return
        if not self.low < self.high:
            raise InvalidValue(f"`low` must be below `high`, but got {self.low} and {self.high}")
        if self.type == "int" and not (float(self.low).is_integer() and float(self.high).is_integer()):
            raise InvalidValue(
                f"`low` and `high` must be whole numbers where `type` is int, but got {self.low} and {self.high}"
            )
        if self.log and not self.low > 0:
            raise InvalidValue(f"`low` must be positive where `log` is set, but got {self.low}")

    @property
    def kind(self) -> str:
        """``float``, ``int`` or ``categorical``."""
        if self.choices:
            return "categorical"
        return self.type or ("int" if isinstance(self.low, int) and isinstance(self.high, int) else "float")


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A search for good values of a few keys of one model's configuration.

    Attributes
    ----------
    model : str
        Trials start from its values in Table 3.
    parameters : dict of str to Parameter
        By key, such as ``training.beta_kl``.
    base : dict
        Tables of the configuration that all trials share.
    trials : int
        How many to finish or prune, over all machines.
    startup_trials : int
        The first so many are random, and none is pruned before as many have finished.
    pruner : {"median", "none"}
        "median" stops a trial whose best Frechet distance so far is above the median of the others' at that epoch.
    warmup_epochs : int
        No trial is pruned before so many epochs.
    batch : int
        So many trials run at once, and none of them is drawn or pruned by what another gives: the same trials come out
        on one machine and on many. 1: each trial knows all before it.
    seed : int
        Of the search; a trial's own seed is ``training.seed``.
    name : str or None
        Of the study; of the file if None.
    """

    model: str
    parameters: dict[str, Parameter]
    base: dict[str, dict[str, Value]] = field(default_factory=dict)
    trials: Annotated[int, Field(ge=1)] = 30
    startup_trials: Annotated[int, Field(ge=1)] = 8
    pruner: Literal["median", "none"] = "median"
    warmup_epochs: Annotated[int, Field(ge=0)] = 1
    batch: Annotated[int, Field(ge=1)] = 1
    seed: Annotated[int, Field(ge=0)] = 0
    name: str | None = None

    def config(self, values: Mapping[str, Value]) -> RunConfig:
        """Return the configuration of the trial with `values` by key.

        Raises
        ------
        UnknownName, InvalidValue
            A key that is none; a value that is out of its range, or that its array cannot learn with.
        """
        shared = {f"{table}.{key}": value for table, keys in self.base.items() for key, value in keys.items()}
        changes = [f"{key}={json.dumps(value)}" for key, value in (shared | dict(values)).items()]
        return for_array(toml_file.resolve(self.model, [], changes))

    def corners(self) -> Iterator[RunConfig]:
        """Return a configuration for both ends of every range, and for every choice, the others at their first."""
        first = {key: (one.choices or (one.low,))[0] for key, one in self.parameters.items()}
        for key, one in self.parameters.items():
            for value in one.choices or (one.low, one.high):
                yield self.config(first | {key: value})  # type: ignore[arg-type]

    def data(self) -> tuple[DataConfig, ...]:
        """Return which data sets the trials read."""
        return tuple({config.data: None for config in self.corners()})


_ADAPTER, _SEARCH = TypeAdapter(Sweep), TypeAdapter(dict[str, Value])


def load(path: Path) -> Sweep:
    """Return the sweep that the TOML file at `path` describes.

    Raises
    ------
    MissingFile, CorruptFile
        The file is not there, or is no TOML.
    UnknownName, InvalidValue
        A table or key is unknown, or a value (an end of a range, a choice) is refused by the configuration.
    """
    tables = plan_file.read(path, f"no sweep file at {path}; examples are in examples/sweep-*.toml")
    plan_file.known("table of a sweep", tables, ("sweep", "base", "parameters"))
    search, parameters = (tables.get(name, {}) for name in ("sweep", "parameters"))
    plan_file.known("key of [sweep]", search, {one.name for one in fields(Sweep)} - {"base", "parameters"})
    for key, values in parameters.items() if isinstance(parameters, dict) else ():
        plan_file.known(f"key of [parameters.{key!r}]", values, [one.name for one in fields(Parameter)])
    own = plan_file.check(_SEARCH, search, f"{path}: [sweep]")
    parts = {"parameters": parameters, "base": tables.get("base", {})}
    sweep = plan_file.check(_ADAPTER, {"name": path.stem} | own | parts, str(path))
    _try_out(sweep)
    return sweep


def _try_out(sweep: Sweep) -> None:
    """Refuse now what a trial would refuse after hours: both ends of every range, and every choice."""
    if not sweep.parameters:
        raise InvalidValue('a sweep needs at least one table [parameters."table.key"]')
    for config in sweep.corners():
        if config.training.validation_samples < 2:
            raise InvalidValue("a sweep minimizes a distance: set `training.validation_samples` to 2 or more")
