"""Runs as TensorBoard and MLflow show them: adapters that read metrics.jsonl, and change nothing of a run.

A run may go on meanwhile: what was told before is told again in the same places, so that giving the command again
brings both up to date.
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from crossbar.errors import EngineError, ExistingFile
from hvae.config.run import RunConfig
from hvae.runs.records import RunFolder

Point = tuple[str, float, int]
"""Name, value, step."""


class Tracker(Protocol):
    """What shows runs."""

    def tell(self, name: str, config: RunConfig, points: list[Point], scores: dict[str, float]) -> str:
        """Take a run; return where it is shown."""
        ...


def points(folder: RunFolder) -> Iterator[Point]:
    """Yield the numbers of metrics.jsonl: those of steps under ``train/``, those of epochs under ``epoch/``."""
    last = 0
    for row in folder.metrics():
        kind = "train" if "step" in row else "epoch"
        last = int(row.get("step", last))
        for name, value in row.items():
            if name not in {"step", "epoch"} and isinstance(value, int | float) and math.isfinite(value):
                yield f"{kind}/{name}", float(value), last


def scores_of(folder: RunFolder) -> dict[str, float]:
    """Return the numbers of every evaluation that the run keeps, as ``evaluation/NAME``."""
    found = {}
    for path in sorted(folder.path.glob("evaluation*.json")):
        for name, value in json.loads(path.read_text(encoding="utf-8")).items():
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                found[f"{path.stem}/{name}"] = float(value)
    return found


def settings(config: RunConfig) -> dict[str, Any]:
    """Return every key of `config` as table.key."""
    return {f"{table}.{key}": value for table, own in asdict(config).items() for key, value in own.items()}


class TensorBoard:
    """Event files in a folder, by tensorboardX.

    Raises
    ------
    EngineError
        tensorboardX is not installed.
    """

    def __init__(self, out: Path) -> None:
        self.writers = _imported("tensorboardX", "tensorboard")
        self.out = out

    def tell(self, name: str, config: RunConfig, points: list[Point], scores: dict[str, float]) -> str:
        """Write the events of a run to a folder of its name, in place of those of before."""
        place = self.out / name
        for old in place.glob("events.out.tfevents.*"):
            old.unlink()
        if place.exists() and any(place.iterdir()):
            raise ExistingFile(f"{place} holds other files than TensorBoard's: choose another --out")
        with self.writers.SummaryWriter(str(place)) as writer:
            lines = "\n".join(f"    {key} = {value!r}" for key, value in settings(config).items())
            writer.add_text("config", lines)
            for key, value, step in points:
                writer.add_scalar(key, value, step)
            for key, value in scores.items():
                writer.add_scalar(key, value, points[-1][2] if points else 0)
        return f"tensorboard --logdir {self.out}"


class MLflow:
    """Runs of an experiment in an MLflow store.

    Attributes
    ----------
    uri : str
        Such as ``sqlite:///mlflow.db`` or a server's address.

    Raises
    ------
    EngineError
        mlflow is not installed.
    """

    EXPERIMENT = "hopbar"
    MOST = 1000  # metrics of one call, MLflow's own limit

    def __init__(self, uri: str) -> None:
        self.mlflow = _imported("mlflow", "mlflow")
        self.uri = uri

    def tell(self, name: str, config: RunConfig, points: list[Point], scores: dict[str, float]) -> str:
        """Log a run, its configuration as parameters; a run of that name is replaced."""
        client = self.mlflow.tracking.MlflowClient(tracking_uri=self.uri)
        found = client.get_experiment_by_name(self.EXPERIMENT)
        experiment = found.experiment_id if found else client.create_experiment(self.EXPERIMENT)
        for old in client.search_runs([experiment], f"attributes.run_name = '{name.replace(chr(39), '')}'"):
            client.delete_run(old.info.run_id)
        run = client.create_run(experiment, run_name=name).info.run_id
        entities = self.mlflow.entities
        given = [entities.Param(key, str(value)[:500]) for key, value in settings(config).items()]
        told = [*points, *((key, value, points[-1][2] if points else 0) for key, value in scores.items())]
        metrics = [entities.Metric(key, value, 0, step) for key, value, step in told]
        for first in range(0, len(given), 100):
            client.log_batch(run, params=given[first : first + 100])
        for first in range(0, len(metrics), self.MOST):
            client.log_batch(run, metrics=metrics[first : first + self.MOST])
        client.set_terminated(run)
        return f"mlflow ui --backend-store-uri {self.uri}"


def track(run: Path, tracker: Tracker) -> str:
    """Show the run in the folder `run` by `tracker`; return where to look.

    Raises
    ------
    MissingFile, CorruptFile
        There is no run; its files are damaged.
    """
    folder = RunFolder.open(run)
    name = folder.path.resolve().name
    return tracker.tell(name, folder.config(), list(points(folder)), scores_of(folder))


def _imported(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise EngineError(f"this needs {module}: pip install 'hopbar[{extra}]'") from None
