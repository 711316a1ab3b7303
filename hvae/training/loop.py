"""The training loop: batches, checkpoints, exact resume, and an end that says how it came."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from crossbar.errors import DivergedError
from hvae.config import toml_file
from hvae.config.run import RunConfig
from hvae.data.sets import Dataset
from hvae.learning import learners, optimizers, unsettled
from hvae.learning.gradient_error import gradient_error
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.learning.learners import Learner
from hvae.learning.stiffness import smallest_eigenvalues
from hvae.learning.unsettled import UnsettledError
from hvae.models import memory
from hvae.models.hopfield import Parameters
from hvae.onchip.chip import OnChip, make_onchip
from hvae.onchip.rules.chip_optimizer import ChipOptimizer, make_chip_optimizer
from hvae.runs import images, loading, lock
from hvae.runs.export import make_chip
from hvae.runs.records import Checkpoint, RunFolder
from hvae.scores import evaluation
from hvae.streams import stream
from hvae.training import engines, step
from hvae.training.disturbance import Disturbance
from hvae.training.engines import TORCH, Choice, Engine, OnArrays, OnTensors

_LOG_EVERY = 10
SHARES = {
    "unconverged": f"training {evaluation.UNSETTLED}",
    "failed_nudges": "training nudges failed",
    "validation_unsettled": f"validation {evaluation.UNSETTLED}",
}
"""Metrics that tell which share of the phases of a step, or of an epoch's validation, came to nothing, in words."""

Metrics = Mapping[str, float]


class Ending(Enum):
    """Why a call of `train` returned."""

    FINISHED = "finished"
    STOPPED = "stopped"


@dataclass
class Observer:
    """What a caller hears of a run, and how it asks for its end; silent and patient by default."""

    on_step: Callable[[int, int, Metrics], None] = lambda *_: None
    on_epoch: Callable[[int, Metrics], None] = lambda *_: None
    stop_requested: Callable[[], bool] = lambda: False


@dataclass
class _Run:
    """A run in memory: everything that changes from step to step."""

    config: RunConfig
    folder: RunFolder
    learner: Learner
    dataset: Dataset
    optimizer: optimizers.Optimizer | ChipOptimizer
    parameters: Parameters
    engine: Engine
    step: int = 0
    saved_at: float = field(default_factory=time.monotonic)
    shares: list[dict[str, float]] = field(default_factory=list)  # `SHARES` of the epoch's steps made by this process

    @property
    def steps_per_epoch(self) -> int:
        return _total_steps(self.config, self.dataset) // self.config.training.epochs

    @property
    def total_steps(self) -> int:
        return _total_steps(self.config, self.dataset)

    def save(self) -> None:
        """Write the checkpoint."""
        self.engine.hand_back()
        self.folder.save(
            Checkpoint(
                step=self.step,
                parameters=self.parameters,
                optimizer=self.optimizer.state,
                metrics_bytes=self.folder.metrics_size(),
                config=toml_file.dump(self.config),
            )
        )
        self.saved_at = time.monotonic()


def train(
    folder: RunFolder,
    dataset: Dataset | None = None,
    observer: Observer | None = None,
    engine: Choice | None = None,
) -> Ending:
    """Train the run in `folder` from its last checkpoint, or from its seed, to its last epoch.

    Two runs of one configuration, seed, machine, engine and thread count leave the same bytes in metrics.jsonl,
    checkpoint.h5 and chip.h5, whether or not they were killed and resumed in between. The `engine` is by default that
    which the run began with, else numpy.

    Raises
    ------
    DivergedError
        A loss or a weight is no longer finite; the last good checkpoint is kept.
    UnsettledError
        More of an epoch's samples than `settling.max_unsettled`, as a mean over its steps, did not settle, or their
        nudged phases failed; the checkpoint before that epoch's end is kept.
    CorruptFile
        The checkpoint holds weights that no model of this kind has.
    FolderInUse
        Another process trains this run.
    """
    config = folder.config()
    with lock.held(folder.path):
        choice = engine or engines.recorded(folder)
        choice.check(config)
        return _train(_open(folder, config, dataset or images.load(config.data), choice), observer or Observer())


def _train(run: _Run, observer: Observer) -> Ending:
    while run.step < run.total_steps:
        _step(run, observer)
        end_of_epoch = run.step % run.steps_per_epoch == 0
        if end_of_epoch:
            _finish_epoch(run, observer)
        overdue = time.monotonic() - run.saved_at > run.config.training.checkpoint_seconds
        stop = observer.stop_requested()
        if end_of_epoch or overdue or stop:
            run.save()
        if stop and run.step < run.total_steps:
            return Ending.STOPPED
    _save_chip(run)
    return Ending.FINISHED


def _total_steps(config: RunConfig, dataset: Dataset) -> int:
    training = config.training
    return step.per_epoch(len(dataset.train_images), training.batch_size) * training.epochs


def _open(folder: RunFolder, config: RunConfig, dataset: Dataset, choice: Choice) -> _Run:
    memory.check(config)
    if config.array.device is not None:
        return _open_chip(folder, config, dataset)
    learner = learners.make(config)
    optimizer = optimizers.make(config.optimizer, learner.blocks())
    at = 0
    if folder.has_checkpoint():
        checkpoint = folder.resumed(config, _total_steps(config, dataset))
        learners.check_parameters(learner, checkpoint.parameters, folder.path / "checkpoint.h5")
        loading.refuse_broken(learner, checkpoint.parameters, folder.path)
        folder.cut_logs(checkpoint.metrics_bytes)
        optimizers.restore(optimizer, checkpoint.parameters, checkpoint.optimizer)
        parameters, at = checkpoint.parameters, checkpoint.step
    else:
        folder.cut_logs(0)
        dtype = np.dtype(config.training.precision).type
        parameters = learner.init(stream(config.training.seed, "init"), dtype)
    pictures = dataset.train_images
    engine: Engine = OnArrays(config, learner, optimizer, parameters, pictures, Disturbance.of(config))
    if choice.name == TORCH or choice != engines.recorded(folder):
        folder.describe("engine", choice.facts())
    if choice.name == TORCH:
        engine = OnTensors.of(choice, config, pictures, parameters, optimizer.state, at)
    return _Run(config, folder, learner, dataset, optimizer, parameters, engine, at)


def _open_chip(folder: RunFolder, config: RunConfig, dataset: Dataset) -> _Run:
    """Return a run on crossbar arrays, whose optimizer is the chip's learning rule and whose state is its devices."""
    chip = make_onchip(config)
    optimizer = make_chip_optimizer(config, chip)
    folder.describe("onchip", chip.describe())
    if not folder.has_checkpoint():
        folder.cut_logs(0)
        weights = chip.weights()
        engine = OnArrays(config, chip, optimizer, weights, dataset.train_images)
        return _Run(config, folder, chip, dataset, optimizer, weights, engine)
    checkpoint = folder.resumed(config, _total_steps(config, dataset))
    learners.check_parameters(chip, checkpoint.parameters, folder.path / "checkpoint.h5")
    with folder.restoring():
        optimizer.restore(checkpoint.optimizer)
    folder.cut_logs(checkpoint.metrics_bytes)
    loading.refuse_broken(chip, chip.weights(), folder.path)
    engine = OnArrays(config, chip, optimizer, checkpoint.parameters, dataset.train_images)
    return _Run(config, folder, chip, dataset, optimizer, checkpoint.parameters, engine, checkpoint.step)


def _step(run: _Run, observer: Observer) -> None:
    started = time.perf_counter()
    rate = optimizers.learning_rate(run.config.optimizer, run.step / run.total_steps)
    try:
        metrics = run.engine.advance(run.step, rate)
    except DivergedError as error:
        raise DivergedError(_divergence(run, str(error))) from error
    run.step += 1
    run.shares.append({name: metrics[name] for name in SHARES if name in metrics})
    record = {"step": run.step, "epoch": run.step / run.steps_per_epoch, "learning_rate": rate}
    record |= metrics
    if run.step % _LOG_EVERY == 0 or run.step == 1:
        run.folder.log("metrics", record)
        run.folder.log("timing", {"step": run.step, "seconds": time.perf_counter() - started})
    observer.on_step(run.step, run.total_steps, record)


def _divergence(run: _Run, what: str) -> str:
    kept, remedy = "before any checkpoint", "a lower `optimizer.learning_rate`"
    if run.folder.has_checkpoint():
        kept = f"the checkpoint of step {run.folder.load().step} is kept"
    if run.config.model.name != "f-vae":
        remedy += ", or a tighter `nudging.norm_limit` or `settling.tolerance`"
    return f"training diverged at step {run.step + 1}: {what} ({kept}); start again with {remedy}"


def _finish_epoch(run: _Run, observer: Observer) -> None:
    run.engine.hand_back()
    training, dataset = run.config.training, run.dataset
    record: dict[str, float] = {"epoch": run.step // run.steps_per_epoch}
    count = min(training.validation_samples, len(dataset.validation_images))
    if count > 1:
        record |= evaluation.validation_scores(
            run.learner, run.parameters, dataset, count, training.seed, run.config.sampling
        )
    ideal = run.learner.ideal if isinstance(run.learner, OnChip) else run.learner
    if training.eigenvalue_samples and isinstance(ideal, EquilibriumPropagation):
        sample = dataset.validation_images[: training.eigenvalue_samples]
        record["smallest_eigenvalue"] = float(smallest_eigenvalues(ideal, run.parameters, sample).min())
    if training.gradient_samples and isinstance(run.learner, EquilibriumPropagation):
        record |= _gradient_error(run, run.learner, int(record["epoch"]))
    run.folder.log("metrics", record)
    told = record | _mean_shares(run)  # of the steps since a resume, if there was one: told, and not logged
    observer.on_epoch(int(record["epoch"]), told)
    limit = run.config.settling.max_unsettled
    try:
        unsettled.refuse({words: told.get(name) for name, words in SHARES.items()}, limit)
    except UnsettledError as error:
        epoch = int(record["epoch"])
        raise UnsettledError(
            f"epoch {epoch} of {training.epochs} taught nothing that can be trusted: {error}"
        ) from error
    _save_chip(run)


def _gradient_error(run: _Run, learner: EquilibriumPropagation, epoch: int) -> dict[str, float]:
    """Return how far tolerances leave the gradient of a few validation images, none shortened, from the exact one."""
    training, plain = run.config.training, replace(learner, norm_limit=np.inf)
    images = run.dataset.validation_images[: training.gradient_samples].astype(training.precision)
    noise = stream(training.seed, "gradient", epoch).standard_normal((len(images), learner.latent))
    found = gradient_error(plain, run.parameters, images, noise.astype(training.precision))
    if not np.isfinite(found.relative):
        return {}
    return {"gradient_error": found.relative, "gradient_cosine": found.cosine}


def _mean_shares(run: _Run) -> dict[str, float]:
    """Return the means of `SHARES` over the steps of the epoch, and begin the next one."""
    steps, run.shares = run.shares, []
    return {name: float(np.mean([one[name] for one in steps])) for name in SHARES if steps and name in steps[0]}


def _save_chip(run: _Run) -> None:
    if isinstance(run.learner, OnChip):
        devices = run.learner.conductances()
        chip = make_chip(run.config, run.learner.vae, run.parameters, run.dataset, run.step, devices)
        chip.save(run.folder.path / "chip.h5")
    if isinstance(run.learner, EquilibriumPropagation):
        vae = run.learner.trained(run.parameters)
        make_chip(run.config, vae, run.parameters, run.dataset, run.step).save(run.folder.path / "chip.h5")
