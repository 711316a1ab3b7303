"""Figures 2 to 4 of the paper and the learning curves, all rows of a reproduction side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from hvae import evaluation, figures, images, loading, sampling
from hvae.config import SamplingConfig
from hvae.datasets import Dataset
from hvae.loading import Trained
from hvae.records import RunFolder
from hvae.reproduction import Plan
from hvae.streams import stream

_SAMPLES = 10
CURVES = {
    "validation SSE/2": "validation_sse_half",
    "validation KL (nat)": "validation_kl",
    "validation Frechet distance": "validation_frechet_distance",
}


def draw(planned: Plan, folder: Path, seed: int = 0) -> list[Path]:
    """Draw originals, reconstructions, samples and learning curves of the rows' first runs; return the paths.

    Rows that share their runs, and differ in where z is drawn from alone, have one line in reconstructions and curves.
    """
    paths = {row.label: planned.folders[row.label][0] for row in planned.rows}
    rows = [row for row in planned.rows if (paths[row.label] / "checkpoint.h5").exists()]
    if not rows:
        return []
    models = {row.label: loading.load(paths[row.label]) for row in rows}
    data = {label: images.load(trained.config.data) for label, trained in models.items()}
    first = data[rows[0].label]
    originals = images.enlarge(first.test_images[figures.first_of_each_class(first.test_labels)])
    drawn = {"figure-2-originals": figures.originals(images.enlarge(first.test_images), first.test_labels)}
    own = [row for at, row in enumerate(rows) if paths[row.label] not in [paths[one.label] for one in rows[:at]]]
    same = [row.label for row in own if data[row.label].name == first.name]
    decoded = {label: _reconstructions(models[label], data[label], seed) for label in same}
    drawn["figure-3-reconstructions"] = figures.reconstructions(originals, decoded)
    sampled = planned.sampling
    generated = {row.label: _samples(models[row.label], data[row.label], sampled[row.label], seed) for row in rows}
    drawn["figure-4-samples"] = figures.samples_of_models(generated)
    curves = learning_curves({row.label: [RunFolder(path) for path in planned.folders[row.label]] for row in own})
    if curves is not None:
        drawn["learning-curves"] = curves
    return [path for stem, figure in drawn.items() for path in figures.save(figure, folder / stem)]


def learning_curves(runs: dict[str, Sequence[RunFolder]]) -> Figure | None:
    """Draw the validation losses and distance after each epoch, one colour a row, one line a seed; None without any.

    Where rows outnumber the colours, those come again with a dashed line.
    """
    figure = Figure(figsize=(4.6 * len(CURVES) + 2.4, 3.6), layout="constrained")
    drawn = 0
    for number, (label, key) in enumerate(CURVES.items(), start=1):
        axes = figure.add_subplot(1, len(CURVES), number)
        for index, (name, folders) in enumerate(runs.items()):
            for at, folder in enumerate(folders):
                points = [(one["epoch"], one[key]) for one in folder.metrics() if key in one]
                if points:
                    turn, colour = divmod(index, len(figures.COLOURS))
                    style: dict = {"color": figures.COLOURS[colour], "linestyle": ("-", "--", ":")[turn % 3]}
                    axes.plot(*zip(*points, strict=True), **style, label=None if at else name, marker=".")
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
