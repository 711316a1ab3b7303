"""The paper's Table 1 again: rows of models and variants, trained with several seeds, evaluated and tabulated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from crossbar.errors import DivergedError, InvalidValue, unknown_name
from hvae import config_file, evaluation, images, loading, plan_file
from hvae.config import RunConfig, SamplingConfig
from hvae.hopfield_learner import EquilibriumPropagation
from hvae.loading import Trained
from hvae.onchip import for_array
from hvae.plan_file import Value
from hvae.records import RunFolder, environment

MODELS = ("f-vae", "h-vae", "dh-vae", "tdh-vae")
PAPER_RANKING = ("dh-vae", "tdh-vae", "f-vae", "h-vae")
"""The order of Table 1 by FID, best first (section 4 of arXiv:2311.15047; its values are not in our copy)."""

SCORES = (
    "sse_half", "kl", "frechet_distance", "kernel_distance", "floor", "precision", "recall", "active_latents",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table: a model, what is changed of its Table 3, and where its z is drawn from."""

    label: str
    model: str
    changes: Mapping[str, Any] = field(default_factory=dict)  # by key of the configuration
    prior: str | None = None  # as `sampling.prior` of all rows says if None
    of_the_paper: bool = False

    def config(self, shared: Iterable[str], seed: int) -> RunConfig:
        """Return the configuration of the row's run with `seed`; its own changes come after those of all rows."""
        own = [f"{key}={json.dumps(value)}" for key, value in self.changes.items()]
        prior = [] if self.prior is None else [f"sampling.prior={json.dumps(self.prior)}"]
        return for_array(config_file.resolve(self.model, [], [*shared, *own, *prior, f"training.seed={seed}"]))


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


def score(run: RunFolder, sampling: SamplingConfig, count: int | None = None) -> dict[str, Any]:
    """Return the evaluation of `run` on the test split: the one that its folder keeps, or a new one kept there.

    Raises
    ------
    CorruptFile
        A file of evaluations in the folder is damaged.
    DivergedError
        The model is no longer finite.
    """
    trained = loading.load(run.path)
    asked = evaluation.described(sampling) | {"split": "test", "seed": 0, "epochs": trained.epochs}
    for path in sorted(run.path.glob("evaluation*.json")):
        found = _complete(evaluation.read(path), trained)
        same = {key: found.get(key) for key in asked} == asked and found.get("n_fake") == (count or found.get("n_real"))
        if same and not str(found.get("features")).startswith("inception"):
            return found
    dataset = images.load(trained.config.data)
    found = evaluation.evaluate_trained(trained, dataset, count=count, settings=sampling)
    evaluation.keep(run.path, trained, found)
    return found


def _complete(found: dict[str, Any], trained: Trained) -> dict[str, Any]:
    """Return a kept evaluation with how its density was fitted: older files do not say it, and had the run's own."""
    return evaluation.described(evaluation.settings_of(trained, found.get("prior"))) | found


def n_parameters(trained: Trained) -> int:
    """Return the number of trainable weights; a symmetric pair of a Hopfield network is one."""
    if isinstance(trained.learner, EquilibriumPropagation):
        links = trained.learner.links or {name: one.mask() for name, one in trained.learner.vae.networks.items()}
        return sum(int(np.count_nonzero(mask)) // 2 for mask in links.values())
    return sum(int(weights.size) for weights in trained.parameters.values())


def training_seconds(run: RunFolder) -> float:
    """Return the wall time of all steps of `run`, from every tenth that timing.jsonl holds; without evaluations.

    0 where it holds none.
    """
    seconds = {one["step"]: one["seconds"] for one in run.logged("timing") if one["step"] > 1}
    return run.load().step * mean(seconds.values()) if seconds else 0.0


def late_progress(runs: Sequence[RunFolder]) -> tuple[float, float] | None:
    """Return the validation Frechet distance after three quarters of the epochs and after the last, means of `runs`.

    Where they are near, more epochs at this schedule would hardly help. None where a run has fewer than four of them.
    """
    key = "validation_frechet_distance"
    found = [[line[key] for line in run.metrics() if key in line] for run in runs]
    if min(map(len, found)) < 4:
        return None
    return mean(one[3 * len(one) // 4 - 1] for one in found), mean(one[-1] for one in found)


def table(planned: Plan, count: int | None = None, diverged: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the table of all rows whose runs have a checkpoint, with the rankings, and how it was made.

    Of a row's seeds those count that have come furthest: one that still trains does not blur those that are finished.
    Runs that `diverged`, by path and with the reason, are told beside it, and so are those whose scores are not finite.
    """
    failed = dict(diverged or {})
    rows = [found for row in planned.rows if (found := _table_row(row, planned, count, failed))]
    paper = {row["label"]: row["frechet_distance"]["mean"] for row in rows if row["of_the_paper"]}
    ranking = sorted(paper, key=lambda label: paper[label])
    expected = [model for model in PAPER_RANKING if model in paper]
    return {
        "rows": rows,
        "ranking": ranking,
        "paper_ranking": expected,
        "ranking_reproduced": ranking == expected if len(ranking) > 1 else None,
        "best": _best(rows),
        "diverged": failed,
        "shared": list(planned.shared),
        "configs": {str(path): asdict(one) for path, one in planned.runs.items() if RunFolder(path).has_checkpoint()},
        "environment": environment(),
    }


def _best(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the row of the least distance on each data set; distances on different features do not compare."""
    ranked = sorted(rows, key=lambda row: row["frechet_distance"]["mean"], reverse=True)
    return {row["dataset"]: row["label"] for row in ranked}


def furthest(folders: Iterable[Path]) -> list[RunFolder]:
    """Return the runs in `folders` that have made most steps, in their order; none where none has a checkpoint."""
    runs = [RunFolder.open(path) for path in folders if RunFolder(path).has_checkpoint()]
    steps = [run.load().step for run in runs]
    return [run for run, made in zip(runs, steps, strict=True) if made == max(steps)]


def _table_row(row: Row, planned: Plan, count: int | None, diverged: dict[str, str]) -> dict[str, Any] | None:
    sampling = planned.sampling[row.label]
    runs, evaluations = [], []
    for run in furthest(planned.folders[row.label]):
        try:
            evaluations.append(score(run, sampling, count))
        except DivergedError as error:
            diverged[str(run.path)] = str(error)
        else:
            runs.append(run)
    if not runs:
        return None
    first = loading.load(runs[0].path)
    found: dict[str, Any] = {
        "label": row.label,
        "model": row.model,
        "prior": sampling.prior,
        "changes": dict(row.changes),
        "of_the_paper": row.of_the_paper,
        "dataset": evaluations[0]["dataset"],
        "features": evaluations[0]["features"],
        "n_real": evaluations[0]["n_real"],
        "n_fake": evaluations[0]["n_fake"],
        "seeds": len(runs),
        "runs": [str(run.path) for run in runs],
        "parameters": n_parameters(first),
        "epochs": _spread([float(one["epochs"]) for one in evaluations]),
        "seconds": _spread([training_seconds(run) for run in runs]),
        "late_progress": late_progress(runs),
    }
    return found | {key: _spread([one[key] for one in evaluations]) for key in SCORES}


def _spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Return mean and standard deviation (n - 1) over the seeds that have a value; one alone has no deviation."""
    found = [float(value) for value in values if value is not None]
    return {"mean": mean(found) if found else None, "std": stdev(found) if len(found) > 1 else None}


def _stem(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
