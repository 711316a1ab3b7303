"""Where a run begins: at the weights of another run or chip, in place of random ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from crossbar.errors import InvalidValue
from crossbar.programming.arrays import ProgrammingReport, WriteVerify, write_verify
from hvae.config import toml_file
from hvae.config.run import RunConfig
from hvae.learning import learners, optimizers
from hvae.models.hopfield import Parameters
from hvae.onchip.chip import OnChip, make_onchip
from hvae.onchip.rules.chip_optimizer import make_chip_optimizer
from hvae.runs import loading
from hvae.runs.records import Checkpoint, RunFolder
from hvae.streams import stream

_WRITING = 2**30 + 1  # index of the streams that devices are written with


def weights_of(source: Path, config: RunConfig) -> Parameters:
    """Return the weights of the run folder or chip file at `source`, as a run of `config` takes them.

    Of a programmed chip those that its devices realise, symmetric to the last bit: (W + W^T) / 2.

    Raises
    ------
    InvalidValue
        They fit no network of `config`.
    HopbarError
        What stands in the way of loading them.
    """
    trained = loading.load(source)
    found = trained.learner.weights() if isinstance(trained.learner, OnChip) else trained.parameters
    wanted = learners.make(config).shapes()
    shapes = {name: weights.shape for name, weights in found.items()}
    if shapes != wanted:
        raise InvalidValue(
            f"{source} holds weights {shapes}, but this run needs {wanted}: give the model and sizes of that run"
        )
    dtype = np.dtype(config.training.precision)
    symmetric = config.model.name != "f-vae"
    return {name: _taken(weights, dtype, symmetric=symmetric) for name, weights in found.items()}


def _taken(weights: np.ndarray, dtype: np.dtype, *, symmetric: bool) -> np.ndarray:
    wide = weights.astype(np.float64)
    return ((wide + wide.T) / 2 if symmetric else wide).astype(dtype)


def begin(folder: RunFolder, config: RunConfig, source: Path, weights: Parameters) -> dict[str, ProgrammingReport]:
    """Make `weights`, which are those of `source`, the checkpoint of step 0 of the new run in `folder`.

    Onto an array they are written by write-verify; what comes back is how that went, by network. ``start.json`` says
    where they are from, their SHA-256, and how they were written.
    """
    reports: dict[str, ProgrammingReport] = {}
    if config.array.device is None:
        held, state = weights, _unmoved(config, weights)
    else:
        held, state, reports = _written(config, weights)
    folder.save(Checkpoint(step=0, parameters=held, optimizer=state, metrics_bytes=0, config=toml_file.dump(config)))
    digest = hashlib.sha256(b"".join(weights[name].tobytes() for name in sorted(weights))).hexdigest()
    written = {name: report.as_dict() for name, report in reports.items()}
    folder.describe("start", {"from": str(source), "sha256": digest} | ({"programming": written} if written else {}))
    return reports


def _unmoved(config: RunConfig, weights: Parameters) -> Parameters:
    """Return the state of an optimizer that has made no step."""
    optimizer = optimizers.make(config.optimizer, learners.make(config).blocks())
    return {name: np.zeros(shape, _kind(name, weights)) for name, shape in optimizer.shapes(weights).items()}


def _written(config: RunConfig, weights: Parameters) -> tuple[Parameters, Parameters, dict[str, ProgrammingReport]]:
    """Return what the run's devices hold of `weights` after write-verify, the state of its chip, and the reports."""
    chip = make_onchip(config, {name: np.zeros_like(array) for name, array in weights.items()})
    rules = make_chip_optimizer(config, chip)
    reports = {}
    for place, (name, array) in enumerate(sorted(chip.arrays.items())):
        rng = stream(config.training.seed, "device", _WRITING + place)
        array.balance(weights[name])
        reports[name] = write_verify(array, weights[name], WriteVerify(), rng)
    return chip.weights(), rules.state, reports


def told(reports: Mapping[str, ProgrammingReport]) -> str:
    """Return in a sentence how weights were written onto arrays, and the remedy where the range was too small."""
    parts = []
    for name, one in reports.items():
        parts.append(f"{name}: {100 * one.weight_error:.1f} % off, {one.pulses_up + one.pulses_down} pulses")
        if one.out_of_range:
            parts[-1] += f", {one.out_of_range} weights beyond {one.weight_limit:g} (raise `array.weight_limit`)"
    return "written onto devices; " + "; ".join(parts)


def _kind(name: str, weights: Parameters) -> np.dtype:
    """Return the type of the optimizer's array `name`: a count is a whole number, all else is as the weights are."""
    return np.dtype(np.int64) if name == "count" else next(iter(weights.values())).dtype
