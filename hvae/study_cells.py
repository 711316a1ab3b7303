"""One cell of a study: trained (or programmed), scored, and kept, so that it is never done again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from crossbar.errors import DivergedError
from hvae import evaluation, images, loading, sampling, training
from hvae.config import RunConfig
from hvae.datasets import Dataset
from hvae.loading import Trained
from hvae.onchip import OnChip, make_onchip
from hvae.onchip_costs import costs, phase_power
from hvae.records import RunFolder
from hvae.streams import stream
from hvae.studies import Cell, Study

RESULT = "result.json"
SAMPLES = 16


def finished(folder: Path) -> dict[str, Any] | None:
    """Return the result that `folder` holds, or None."""
    path = folder / RESULT
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def run_cell(study: Study, cell: Cell, folder: Path) -> dict[str, Any]:
    """Return the result of `cell`, made in `folder`: read if it is there, else trained on from its last checkpoint.

    A run that diverges is a result too, without scores.
    """
    done = finished(folder)
    if done is not None:
        return done
    facts: dict[str, Any] = {
        "name": cell.name, "label": cell.label, "model": cell.model, "seed": cell.seed, "kind": cell.kind,
        "axes": cell.axes,
    }  # fmt: skip
    try:
        trained = _programmed(study, cell) if study.inference is not None else _trained(cell, folder)
    except DivergedError as error:
        return _keep(folder, facts | {"failed": str(error)})
    dataset = images.load(trained.config.data)
    scores = evaluation.evaluate(trained.learner, trained.parameters, dataset, study.split, cell.seed, study.images)
    _keep_samples(folder, trained, cell.seed)
    return _keep(folder, facts | scores | _costs(trained, folder, dataset))


def _trained(cell: Cell, folder: Path) -> Trained:
    if not (folder / "config.toml").exists():
        shutil.rmtree(folder, ignore_errors=True)  # of a kill before the run was whole
        RunFolder.create(folder, cell.config())
    training.train(RunFolder.open(folder))
    return loading.load(folder)


def _programmed(study: Study, cell: Cell) -> Trained:
    """Return the study's trained run, programmed to the cell's devices and aged."""
    source = loading.load(Path(str(study.inference)))
    settings = cell.config().array
    if settings.device is None:
        return source
    if "array.weight_limit" not in cell.changes:
        largest = max(float(np.abs(weights).max()) for weights in source.parameters.values())
        settings = replace(settings, weight_limit=largest)
    optimizer = replace(source.config.optimizer, name="sgd")
    seeded = replace(source.config.training, seed=cell.seed)
    config = replace(source.config, array=settings, optimizer=optimizer, training=seeded)
    chip = make_onchip(config, source.parameters)
    for array in chip.arrays.values():
        array.at_time(settings.age_seconds)
    return Trained(config=config, learner=chip, parameters=chip.weights(), epochs=source.epochs)


def _costs(trained: Trained, folder: Path, dataset: Dataset) -> dict[str, Any]:
    run = RunFolder(folder)
    seconds = [json.loads(line)["seconds"] for line in _lines(folder / "timing.jsonl")]
    metrics = [record for record in run.metrics() if "step" in record]
    steps = int(metrics[-1]["step"]) if metrics else 0
    found: dict[str, Any] = {"steps": steps, "seconds": float(np.median(seconds)) * steps if seconds else 0.0}
    if not isinstance(trained.learner, OnChip):
        return found
    chip = trained.learner
    totals = chip.costs()
    found |= {"way": chip.way_name, "pulses": totals["pulses_up"] + totals["pulses_down"], "reads": totals["reads"]}
    found["write_energy"] = totals["write_energy"]
    seen = steps * _batch(trained.config, dataset)
    power = phase_power(chip, stream(trained.config.training.seed, "sampling", 2**30))
    found["costs"] = costs(trained.config, totals, seen, power).as_dict()
    found["asymmetry"] = max(array.asymmetry() for array in chip.arrays.values())
    return found


def _batch(config: RunConfig, dataset: Dataset) -> int:
    return min(config.training.batch_size, len(dataset.train_images))


def _lines(path: Path) -> list[str]:
    """Return the whole lines of a file, none if it is not there; a last one that a kill cut short is left out."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return text[: text.rfind("\n") + 1].splitlines()


def _keep_samples(folder: Path, trained: Trained, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(
        folder / "samples.npy",
        sampling.generate(trained.learner, trained.parameters, SAMPLES, stream(seed, "sampling")),
    )


def _keep(folder: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Write the result atomically: a cell with a result is finished."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / (RESULT + ".part")
    text = json.dumps(result, indent=1) + "\n"
    part.write_text(text, encoding="utf-8")
    part.replace(folder / RESULT)
    return json.loads(text)
