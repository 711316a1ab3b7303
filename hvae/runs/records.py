"""The run folder: everything that a run needs to be read, repeated and resumed.

``config.toml`` the resolved configuration, ``environment.json`` the command, versions and commit, ``metrics.jsonl`` one
line every few steps and one an epoch (no wall times, so that equal runs have equal bytes), ``timing.jsonl`` the wall
times, ``checkpoint.h5`` weights and optimizer, ``chip.h5`` the trained chip, ``lock`` who writes (`hvae.runs.lock`),
``neurons.h5`` a copy of the neurons of the chip that `neurons.chip` names, if it does.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from crossbar import input_files
from crossbar.errors import CorruptFile, ExistingFile, HopbarError, InvalidValue, MissingFile
from crossbar.output_files import PART, hdf5_image, write_atomically, write_json, write_text
from hvae.config import toml_file
from hvae.runs import lock
from hvae.config.run import RunConfig
from hvae.models.hopfield import Parameters

if TYPE_CHECKING:
    import h5py

SCHEMA = "hopbar-checkpoint/1"
LENGTHENED = "lengthened.json"  # of a run that goes on for more epochs than it was begun for
NEURONS = "neurons.h5"
_BEFORE_A_STEP = {lock.NAME, "environment.json", "config.toml", "onchip.json", "engine.json", NEURONS}
"""What a folder may hold before the first step of its run, which leaves metrics: until then it can be made anew."""
_AGAIN = "train the run again into a new folder"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of a run after `step` steps. Random streams need no place: each step's are derived from the seed."""

    step: int
    parameters: Parameters
    optimizer: Parameters
    metrics_bytes: int  # length of metrics.jsonl at this step
    config: str = ""  # the configuration that made it, as TOML; older checkpoints do not say


@dataclass(frozen=True)
class RunFolder:
    """A folder that holds one run."""

    path: Path

    @classmethod
    def create(cls, path: Path, config: RunConfig) -> RunFolder:
        """Make the folder and write what is known before the first step.

        Raises
        ------
        ExistingFile
            There is something at `path` already; nothing is overwritten, but for a run that never made a step.
        FolderInUse
            Another process is making a run there.
        """
        make_folder(path, "config.toml", toml_file.dump(config), _BEFORE_A_STEP)
        config.neurons.keep(path / NEURONS)
        return cls(path)

    @staticmethod
    def refuse_what_exists(path: Path) -> None:
        """Raise `ExistingFile` where `path` holds anything but what is left of a run that never made a step."""
        refuse_what_exists(path, _BEFORE_A_STEP)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Return the run at `path`.

        Raises
        ------
        MissingFile, InvalidValue
            There is no run, or that of a flow.
        """
        if (path / "flow.toml").exists():
            raise InvalidValue(f"{path} is a run of a flow, no VAE: `hopbar flow` has its commands")
        if not (path / "config.toml").exists():
            raise MissingFile(f"no run at {path}: it has no config.toml; `hopbar train MODEL --out {path}` makes one")
        return cls(path)

    def environment(self) -> dict[str, Any]:
        """Return the command, versions and commit that the run was begun with; nothing of a run that does not say.

        Raises
        ------
        CorruptFile
            environment.json is damaged.
        """
        path = self.path / "environment.json"
        return input_files.json_object(path, "remove it, or train the run again") if path.exists() else {}

    def config(self) -> RunConfig:
        """Return the run's resolved configuration; the neurons of a chip that is gone are those of ``neurons.h5``."""
        found = toml_file.load(self.path / "config.toml")
        return replace(found, neurons=found.neurons.beside(self.path / NEURONS))

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the checkpoint atomically, after the metrics that it counts: the file is the old or the new one."""
        metrics = self.path / "metrics.jsonl"
        if metrics.exists():
            _sync(metrics)
        image = hdf5_image(lambda file: _fill(file, checkpoint), libver="latest")
        write_atomically(self.path / "checkpoint.h5", image)

    def load(self) -> Checkpoint:
        """Return the last checkpoint.

        Raises
        ------
        MissingFile, CorruptFile
            There is none; it is damaged, or not ours.
        """
        path = self.path / "checkpoint.h5"
        if not path.exists():
            raise MissingFile(f"no checkpoint at {path}: the run has not reached its first one; start it with --resume")
        with input_files.hdf5(path, "a checkpoint", _AGAIN) as file:
            if file.attrs.get("schema") != SCHEMA:
                raise CorruptFile(f"{path} is not a Hopbar checkpoint of schema {SCHEMA!r}")
            return Checkpoint(
                step=_count(file, "step"),
                parameters=_arrays(file["parameters"]),
                optimizer=_arrays(file["optimizer"]),
                metrics_bytes=_count(file, "metrics_bytes"),
                config=str(file.attrs.get("config", "")),
            )

    @contextmanager
    def restoring(self) -> Iterator[None]:
        """Let the body take what the checkpoint holds of a chip; say that it is damaged where something is not there.

        Raises
        ------
        CorruptFile
        """
        try:
            yield
        except (KeyError, IndexError, TypeError, ValueError) as error:
            if isinstance(error, HopbarError):
                raise
            path = self.path / "checkpoint.h5"
            raise CorruptFile(f"{path} does not hold the devices of the run's chip ({error!r}): {_AGAIN}") from error

    def resumed(self, config: RunConfig, total_steps: int) -> Checkpoint:
        """Return the last checkpoint, made by the same `config`, of a run that makes `total_steps`.

        Raises
        ------
        InvalidValue
            config.toml was changed since: a run that goes on otherwise than it began is no run of either.
        MissingFile, CorruptFile
            There is none; it is damaged, or of a later step than the run has.
        """
        checkpoint, path = self.load(), self.path / "checkpoint.h5"
        if checkpoint.config:
            began = self._as_lengthened(toml_file.loads(checkpoint.config, f"the config in {path}"), config)
            began = replace(began, neurons=began.neurons.beside(self.path / NEURONS))
            toml_file.refuse_difference(began, config, self.path / "config.toml")
        if checkpoint.step > total_steps:
            raise CorruptFile(f"{path} is of step {checkpoint.step}, but the run ends at step {total_steps}: {_AGAIN}")
        return checkpoint

    def _as_lengthened(self, began: RunConfig, config: RunConfig) -> RunConfig:
        """Return what `began` has become where `hvae.runs.lengthening` made the run one of `config`'s epochs."""
        path = self.path / LENGTHENED
        changes = input_files.json_object(path, _AGAIN).get("changes", []) if path.exists() else []
        if config.training.epochs not in [one.get("to") for one in changes]:
            return began
        return replace(began, training=replace(began.training, epochs=config.training.epochs))

    def has_checkpoint(self) -> bool:
        """Tell whether the run has reached its first checkpoint."""
        return (self.path / "checkpoint.h5").exists()

    def log(self, name: str, record: Mapping[str, object]) -> None:
        """Append one line to ``NAME.jsonl``."""
        with (self.path / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def describe(self, name: str, facts: Mapping[str, object]) -> None:
        """Write what was chosen for the run to ``NAME.json``."""
        write_json(self.path / f"{name}.json", facts)

    def training_seconds(self) -> float:
        """Return the wall time of all steps, from every tenth that timing.jsonl holds; without evaluations.

        Its median times their number: other work of the machine, and the compiler in the first step, hardly move it.
        0 where it holds none.
        """
        seconds = {one["step"]: one["seconds"] for one in self.logged("timing")}
        return self.load().step * median(seconds.values()) if seconds else 0.0

    def metrics(self) -> list[dict[str, float]]:
        """Return the lines of metrics.jsonl.

        Raises
        ------
        CorruptFile
            A line is damaged, or says neither of which step nor of which epoch it is.
        """
        found = self.logged("metrics")
        if not all(_is_number(record.get("epoch")) and _is_number(record.get("step", 0)) for record in found):
            raise CorruptFile(f"{self.path / 'metrics.jsonl'} has a line without its epoch: {_AGAIN}")
        return found

    def logged(self, name: str) -> list[dict[str, float]]:
        """Return the lines of ``NAME.jsonl``, none if it is not there; a last one that a kill cut short is left out.

        Raises
        ------
        CorruptFile
            Another line is damaged.
        """
        path = self.path / f"{name}.jsonl"
        return input_files.json_lines(path, _AGAIN) if path.exists() else []

    def metrics_size(self) -> int:
        """Return the length of metrics.jsonl in bytes."""
        path = self.path / "metrics.jsonl"
        return path.stat().st_size if path.exists() else 0

    def cut_logs(self, size: int) -> None:
        """Take back what metrics.jsonl has beyond `size` bytes, those of the checkpoint that is being resumed.

        Of timing.jsonl, which no checkpoint counts, only a last line goes that a kill cut short.

        Raises
        ------
        CorruptFile
            metrics.jsonl is shorter than that.
        """
        if self.metrics_size() < size:
            raise CorruptFile(
                f"{self.path / 'metrics.jsonl'} has {self.metrics_size()} bytes, but the checkpoint counts {size}: "
                "its end is lost; train the run again into a new folder"
            )
        path, timing = self.path / "metrics.jsonl", self.path / "timing.jsonl"
        if path.exists():
            os.truncate(path, size)
        if timing.exists():
            os.truncate(timing, timing.read_bytes().rfind(b"\n") + 1)


def make_folder(path: Path, name: str, config: str, before: Collection[str]) -> None:
    """Make the folder of a run, with its environment and the text `config` in the file `name`.

    Raises
    ------
    ExistingFile, FolderInUse
        See `refuse_what_exists`; another process is making a run there.
    """
    refuse_what_exists(path, before)  # before a lock file is put into it
    path.mkdir(parents=True, exist_ok=True)
    with lock.held(path):
        refuse_what_exists(path, before)  # another process may have been quicker
        write_json(path / "environment.json", environment())
        write_text(path / name, config)  # last: a folder with a config is a run


def refuse_what_exists(path: Path, before: Collection[str]) -> None:
    """Raise `ExistingFile` where `path` holds other files than those that a run has `before` its first step."""

    def is_before(found: Path) -> bool:
        return found.name in before or found.suffix == PART

    if path.exists() and (not path.is_dir() or not all(map(is_before, path.iterdir()))):
        raise ExistingFile(f"{path} exists already: choose another --out, or continue it with --resume")


def _sync(path: Path) -> None:
    """Wait until the disk holds the file at `path`, so that no loss of power takes it back."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def environment() -> dict[str, object]:
    """Return the command, versions, commit and threads that a run was made with."""
    import h5py
    import numba
    import scipy
    import threadpoolctl

    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        commit = ""
    versions = {module.__name__: module.__version__ for module in (np, numba, scipy, h5py)}
    blas = [pool for pool in threadpoolctl.threadpool_info() if pool.get("user_api") == "blas"]
    return {
        "command": [Path(sys.argv[0]).name.removesuffix(".py"), *sys.argv[1:]],
        "commit": commit or "not a checkout",
        "python": platform.python_version(),
        "machine": platform.platform(),
        "versions": versions,
        "blas": [{key: pool.get(key) for key in ("internal_api", "architecture", "num_threads")} for pool in blas],
    }


def _fill(file: h5py.File, checkpoint: Checkpoint) -> None:
    file.attrs.update(schema=SCHEMA, step=checkpoint.step, metrics_bytes=checkpoint.metrics_bytes)
    file.attrs["config"] = checkpoint.config
    for group, arrays in (("parameters", checkpoint.parameters), ("optimizer", checkpoint.optimizer)):
        file.create_group(group)
        for name in sorted(arrays):  # by name: a resumed run holds them in another order
            file[group].create_dataset(name, data=arrays[name])


def _arrays(group: h5py.Group) -> Parameters:
    items: dict[str, h5py.Dataset] = {}
    group.visititems(lambda name, item: items.__setitem__(name, item) if hasattr(item, "dtype") else None)
    return {name: input_files.array(item) for name, item in items.items()}


def _count(file: h5py.File, name: str) -> int:
    """Return the attribute `name`, a count; int() would take a text or a truth value for one."""
    value = file.attrs[name]
    if not isinstance(value, int | np.integer) or value < 0:
        raise ValueError(f"its `{name}` is {value!r}")
    return int(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
