"""The run folder: everything that a run needs to be read, repeated and resumed.

``config.toml`` the resolved configuration, ``environment.json`` the command, versions and commit, ``metrics.jsonl`` one
line every few steps and one an epoch (no wall times, so that equal runs have equal bytes), ``timing.jsonl`` the wall
times, ``checkpoint.h5`` weights and optimizer, ``chip.h5`` the trained chip, ``lock`` who writes (`hvae.run_lock`).
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossbar.errors import CorruptFile, ExistingFile, MissingFile
from hvae import config_file, run_lock
from hvae.config import RunConfig
from hvae.model import Parameters

SCHEMA = "hopbar-checkpoint/1"
_BEFORE_A_RUN = {run_lock.NAME, "environment.json", "config.toml.part"}
"""What a folder may hold before its config makes it a run."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of a run after `step` steps. Random streams need no place: each step's are derived from the seed."""

    step: int
    parameters: Parameters
    optimizer: Parameters
    metrics_bytes: int  # length of metrics.jsonl at this step


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
            There is something at `path` already; nothing is overwritten, but for what a creation that was killed left.
        FolderInUse
            Another process is making a run there.
        """
        _refuse_what_exists(path)  # before a lock file is put into it
        path.mkdir(parents=True, exist_ok=True)
        with run_lock.held(path):
            _refuse_what_exists(path)  # another process may have been quicker
            (path / "environment.json").write_text(json.dumps(environment(), indent=1) + "\n", encoding="utf-8")
            temporary = path / "config.toml.part"
            temporary.write_text(config_file.dump(config), encoding="utf-8")
            temporary.replace(path / "config.toml")  # last and whole: a folder with a config is a run
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Return the run at `path`.

        Raises
        ------
        MissingFile
            There is no run.
        """
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
        try:
            return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        except ValueError as error:
            raise CorruptFile(f"{path} cannot be read ({error}); remove it, or train the run again") from error

    def config(self) -> RunConfig:
        """Return the run's resolved configuration."""
        return config_file.load(self.path / "config.toml")

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the checkpoint atomically, after the metrics that it counts: the file is the old or the new one."""
        import h5py

        metrics = self.path / "metrics.jsonl"
        if metrics.exists():
            _sync(metrics)
        temporary = self.path / "checkpoint.h5.part"
        with h5py.File(temporary, "w", libver="latest") as file:
            file.attrs.update(schema=SCHEMA, step=checkpoint.step, metrics_bytes=checkpoint.metrics_bytes)
            for group, arrays in (("parameters", checkpoint.parameters), ("optimizer", checkpoint.optimizer)):
                file.create_group(group)
                for name in sorted(arrays):  # by name: a resumed run holds them in another order
                    file[group].create_dataset(name, data=arrays[name])
            file.flush()
        _sync(temporary)
        temporary.replace(self.path / "checkpoint.h5")

    def load(self) -> Checkpoint:
        """Return the last checkpoint.

        Raises
        ------
        MissingFile, CorruptFile
            There is none; it is damaged, or not ours.
        """
        import h5py

        path = self.path / "checkpoint.h5"
        if not path.exists():
            raise MissingFile(f"no checkpoint at {path}: the run has not reached its first one; start it with --resume")
        try:
            with h5py.File(path, "r") as file:
                if file.attrs.get("schema") != SCHEMA:
                    raise CorruptFile(f"{path} is not a Hopbar checkpoint of schema {SCHEMA!r}")
                return Checkpoint(
                    step=int(file.attrs["step"]),
                    parameters=_arrays(file["parameters"]),
                    optimizer=_arrays(file["optimizer"]),
                    metrics_bytes=int(file.attrs["metrics_bytes"]),
                )
        except (OSError, KeyError) as error:
            raise CorruptFile(f"{path} cannot be read ({error}); train the run again into a new folder") from error

    def has_checkpoint(self) -> bool:
        """Tell whether the run has reached its first checkpoint."""
        return (self.path / "checkpoint.h5").exists()

    def log(self, name: str, record: Mapping[str, object]) -> None:
        """Append one line to ``NAME.jsonl``."""
        with (self.path / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def describe(self, name: str, facts: Mapping[str, object]) -> None:
        """Write what was chosen for the run to ``NAME.json``."""
        (self.path / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")

    def metrics(self) -> list[dict[str, float]]:
        """Return the lines of metrics.jsonl."""
        return self.logged("metrics")

    def logged(self, name: str) -> list[dict[str, float]]:
        """Return the lines of ``NAME.jsonl``, none if it is not there; a last one that a kill cut short is left out.

        Raises
        ------
        CorruptFile
            Another line is damaged.
        """
        path = self.path / f"{name}.jsonl"
        content = path.read_bytes() if path.exists() else b""
        lines = content[: content.rfind(b"\n") + 1].splitlines()
        try:
            return [json.loads(line) for line in lines]
        except ValueError as error:
            raise CorruptFile(f"{path} cannot be read ({error}); train the run again into a new folder") from error

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


def _sync(path: Path) -> None:
    """Wait until the disk holds the file at `path`, so that no loss of power takes it back."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _refuse_what_exists(path: Path) -> None:
    if path.exists() and (not path.is_dir() or {found.name for found in path.iterdir()} - _BEFORE_A_RUN):
        raise ExistingFile(f"{path} exists already: choose another --out, or continue it with --resume")


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
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "commit": commit or "not a checkout",
        "python": platform.python_version(),
        "machine": platform.platform(),
        "versions": versions,
        "blas": [{key: pool.get(key) for key in ("internal_api", "architecture", "num_threads")} for pool in blas],
    }


def _arrays(group) -> Parameters:
    found: Parameters = {}
    group.visititems(lambda name, item: found.__setitem__(name, item[()]) if hasattr(item, "dtype") else None)
    return found
