"""The training of a flow in its folder: from its last checkpoint, or from its seed, to its last step."""

from __future__ import annotations

import time
from collections.abc import Callable

from crossbar.errors import InvalidValue
from hvae.config import flow as flow_config
from hvae.config.flow import FlowConfig
from hvae.data.sets import Dataset
from hvae.flows.course import Course
from hvae.flows.pulsed import PulsedCourse
from hvae.runs import images, lock
from hvae.runs.flows import FlowFolder, make_chip
from hvae.runs.records import Checkpoint
from hvae.training.loop import Ending
from hvae.training.watching import interruptions, progress

LOG_EVERY = 10
CHECKPOINT_SECONDS = 60.0


def watch(folder: FlowFolder, data: Dataset | None = None) -> tuple[bool, dict[str, float]]:
    """Train the flow in `folder` as a person watches it; return whether it finished, and its last step and loss."""
    last: dict[str, float] = {}
    with interruptions() as interrupted, progress() as bar:
        task = bar.add_task("flow", total=folder.config().teaching.steps, losses="")

        def hear(step: int, loss: float) -> None:
            last.update(step=step, loss=loss)
            bar.update(task, completed=step, losses=f"loss {loss:.4f} a pixel")

        ending = train(folder, data, hear, lambda: bool(interrupted))
        told = "stopped at a checkpoint; go on with the same command and --resume"
        if ending is Ending.FINISHED:
            told = f"finished: {folder.path}; next: hopbar flow score {folder.path}"
        bar.console.print(told)
    return ending is Ending.FINISHED, last


def train(
    folder: FlowFolder,
    data: Dataset | None = None,
    hear: Callable[[int, float], object] = lambda *_: None,
    stop: Callable[[], bool] = lambda: False,
) -> Ending:
    """Train the flow in `folder` to its last step, or until `stop` says so; `hear` gets each step and its loss a pixel.

    Two runs of one configuration, machine and thread count leave the same bytes in metrics.jsonl, checkpoint.h5 and
    chip.h5, whether or not they were killed and resumed in between.

    Raises
    ------
    DivergedError
        The loss is no longer finite; the last checkpoint is kept.
    FolderInUse, CorruptFile, InvalidValue
        Another process trains it; its checkpoint is damaged, or of another configuration.
    """
    config = folder.config()
    with lock.held(folder.path):
        data = data or images.load(config.data)
        course = _opened(folder, config, data)
        saved = time.monotonic()
        while not course.finished:
            loss = 2 * course.advance() / data.train_images.shape[1]
            if course.step % LOG_EVERY == 0 or course.step == 1:
                folder.records.log("metrics", {"step": course.step, "loss": loss})
            hear(course.step, loss)
            stopped = stop() and not course.finished
            if stopped or course.finished or time.monotonic() - saved > CHECKPOINT_SECONDS:
                _save(folder, config, data, course)
                saved = time.monotonic()
            if stopped:
                return Ending.STOPPED
        return Ending.FINISHED


def begun(config: FlowConfig, data: Dataset) -> Course | PulsedCourse:
    """Return the course of `config` before its first step, on an array if it names one.

    Raises
    ------
    InvalidValue, UnknownName
        An array on which no flow can be taught, or a denoiser.
    """
    if config.teaching.matching == "denoiser":
        raise InvalidValue(
            "a denoiser has no chip yet and is no run: choose teaching.matching flow or equilibrium; "
            "`hvae.flows.course.learn` teaches one, of latents"
        )
    if config.array.device is None:
        return Course.begin(data.train_images, config.teaching, config.teaching.seed)
    return PulsedCourse.begin(data.train_images, config.teaching, config.array, config.teaching.seed)


def _opened(folder: FlowFolder, config: FlowConfig, data: Dataset) -> Course | PulsedCourse:
    course, records = begun(config, data), folder.records
    if not records.has_checkpoint():
        records.cut_logs(0)
        return course
    found = folder.resumed(config)
    records.cut_logs(found.metrics_bytes)
    with records.restoring():
        course.restore(found.step, found.parameters, found.optimizer)
    return course


def _save(folder: FlowFolder, config: FlowConfig, data: Dataset, course: Course | PulsedCourse) -> None:
    """Write the checkpoint, and the chip as it is by now."""
    made = Checkpoint(
        step=course.step, parameters=course.parameters, optimizer=course.memory,
        metrics_bytes=folder.records.metrics_size(), config=flow_config.dump(config),
    )  # fmt: skip
    folder.records.save(made)
    make_chip(config, course.flow, data, course.step, course.conductances()).save(folder.path / "chip.h5")
