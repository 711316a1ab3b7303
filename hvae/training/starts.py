"""Where a run begins: at the weights of another run or chip, in place of random ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from crossbar.errors import InvalidValue
from hvae.config import toml_file
from hvae.config.run import RunConfig
from hvae.learning import learners, optimizers
from hvae.models.hopfield import Parameters
from hvae.onchip.chip import OnChip
from hvae.runs import loading
from hvae.runs.records import Checkpoint, RunFolder


def weights_of(source: Path, config: RunConfig) -> Parameters:
    """Return the weights of the run folder or chip file at `source`, as a run of `config` takes them.

    Of a programmed chip those that its devices realise, symmetric to the last bit: (W + W^T) / 2.

    Raises
    ------
    InvalidValue
        They fit no network of `config`, or that run is to train on an array, whose devices begin as they are made.
    HopbarError
        What stands in the way of loading them.
    """
    if config.array.device is not None:
        raise InvalidValue("`--start` is for float weights, but the run has an array: leave out --array or --start")
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


def begin(folder: RunFolder, config: RunConfig, source: Path, weights: Parameters) -> None:
    """Make `weights`, which are those of `source`, the checkpoint of step 0 of the new run in `folder`.

    ``start.json`` says where they are from, and their SHA-256.
    """
    optimizer = optimizers.make(config.optimizer, learners.make(config).blocks())
    zero = {name: np.zeros(shape, _kind(name, weights)) for name, shape in optimizer.shapes(weights).items()}
    folder.save(
        Checkpoint(step=0, parameters=weights, optimizer=zero, metrics_bytes=0, config=toml_file.dump(config))
    )  # fmt: skip
    digest = hashlib.sha256(b"".join(weights[name].tobytes() for name in sorted(weights))).hexdigest()
    folder.describe("start", {"from": str(source), "sha256": digest})


def _kind(name: str, weights: Parameters) -> np.dtype:
    """Return the type of the optimizer's array `name`: a count is a whole number, all else is as the weights are."""
    return np.dtype(np.int64) if name == "count" else next(iter(weights.values())).dtype
