"""A run that is trained for longer than it was begun for, and what that does to its schedule."""

from __future__ import annotations

from dataclasses import replace

from crossbar import input_files
from crossbar.errors import InvalidValue
from crossbar.output_files import write_json, write_text
from hvae.config import toml_file
from hvae.config.run import RunConfig
from hvae.learning import optimizers
from hvae.runs import lock
from hvae.runs.records import LENGTHENED, RunFolder


def lengthen(folder: RunFolder, epochs: int) -> str:
    """Let the run in `folder` go on to `epochs`; return a sentence on what becomes of its learning rate.

    Its schedule is stretched: from where the run stands on, the rate is that of a run of `epochs`. What it was trained
    with until then stays as it is, so that it is no run of `epochs` from its seed. ``lengthened.json`` says when.

    Raises
    ------
    InvalidValue
        No more epochs than the run has.
    FolderInUse
        Another process trains it.
    """
    with lock.held(folder.path):
        config = folder.config()
        if epochs <= config.training.epochs:
            raise InvalidValue(
                f"`--epochs` of a resumed run must exceed its own {config.training.epochs}, but got {epochs}: "
                "leave it out to go on as the run was begun"
            )
        done = _epochs_done(folder)
        longer = replace(config, training=replace(config.training, epochs=epochs))
        path = folder.path / LENGTHENED
        before = input_files.json_object(path, "remove it")["changes"] if path.exists() else []
        change = {"from": config.training.epochs, "to": epochs, "at_epoch": done}
        write_json(path, {"changes": [*before, change]})  # first: it is what lets the checkpoint differ from the config
        write_text(folder.path / "config.toml", toml_file.dump(longer))
    return _told(config, longer, done)


def _epochs_done(folder: RunFolder) -> float:
    row = next((row for row in folder.metrics() if row.get("step")), None)
    return folder.load().step * row["epoch"] / row["step"] if row and folder.has_checkpoint() else 0.0


def _told(config: RunConfig, longer: RunConfig, done: float) -> str:
    was, now = (optimizers.learning_rate(one.optimizer, min(done / one.training.epochs, 1)) for one in (config, longer))
    return (
        f"goes on from epoch {done:g} to {longer.training.epochs}: the learning rate, {was:.3g} where it stands, becomes "
        f"{now:.3g} and follows the {longer.optimizer.schedule} schedule of the longer run from there"
    )
