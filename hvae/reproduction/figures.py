"""Figures 2 to 4 of the paper and the learning curves, all rows of a reproduction side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hvae.config.run import SamplingConfig
from hvae.data.sets import Dataset
from hvae.reports import figures
from hvae.reproduction.rows import Plan
from hvae.runs import images, loading
from hvae.runs.loading import Trained
from hvae.scores import evaluation, sampling
from hvae.streams import stream

_SAMPLES = 10
CURVES = {
    "validation SSE/2": "validation_sse_half",
    "validation KL (nat)": "validation_kl",
    "validation Frechet distance": "validation_frechet_distance",
}


def draw(planned: Plan, table: Mapping[str, Any], folder: Path, seed: int = 0) -> list[Path]:
    """Draw originals, reconstructions and samples of the rows' first runs, and the learning curves; return the paths.

    Rows that share their runs, and differ in where z is drawn from alone, have one line in reconstructions and curves.
    The curves are those of `table`, joined rows included; pictures need the runs themselves.
    """
    drawn = _pictures(planned, seed) | {"learning-curves": learning_curves(table["rows"])}
    return [path for stem, figure in drawn.items() if figure for path in figures.save(figure, folder / stem)]


def _pictures(planned: Plan, seed: int) -> dict[str, Figure | None]:
    paths = {row.label: planned.folders[row.label][0] for row in planned.rows}
    rows = [row for row in planned.rows if (paths[row.label] / "checkpoint.h5").exists()]
    if not rows:
        return {}
    models = {row.label: loading.load(paths[row.label]) for row in rows}
    data = {label: images.load(trained.config.data) for label, trained in models.items()}
    first = data[rows[0].label]
    originals = images.enlarge(first.test_images[figures.first_of_each_class(first.test_labels)])
    drawn: dict[str, Figure | None] = {
        "figure-2-originals": figures.originals(images.enlarge(first.test_images), first.test_labels)
    }
    own = [row for at, row in enumerate(rows) if paths[row.label] not in [paths[one.label] for one in rows[:at]]]
    same = [row.label for row in own if data[row.label].name == first.name]
    decoded = {label: _reconstructions(models[label], data[label], seed) for label in same}
    drawn["figure-3-reconstructions"] = figures.reconstructions(originals, decoded)
    sampled = planned.sampling
    generated = {row.label: _samples(models[row.label], data[row.label], sampled[row.label], seed) for row in rows}
    drawn["figure-4-samples"] = figures.samples_of_models(generated)
    return drawn


def learning_curves(rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Draw the validation losses and distance after each epoch, one colour a row, one line a seed; None without any.

    Where rows outnumber the colours, those come again with a dashed line. Rows that share their runs have one line.
    """
    own = [row for at, row in enumerate(rows) if row["runs"] not in [one["runs"] for one in rows[:at]]]
    figure = Figure(figsize=(4.6 * len(CURVES) + 2.4, 3.6), layout="constrained")
    drawn = 0
    for number, (label, key) in enumerate(CURVES.items(), start=1):
        axes = figure.add_subplot(1, len(CURVES), number)
        for index, row in enumerate(own):
            turn, colour = divmod(index, len(figures.COLOURS))
            style: dict = {"color": figures.COLOURS[colour], "linestyle": ("-", "--", ":")[turn % 3], "marker": "."}
            for at, curve in enumerate(row.get("curves", [])):
                if curve["epoch"]:
                    axes.plot(curve["epoch"], curve[key], **style, label=None if at else row["label"])
                    drawn += 1
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.set_yscale("log")
        axes.grid(alpha=0.3, which="both")
        axes.spines[["top", "right"]].set_visible(False)
    if not drawn:
        return None
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    return figure


def _reconstructions(trained: Trained, dataset: Dataset, seed: int) -> np.ndarray:
    chosen = dataset.test_images[figures.first_of_each_class(dataset.test_labels)]
    output, _, _ = sampling.reconstruct(trained.learner, trained.parameters, chosen, stream(seed, "latent"))
    return images.enlarge(np.clip(output, -1, 1))


def _samples(trained: Trained, dataset: Dataset, settings: SamplingConfig, seed: int) -> np.ndarray:
    density = evaluation.density(trained, dataset, settings, seed)
    generated = sampling.generate(trained.learner, trained.parameters, _SAMPLES, stream(seed, "sampling"), density)
    return images.enlarge(generated)
