"""What a study leaves: a table (JSON, CSV), curves, a heat map, samples side by side, and one page with it all."""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from matplotlib.figure import Figure

from crossbar.output_files import write_json, write_text
from hvae.scores import evaluation
from hvae.studies import differences
from hvae.studies.cells import SAMPLES
from hvae.studies.grid import IDEAL_LABEL, Cell, Study

Result = dict[str, Any]
Row = dict[str, Any]

COLUMNS = (
    "label", "model", "seeds", "failed", "verdict", "frechet_ideal", "frechet", "frechet_std", "difference",
    "difference_interval", "sse_half_mean_ideal", "sse_half_mean", "sse_half_mean_difference",
    "sse_half_mean_interval", "perfect_prior_distance_ideal", "perfect_prior_distance",
    "perfect_prior_distance_difference", "perfect_prior_distance_interval", "sse_half_ideal", "sse_half",
    "unsettled", "active_latents", "pulses", "write_energy", "generate_read_energy", "seconds", "way",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure of the page."""

    name: str
    caption: str
    png: bytes


def write_report(study: Study, results: Sequence[Result], out: Path) -> dict[str, Any]:
    """Write study.json, study.csv, the figures and study.html to `out`; return what study.json holds."""
    rows = table(results, programmed=study.inference is not None)
    found = {"title": study.title, "split": study.split, "rows": rows, "cells": list(results)}
    write_json(out / "study.json", found)
    with (out / "study.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    pictures = [*curves(study, results), *heat_maps(study, results), *samples(results, out)]
    for picture in pictures:
        (out / f"{picture.name}.png").write_bytes(picture.png)
    write_text(out / "study.html", page(study, results, rows, pictures))
    return found


def table(results: Sequence[Result], *, programmed: bool = False) -> list[Row]:
    """Return one row a label and model, means over the seeds; differences are to the ideal run of the same seed.

    `programmed` says whether chips were given weights, or learned them, for the verdict.
    """
    ideal = {(one["model"], one["seed"]): one for one in results if one["kind"] == "ideal"}
    groups: dict[tuple[str, str], list[Result]] = {}
    for one in results:
        groups.setdefault((one["label"], one["model"]), []).append(one)
    return [_row(label, model, group, ideal, programmed) for (label, model), group in groups.items()]


def curves(study: Study, results: Sequence[Result]) -> list[Picture]:
    """Return Frechet distance against each setting that was varied alone, with the ideal run as a line."""
    found = {key: scored(study.curve_cells(key), results) for key in study.curves}
    return [_curve(key, own, results) for key, own in found.items() if own]


def heat_maps(study: Study, results: Sequence[Result]) -> list[Picture]:
    """Return Frechet distance over the first two axes of the grid, a picture a model; means over the others."""
    grid = scored(study.grid_cells(), results)
    if not grid or len(grid[0]["axes"]) < 2:
        return []
    return [_heat_map(model, [one for one in grid if one["model"] == model]) for model in _models(grid)]


def scored(cells: Sequence[Cell], results: Sequence[Result]) -> list[Result]:
    """Return the scored results of `cells`, by name: a cell may belong to a curve and the grid at once."""
    found = {one["name"]: one for one in results if "frechet_distance" in one}
    return [found[cell.name] for cell in cells if cell.name in found]


def samples(results: Sequence[Result], out: Path) -> list[Picture]:
    """Return generated images of every row's first seed, one line a row."""
    shown = {}
    for one in results:
        path = out / "cells" / one["name"] / "samples.npy"
        if (one["label"], one["model"]) not in shown and path.exists():
            shown[one["label"], one["model"]] = np.load(path)
    if not shown:
        return []
    figure = Figure(figsize=(10, 0.65 * len(shown) + 0.3), layout="constrained")
    axes = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    for axis, ((label, model), images) in zip(axes, shown.items(), strict=True):
        strip = np.concatenate(_pictures(images), axis=1)
        drawn = strip if strip.ndim == 2 else np.clip((strip + 1) / 2, 0, 1)
        axis.imshow(drawn, cmap="gray", vmin=-1, vmax=1, aspect="equal")
        axis.set_ylabel(f"{label}\n{model}", rotation=0, ha="right", va="center", fontsize=7)
        axis.set_xticks([])
        axis.set_yticks([])
    return [
        Picture(
            name="samples",
            caption=f"{SAMPLES} images from the prior, the same latents for every row.",
            png=_png(figure),
        )
    ]


def _pictures(images: np.ndarray) -> np.ndarray:
    """Return kept images (n, rows, columns) or (n, rows, columns, 3); those of before were rows of square ones."""
    side = round(images.shape[1] ** 0.5)
    return images.reshape(-1, side, side) if images.ndim == 2 else images


def page(study: Study, results: Sequence[Result], rows: Sequence[Row], pictures: Sequence[Picture]) -> str:
    """Return one HTML page that needs no other file."""
    environment = jinja2.Environment(loader=jinja2.PackageLoader("hvae"), autoescape=True)
    environment.filters["figure"] = shown
    embedded = [
        {"caption": one.caption, "name": one.name, "data": base64.b64encode(one.png).decode()} for one in pictures
    ]
    template = environment.get_template("study.html.j2")
    told: dict[str, Any] = {"priors": priors(results), "failures": failures(results)}
    told |= {"holds": differences.HOLDS, "learns": differences.LEARNS}
    return template.render(study=study, rows=rows, columns=COLUMNS, pictures=embedded, **told)


def priors(results: Sequence[Result]) -> str:
    """Return where z was drawn from for the scored `results`, in words."""
    names = dict.fromkeys(one.get("prior", "standard") for one in results if "frechet_distance" in one)
    return ", ".join(evaluation.source(name) for name in names)


def failures(results: Sequence[Result]) -> dict[str, str]:
    """Return why cells have no scores, by the cell's name."""
    return {one["name"]: one["failed"] for one in results if "failed" in one}


def _row(
    label: str, model: str, group: list[Result], ideal: dict[tuple[str, int], Result], programmed: bool
) -> Row:
    good = [one for one in group if "frechet_distance" in one]
    own = [ideal.get((one["model"], one["seed"]), {}) for one in good]  # one that is not finished has no scores
    distances, ideals = _values(good, "frechet_distance"), _values(own, "frechet_distance")
    energy = [one["costs"]["generate_read_energy"][1] for one in good if "costs" in one]
    distance = differences.difference(differences.paired(good, ideal, "frechet_distance"))
    pairs = differences.paired(good, ideal, "sse_half_mean")
    row: Row = {
        "label": label, "model": model, "seeds": len(group), "failed": len(group) - len(good),
        "verdict": "-" if label == IDEAL_LABEL else differences.verdict(pairs, programmed=programmed),
        "frechet_ideal": _mean(ideals), "frechet": _mean(distances),
        "frechet_std": float(np.std(distances, ddof=1)) if len(distances) > 1 else None,
        "difference": distance and distance.mean, "difference_interval": distance and distance.half,
    }  # fmt: skip
    for score in ("sse_half_mean", "perfect_prior_distance"):
        found = differences.difference(differences.paired(good, ideal, score))
        row |= {
            f"{score}_ideal": _mean(_values(own, score)), score: _mean(_values(good, score)),
            f"{score}_difference": found and found.mean, f"{score}_interval": found and found.half,
        }  # fmt: skip
    return row | {
        "sse_half_ideal": _mean(_values(own, "sse_half")), "sse_half": _mean(_values(good, "sse_half")),
        "unsettled": _mean(_values(good, "unsettled")),
        "active_latents": _mean(_values(good, "active_latents")), "pulses": _mean(_values(good, "pulses")),
        "write_energy": _mean(_values(good, "write_energy")), "generate_read_energy": _mean(energy),
        "seconds": _mean(_values(good, "seconds")), "way": ", ".join(sorted({one.get("way", "float") for one in good})),
    }  # fmt: skip


def _curve(key: str, own: Sequence[Result], results: Sequence[Result]) -> Picture:
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axis = figure.subplots()
    for model in _models(own):
        points = sorted({one["axes"][key] for one in own if one["model"] == model}, key=_order)
        groups = [
            [one["frechet_distance"] for one in own if one["axes"][key] == p and one["model"] == model] for p in points
        ]
        places = points if all(isinstance(p, int | float) for p in points) else range(len(points))
        spread = [float(np.std(group, ddof=1)) if len(group) > 1 else 0.0 for group in groups]
        axis.errorbar(list(places), [float(np.mean(group)) for group in groups], yerr=spread, marker="o", label=model)
        if not isinstance(places, list):
            axis.set_xticks(list(places), [str(p) for p in points])
        elif min(places) > 0 and max(places) / min(places) > 30:
            axis.set_xscale("log")
        else:
            axis.locator_params(axis="x", nbins=5)  # labels of small numbers are long
    _ideal_lines(axis, results)
    axis.set_xlabel(key)
    axis.set_ylabel("Frechet distance")
    axis.legend(fontsize=7)
    name = "curve-" + key.replace(".", "-")
    return Picture(
        name=name, caption=f"Frechet distance against {key}; bars: one standard deviation over seeds.", png=_png(figure)
    )


def _ideal_lines(axis: Any, results: Sequence[Result]) -> None:
    ideal = [one for one in results if one["kind"] == "ideal" and "frechet_distance" in one]
    for model in _models(ideal):
        mean = _mean([one["frechet_distance"] for one in ideal if one["model"] == model])
        axis.axhline(mean, linestyle="--", color="gray", linewidth=1, label=f"{model}, {IDEAL_LABEL}")


def _heat_map(model: str, grid: Sequence[Result]) -> Picture:
    first, second = list(grid[0]["axes"])[:2]

    def at(one: Result) -> tuple[Any, Any]:
        return one["axes"][first], one["axes"][second]

    rows = sorted({one["axes"][first] for one in grid}, key=_order)
    columns = sorted({one["axes"][second] for one in grid}, key=_order)
    values = np.array([
        [_mean(_values([g for g in grid if at(g) == (r, c)], "frechet_distance")) or np.nan for c in columns]
        for r in rows
    ], float)  # fmt: skip
    figure = Figure(figsize=(1.5 + len(columns), 1.2 + 0.6 * len(rows)), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(values, cmap="viridis_r", aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        axis.text(j, i, f"{value:.0f}", ha="center", va="center", color="white", fontsize=8)
    axis.set_xticks(range(len(columns)), [str(c) for c in columns])
    axis.set_yticks(range(len(rows)), [str(r) for r in rows])
    axis.set_xlabel(second)
    axis.set_ylabel(first)
    figure.colorbar(image, label="Frechet distance")
    return Picture(name=f"heat-{model}", caption=f"{model}: Frechet distance, mean over seeds.", png=_png(figure))


def _models(results: Iterable[Result]) -> list[str]:
    return list(dict.fromkeys(one["model"] for one in results))


def _values(results: Iterable[Result], key: str) -> list[float]:
    return [float(one[key]) for one in results if one.get(key) is not None]


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _order(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, int | float) else (1, str(value))


def shown(value: Any) -> str:
    """Return a value as the table shows it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return (
            f"{value:.3g}"
            if abs(value) < 1e-2 or abs(value) >= 1e5
            else f"{value:.1f}"
            if math.isfinite(value)
            else "-"
        )
    return f"{value:,}" if isinstance(value, int) else str(value)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()
