"""The paper's Table 1 as it was found: the scores of every row's runs, mean and spread over seeds, and the rankings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from math import hypot
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from crossbar.errors import DivergedError
from hvae.config.run import SamplingConfig
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.learning.variants import LearnedSigma
from hvae.onchip.chip import OnChip
from hvae.reproduction.rows import Plan, Row, at_table_3
from hvae.runs import images, loading
from hvae.runs.loading import Trained
from hvae.runs.records import RunFolder, environment
from hvae.scores import codes, evaluation, yardstick

PAPER_RANKING = ("dh-vae", "tdh-vae", "f-vae", "h-vae")
"""The order of Table 1 by FID, best first (section 4 of arXiv:2311.15047; its values are not in our copy)."""

CURVES = ("validation_sse_half", "validation_kl", "validation_frechet_distance")
"""What is measured after every epoch, on validation images."""

DATASET = "mnist"
"""What the paper ranks its models on."""

ASKED = {"epochs": 20, "images": 10_000, "seeds": 3}
"""What a verdict on the paper's ranking needs at least: as many images as the test split has, and epochs and seeds as
in our own table, for the paper tells of neither."""

SPREAD = 2.0
"""Neighbours of a ranking must differ by so many standard deviations of their difference over seeds."""

SCORES = (
    "sse_half", "kl", "frechet_distance", "kernel_distance", "floor", "precision", "recall", "active_latents",
)  # fmt: skip


_FOUND = tuple(dict.fromkeys((*SCORES, "unsettled", *codes.KEYS, *yardstick.KEYS)))
"""What a row has of its evaluations; blank where it lacks it: a baseline is no VAE, and older ones say less."""


def score(
    run: RunFolder,
    sampling: SamplingConfig,
    count: int | None = None,
    tell: Callable[[str], object] = yardstick.silent,
) -> dict[str, Any]:
    """Return the evaluation of `run` on the test split: the one that its folder keeps, or a new one kept there.

    One that is kept without the yardstick is completed. `tell` hears what takes long.

    Raises
    ------
    CorruptFile
        A file of evaluations in the folder is damaged.
    DivergedError
        The model is no longer finite.
    """
    trained = loading.load(run.path)
    kept = _kept(run, trained, sampling, count)
    if kept is not None and yardstick.KEYS.keys() <= kept.keys():
        return kept
    tell(f"scores of {run.path}")
    dataset = images.load(trained.config.data)
    found = kept or evaluation.evaluate_trained(trained, dataset, count=count, settings=sampling)
    found |= yardstick.measure(trained, dataset, sampling, count=count, tell=tell)
    evaluation.keep(run.path, trained, found)
    return found


def _kept(run: RunFolder, trained: Trained, sampling: SamplingConfig, count: int | None) -> dict[str, Any] | None:
    """Return the evaluation that `run` keeps, on the test split with `sampling` and `count` images; None without."""
    asked = evaluation.described(sampling) | {"split": "test", "seed": 0, "epochs": trained.epochs}
    for path in sorted(run.path.glob("evaluation*.json")):
        found = _complete(evaluation.read(path), trained)
        same = {key: found.get(key) for key in asked} == asked and found.get("n_fake") == (count or found.get("n_real"))
        if same and not str(found.get("features")).startswith("inception"):
            return found
    return None


def _complete(found: dict[str, Any], trained: Trained) -> dict[str, Any]:
    """Return a kept evaluation with how its density was fitted: older files do not say it, and had the run's own."""
    return evaluation.described(evaluation.settings_of(trained, found.get("prior"))) | found


def n_parameters(trained: Trained) -> int:
    """Return the number of trainable parameters; a symmetric pair of a Hopfield network's weights is one.

    On a chip a pair is one weight too, whether one device holds it or two; a sigma that is learned counts by latents.
    """
    learner = trained.learner.ideal if isinstance(trained.learner, OnChip) else trained.learner
    if not isinstance(learner, EquilibriumPropagation):
        return sum(int(weights.size) for weights in trained.parameters.values())
    links = learner.links or {name: one.mask() for name, one in learner.vae.networks.items()}
    spreads = learner.latent if isinstance(learner, LearnedSigma) else 0
    return sum(int(np.count_nonzero(mask)) // 2 for mask in links.values()) + spreads


def late_progress(runs: Sequence[RunFolder]) -> tuple[float, float] | None:
    """Return the validation Frechet distance after three quarters of the epochs and after the last, means of `runs`.

    Where they are near, more epochs at this schedule would hardly help. None where a run has fewer than four of them.
    """
    key = "validation_frechet_distance"
    found = [[line[key] for line in run.metrics() if key in line] for run in runs]
    if min(map(len, found)) < 4:
        return None
    return mean(one[3 * len(one) // 4 - 1] for one in found), mean(one[-1] for one in found)


def table(
    planned: Plan,
    count: int | None = None,
    diverged: Mapping[str, str] | None = None,
    tell: Callable[[str], object] = yardstick.silent,
    baselines: Sequence[Sequence[Mapping[str, Any]]] = (),
) -> dict[str, Any]:
    """Return the table of all rows whose runs have a checkpoint, with the rankings, and how it was made.

    Of a row's seeds those count that have come furthest: one that still trains does not blur those that are finished.
    Runs that `diverged`, by path and with the reason, are told beside it, and so are those whose scores are not finite.
    `baselines` are the scores of rows that are no runs (`hvae.reproduction.yardsticks`), seed by seed.
    """
    failed = dict(diverged or {})
    rows = [found for row in planned.rows if (found := _table_row(row, planned, count, failed, tell))]
    return {
        **ranked([*rows, *map(_baseline_row, baselines)]),
        "diverged": failed,
        "shared": list(planned.shared),
        "configs": {str(path): asdict(one) for path, one in planned.runs.items() if RunFolder(path).has_checkpoint()},
        "environment": environment(),
        "joined": [],
    }


def ranked(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return `rows` with the order of the paper's models among them, the paper's own, and the best of each data set.

    ``ranking_reproduced`` is None where the rows do not earn a verdict, and ``no_verdict`` tells why.
    """
    paper = {row["label"]: row for row in rows if row["of_the_paper"]}
    ranking = sorted(paper, key=lambda label: paper[label]["frechet_distance"]["mean"])
    reasons = no_verdict(paper, ranking)
    return {
        "rows": list(rows),
        "ranking": ranking,
        "paper_ranking": [model for model in PAPER_RANKING if model in paper],
        "ranking_reproduced": None if reasons else ranking == list(PAPER_RANKING),
        "no_verdict": reasons,
        "best": _best(rows),
    }


def no_verdict(paper: Mapping[str, Mapping[str, Any]], ranking: Sequence[str]) -> list[str]:
    """Return why the rows `paper`, by label, allow no verdict on the paper's `ranking`; nothing where they do."""
    missing = [model for model in PAPER_RANKING if model not in paper]
    if missing:
        return [f"no row at Table 3's values of {', '.join(missing)}"]
    rows = list(paper.values())
    least = {
        "epochs": min(row["epochs"]["mean"] for row in rows),
        "images": min(min(row["n_fake"], row["n_real"]) for row in rows),
        "seeds": min(row["seeds"] for row in rows),
    }
    datasets = sorted({row["dataset"] for row in rows})
    reasons = (
        [] if datasets == [DATASET] else [f"the paper ranks on {DATASET}, these rows are on {', '.join(datasets)}"]
    )
    reasons += [
        f"{least[key]:g} {key} where {asked:,} are asked for" for key, asked in ASKED.items() if least[key] < asked
    ]
    reasons += [] if len({row["features"] for row in rows}) == 1 else ["the rows are scored on different features"]
    return reasons + _too_near(paper, ranking)


def _too_near(paper: Mapping[str, Mapping[str, Any]], ranking: Sequence[str]) -> list[str]:
    """Return which neighbours of `ranking` differ by less than their seeds do."""
    reasons = []
    for before, after in pairwise(ranking):
        near, far = (paper[label]["frechet_distance"] for label in (before, after))
        spread = SPREAD * hypot(near["std"] or 0.0, far["std"] or 0.0)
        if far["mean"] - near["mean"] <= spread:
            reasons.append(
                f"{before} and {after} differ by {far['mean'] - near['mean']:.3g}, within {SPREAD:g} standard "
                f"deviations over seeds ({spread:.3g})"
            )
    return reasons


def _best(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the row of the least distance on each data set; distances on different features do not compare."""
    ranked = sorted(rows, key=lambda row: row["frechet_distance"]["mean"], reverse=True)
    return {row["dataset"]: row["label"] for row in ranked}


def furthest(folders: Iterable[Path]) -> list[RunFolder]:
    """Return the runs in `folders` that have made most steps, in their order; none where none has a checkpoint."""
    runs = [RunFolder.open(path) for path in folders if RunFolder(path).has_checkpoint()]
    steps = [run.load().step for run in runs]
    return [run for run, made in zip(runs, steps, strict=True) if made == max(steps)]


def _table_row(
    row: Row, planned: Plan, count: int | None, diverged: dict[str, str], tell: Callable[[str], object]
) -> dict[str, Any] | None:
    sampling = planned.sampling[row.label]
    runs, evaluations = [], []
    for run in furthest(planned.folders[row.label]):
        try:
            evaluations.append(score(run, sampling, count, tell))
        except DivergedError as error:
            diverged[str(run.path)] = str(error)
        else:
            runs.append(run)
    if not runs:
        return None
    first = loading.load(runs[0].path)
    return {
        "label": row.label,
        "model": row.model,
        "prior": sampling.prior,
        "changes": dict(row.changes),
        "of_the_paper": row.of_the_paper and at_table_3(first.config),
        "runs": [str(run.path) for run in runs],
        "commits": [run.environment().get("commit") for run in runs],
        "parameters": n_parameters(first),
        "seconds": _spread([run.training_seconds() for run in runs]),
        "late_progress": late_progress(runs),
        "curves": [_curve(run) for run in runs],
        **_of_evaluations(evaluations),
    }


def _baseline_row(evaluations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the row of a baseline, which is no run, has no curves, and is no VAE."""
    first = evaluations[0]
    return {
        **{key: first[key] for key in ("label", "model", "prior", "changes", "parameters")},
        "of_the_paper": False,
        "runs": [],
        "commits": [one["commit"] for one in evaluations],
        "seconds": _spread([one["seconds"] for one in evaluations]),
        "late_progress": None,
        "curves": [],
        **_of_evaluations(evaluations),
    }


def _of_evaluations(evaluations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a row says of its `evaluations`, one a seed; a score that one has not is a blank."""
    return {
        **{key: evaluations[0][key] for key in ("dataset", "features", "n_real", "n_fake")},
        "seeds": len(evaluations),
        "epochs": _spread([float(one["epochs"]) for one in evaluations]),
        "fitted_components": [one.get("fitted_components") for one in evaluations],
        **{key: _spread([one.get(key) for one in evaluations]) for key in _FOUND},
    }


def _curve(run: RunFolder) -> dict[str, list[float]]:
    """Return the epochs after which `run` was measured, and what was found, to the six digits that a picture needs."""
    lines = [line for line in run.metrics() if all(key in line for key in CURVES)]
    epochs = {"epoch": [line["epoch"] for line in lines]}
    return epochs | {key: [float(f"{line[key]:.6g}") for line in lines] for key in CURVES}


def _spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Return mean and standard deviation (n - 1) over the seeds that have a value; one alone has no deviation."""
    found = [float(value) for value in values if value is not None]
    return {"mean": mean(found) if found else None, "std": stdev(found) if len(found) > 1 else None}
