"""One cell of a study: trained (or programmed), scored, and kept, so that it is never done again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from crossbar import input_files
from crossbar.errors import CorruptFile, DivergedError, InvalidValue
from crossbar.output_files import write_json
from hvae.config.array import FROM_DATA
from hvae.config.run import OptimizerConfig, RunConfig, SamplingConfig
from hvae.data.sets import Dataset
from hvae.jobs.job import OnStep, silent
from hvae.onchip.calibration import calibrated
from hvae.onchip.chip import OnChip, make_onchip
from hvae.onchip.costs import costs, phase_power
from hvae.runs import images, loading, records
from hvae.runs.loading import Trained
from hvae.runs.records import RunFolder
from hvae.scores import evaluation, sampling, yardstick
from hvae.scores.densities import LatentDensity
from hvae.streams import stream
from hvae.studies.grid import Cell, Study
from hvae.training import loop as training
from hvae.training.loop import Observer

RESULT = "result.json"
SAMPLES = 16
CURVE = 50  # steps of a training that a result keeps, about


def finished(study: Study, cell: Cell, folder: Path) -> dict[str, Any] | None:
    """Return the result that `folder` holds of `cell`, scored as `study` says; or None.

    Raises
    ------
    CorruptFile
        What it holds is no result.
    """
    path = folder / RESULT
    if not path.exists():
        return None
    kept = input_files.json_object(path, "remove it, and start the study again")
    if "failed" not in kept and not isinstance(kept.get("frechet_distance"), int | float):
        raise CorruptFile(f"{path} holds neither scores nor why there are none: remove it, and start the study again")
    if "failed" not in kept and "perfect_prior_distance" not in kept:
        return None  # made before results had it: scored again, and not trained again
    kept = evaluation.described(SamplingConfig()) | kept  # results that do not say their prior had N(0, I)
    scored = _scored(study, cell)
    return kept | _facts(cell) if {key: kept.get(key) for key in scored} == scored else None


def run_cell(study: Study, cell: Cell, folder: Path, *, on_step: OnStep = silent) -> dict[str, Any]:
    """Return the result of `cell`, made in `folder`: read if it is there, else trained on from its last checkpoint.

    A result that was scored otherwise is scored again, without another training. A run that diverges is a result too,
    without scores. `on_step` is told the steps of a training.
    """
    done = finished(study, cell, folder)
    if done is not None:
        return done
    facts = _facts(cell) | _scored(study, cell)
    try:
        trained = _trained(cell, folder, on_step) if cell.source is None else _programmed(cell, cell.source)
        dataset = images.load(trained.config.data)
        z = evaluation.density(trained, dataset, trained.config.sampling, cell.seed)
        scores = evaluation.evaluate_trained(
            trained, dataset, split=study.split, seed=cell.seed, count=study.images, z=z
        )
        scores |= yardstick.of_the_model(
            trained, dataset, trained.config.sampling, split=study.split, seed=cell.seed, count=study.images
        )
    except DivergedError as error:
        return _keep(folder, facts | {"failed": str(error)})
    _keep_samples(folder, trained, cell.seed, z)
    return _keep(folder, facts | scores | facts | _costs(trained, folder, dataset) | _history(folder))


def _facts(cell: Cell) -> dict[str, Any]:
    """Return what `cell` is, as its result says it."""
    return {
        "name": cell.name, "label": cell.label, "model": cell.model, "seed": cell.seed, "kind": cell.kind,
        "axes": cell.axes,
    }  # fmt: skip


def _scored(study: Study, cell: Cell) -> dict[str, Any]:
    """Return how `study` scores `cell`, as its result says it; what is trained, or programmed, is in its name."""
    found: dict[str, Any] = {"split": study.split, "images": study.images}
    # A trained run that is programmed has a [sampling] of its own.
    return found if cell.source is not None else found | evaluation.described(cell.config().sampling)


def _trained(cell: Cell, folder: Path, on_step: OnStep) -> Trained:
    if not (folder / "config.toml").exists():
        RunFolder.create(folder, cell.config())
    training.train(RunFolder.open(folder), observer=Observer(on_step=on_step))
    return loading.load(folder)


def _programmed(cell: Cell, run: str) -> Trained:
    """Return the trained `run`, programmed to the cell's devices and aged."""
    source = loading.load(Path(run))
    if cell.model != source.config.model.name:
        raise InvalidValue(
            f"{run} is a {source.config.model.name}, but the study asks for {cell.model}: set `models` to "
            f'["{source.config.model.name}"]'
        )
    settings = cell.config().array
    if settings.device is None:
        return source
    if "array.weight_limit" not in cell.changes:
        largest = max(float(np.abs(weights).max()) for weights in source.parameters.values())
        settings = replace(settings, weight_limit=largest)
    optimizer = OptimizerConfig(name="sgd", learning_rate=source.config.optimizer.learning_rate)  # none of it is used
    seeded = replace(source.config.training, seed=cell.seed)
    config = replace(source.config, array=settings, optimizer=optimizer, training=seeded)
    if config.array.adc_range == FROM_DATA:
        config = calibrated(config, source.parameters, images.load(config.data).train_images)
    chip = make_onchip(config, source.parameters)
    for array in chip.arrays.values():
        array.at_time(settings.age_seconds)
    return Trained(config=config, learner=chip, parameters=chip.weights(), epochs=source.epochs)


def _costs(trained: Trained, folder: Path, dataset: Dataset) -> dict[str, Any]:
    run = RunFolder(folder)
    metrics = [record for record in run.metrics() if "step" in record]
    steps = int(metrics[-1]["step"]) if metrics else 0
    found: dict[str, Any] = {"steps": steps, "seconds": run.training_seconds() if steps else 0.0}
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


def _history(folder: Path) -> dict[str, Any]:
    """Return how the run of a cell was made and how it went: a lost folder then loses nothing of what was found."""
    found: dict[str, Any] = {"commit": records.environment()["commit"]}
    steps = [row for row in RunFolder(folder).metrics() if "sse_half" in row]
    kept = steps[:: max(1, len(steps) // CURVE)]
    return found | {"curve": [{key: row[key] for key in ("step", "sse_half", "kl")} for row in kept]}


def _batch(config: RunConfig, dataset: Dataset) -> int:
    return min(config.training.batch_size, len(dataset.train_images))


def _keep_samples(folder: Path, trained: Trained, seed: int, z: LatentDensity) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made = sampling.generate(trained.learner, trained.parameters, SAMPLES, stream(seed, "sampling"), z)
    np.save(folder / "samples.npy", images.picture(made, trained.config.data.shape))


def _keep(folder: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Write the result atomically: a cell with a result is finished."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / RESULT, result)
    kept: dict[str, Any] = json.loads(json.dumps(result))
    return kept
