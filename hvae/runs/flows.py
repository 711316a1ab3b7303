"""The folder of a run that learns a flow, and the flow that a run or a chip holds.

``flow.toml`` is the configuration; all else is as in other runs (`hvae.runs.records`): ``metrics.jsonl``,
``checkpoint.h5``, ``chip.h5``, ``environment.json``, ``lock``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossbar.chip import FLOW, Chip, Conductances, load_chip
from crossbar.errors import CorruptFile, InvalidValue, MissingFile
from crossbar.readout import Readout
from hvae.config import flow as flow_config
from hvae.config.flow import FlowConfig
from hvae.data.sets import Dataset
from hvae.flows.field import Field
from hvae.flows.flow import Flow
from hvae.flows.lessons import Units
from hvae.flows.matching import EquilibriumMatching, FlowMatching
from hvae.runs import loading, lock
from hvae.runs.records import Checkpoint, RunFolder, make_folder, refuse_what_exists

CONFIG = "flow.toml"
_BEFORE_A_STEP = {lock.NAME, "environment.json", CONFIG}
_EXAMPLES = 20


@dataclass(frozen=True)
class FlowFolder:
    """A folder that holds a run that learns a flow."""

    path: Path

    @classmethod
    def create(cls, path: Path, config: FlowConfig) -> FlowFolder:
        """Make the folder and write what is known before the first step.

        Raises
        ------
        ExistingFile
            There is something at `path` already; nothing is overwritten, but for a run that never made a step.
        FolderInUse
            Another process is making a run there.
        """
        make_folder(path, CONFIG, flow_config.dump(config), _BEFORE_A_STEP)
        return cls(path)

    @staticmethod
    def refuse_what_exists(path: Path) -> None:
        """Raise `ExistingFile` where `path` holds anything but what is left of a run that never made a step."""
        refuse_what_exists(path, _BEFORE_A_STEP)

    @classmethod
    def open(cls, path: Path) -> FlowFolder:
        """Return the run at `path`.

        Raises
        ------
        MissingFile
            There is no such run.
        """
        if not (path / CONFIG).exists():
            raise MissingFile(f"no flow at {path}: it has no {CONFIG}; `hopbar flow learn --out {path}` makes one")
        return cls(path)

    @property
    def records(self) -> RunFolder:
        """Its checkpoint and its logs."""
        return RunFolder(self.path)

    def config(self) -> FlowConfig:
        """Return the run's configuration."""
        path = self.path / CONFIG
        return flow_config.loads(path.read_text(encoding="utf-8-sig"), str(path))

    def resumed(self, config: FlowConfig) -> Checkpoint:
        """Return the last checkpoint, made by the same `config`.

        Raises
        ------
        InvalidValue
            flow.toml was changed since.
        MissingFile, CorruptFile
            There is none; it is damaged, or not of this run.
        """
        found = self.records.load()
        if flow_config.loads(found.config, "the checkpoint's config") != config:
            raise InvalidValue(
                f"{self.path / CONFIG} was changed since the run's last checkpoint: put it back, or learn another run"
            )
        size = (_size(config, found),) * 2
        if found.step > config.teaching.steps or found.parameters[FLOW].shape != size:
            raise CorruptFile(f"{self.path / 'checkpoint.h5'} is not of this run: learn it again into a new folder")
        return found


def _size(config: FlowConfig, found: Checkpoint) -> int:
    if set(found.parameters) != {FLOW}:
        return -1
    rows, columns, channels = config.data.shape
    return rows * columns * channels + config.teaching.n_times + config.teaching.hidden


def make_chip(
    config: FlowConfig, flow: Flow, data: Dataset, step: int, conductances: Mapping[str, Conductances] | None = None
) -> Chip:
    """Return the chip of `flow` with its weights and devices, and a few validation images beside it."""
    rows, columns, channels = data.shape
    return Chip(
        model=FLOW,
        networks={FLOW: flow.field.network},
        weights={FLOW: flow.field.weights},
        image_shape=(rows, columns) if channels == 1 else (rows, columns, channels),
        examples=data.validation_images[:_EXAMPLES],
        conductances=conductances or {},
        provenance={"step": str(step), "seed": str(config.teaching.seed), "flow": flow_config.dump(config)},
        readout=Readout(mean=flow.units.mean, scale=flow.units.scale, after=flow.matching.length),
    )


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A flow that can be drawn from, with the configuration of the run that learned it, and its chip."""

    flow: Flow
    config: FlowConfig
    chip: Chip


def load(path: Path) -> Learned:
    """Return the flow of the run folder or chip file at `path`; of a programmed chip that which its devices realise.

    Raises
    ------
    MissingFile, CorruptFile, InvalidValue
        There is none, it is damaged, or no flow that can be drawn from, see `of_chip`.
    """
    if path.is_dir():
        FlowFolder.open(path)
    chip = load_chip(path)
    flow = of_chip(chip)
    if "flow" not in chip.provenance:
        raise CorruptFile(f"{path} does not say how it was learned: program it again from its run")
    return Learned(flow=flow, config=flow_config.loads(chip.provenance["flow"], "the chip's config"), chip=chip)


def of_chip(chip: Chip) -> Flow:
    """Return the flow that `chip` computes: with its devices' weights where it is programmed.

    Raises
    ------
    InvalidValue
        It is a VAE; its devices break W = W^T, so that there is no energy whose slope the field is; its neurons are not
        alike.
    """
    if not chip.generates or chip.readout is None:
        raise InvalidValue(f"the chip is a {chip.model}, no flow: use `hopbar sample` and `hopbar evaluate`")
    weights, network = chip.effective_weights(FLOW), chip.networks[FLOW]
    if loading.asymmetry(weights) > loading.SYMMETRY:
        raise InvalidValue(
            "the chip's devices break W = W^T, and a field is the slope of an energy: program it with --symmetry shared"
        )
    if network.mismatch is not None:
        raise InvalidValue("the chip's neurons are not alike, which no flow is drawn with: leave --neuron-... out")
    own = Field(network=network, weights=weights.astype(np.float32))
    timed = "time" in network.names
    rule = FlowMatching() if timed else EquilibriumMatching(length=chip.readout.after)
    return Flow(field=own, units=Units(mean=chip.readout.mean, scale=chip.readout.scale), matching=rule)
