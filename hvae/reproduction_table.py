"""The paper's Table 1 as it was found: the scores of every row's runs, mean and spread over seeds, and the rankings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from crossbar.errors import DivergedError
from hvae import evaluation, images, loading
from hvae.config import SamplingConfig
from hvae.hopfield_learner import EquilibriumPropagation
from hvae.loading import Trained
from hvae.records import RunFolder, environment
from hvae.reproduction import Plan, Row

PAPER_RANKING = ("dh-vae", "tdh-vae", "f-vae", "h-vae")
"""The order of Table 1 by FID, best first (section 4 of arXiv:2311.15047; its values are not in our copy)."""

CURVES = ("validation_sse_half", "validation_kl", "validation_frechet_distance")
"""What is measured after every epoch, on validation images."""

SCORES = (
    "sse_half", "kl", "frechet_distance", "kernel_distance", "floor", "precision", "recall", "active_latents",
)  # fmt: skip


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
    return {
        **ranked(rows),
        "diverged": failed,
        "shared": list(planned.shared),
        "configs": {str(path): asdict(one) for path, one in planned.runs.items() if RunFolder(path).has_checkpoint()},
        "environment": environment(),
        "joined": [],
    }


def ranked(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return `rows` with the order of the paper's models among them, the paper's own, and the best of each data set."""
    paper = {row["label"]: row["frechet_distance"]["mean"] for row in rows if row["of_the_paper"]}
    ranking = sorted(paper, key=lambda label: paper[label])
    expected = [model for model in PAPER_RANKING if model in paper]
    return {
        "rows": list(rows),
        "ranking": ranking,
        "paper_ranking": expected,
        "ranking_reproduced": ranking == expected if len(ranking) > 1 else None,
        "best": _best(rows),
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
        "commits": [run.environment().get("commit") for run in runs],
        "parameters": n_parameters(first),
        "epochs": _spread([float(one["epochs"]) for one in evaluations]),
        "seconds": _spread([training_seconds(run) for run in runs]),
        "late_progress": late_progress(runs),
        "curves": [_curve(run) for run in runs],
    }
    return found | {key: _spread([one[key] for one in evaluations]) for key in SCORES}


def _curve(run: RunFolder) -> dict[str, list[float]]:
    """Return the epochs after which `run` was measured, and what was found, to the six digits that a picture needs."""
    lines = [line for line in run.metrics() if all(key in line for key in CURVES)]
    epochs = {"epoch": [line["epoch"] for line in lines]}
    return epochs | {key: [float(f"{line[key]:.6g}") for line in lines] for key in CURVES}


def _spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Return mean and standard deviation (n - 1) over the seeds that have a value; one alone has no deviation."""
    found = [float(value) for value in values if value is not None]
    return {"mean": mean(found) if found else None, "std": stdev(found) if len(found) > 1 else None}
