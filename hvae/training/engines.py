"""What makes the steps of a run: numpy and numba on the processor, or torch on a device. Neither is physics."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from crossbar import input_files
from crossbar.errors import CorruptFile, DivergedError, HopbarError, InvalidValue, unknown_name
from hvae.config.run import RunConfig
from hvae.learning.learners import Learner
from hvae.models.hopfield import Parameters
from hvae.runs.records import RunFolder
from hvae.training import step as steps
from hvae.training.disturbance import Disturbance

if TYPE_CHECKING:
    from hvae.training.replicas import Replicas

NUMPY, TORCH = "numpy", "torch"
NAMES = (NUMPY, TORCH)
Metrics = Mapping[str, float]


class MissingTorch(HopbarError, ImportError):
    """The torch engine was asked for where torch is not installed."""


@dataclass(frozen=True)
class Choice:
    """Which engine, on which device.

    Raises
    ------
    UnknownName
        There is no such engine.
    InvalidValue
        Another device than the processor for the numpy engine.
    MissingTorch
        Torch is not installed.
    """

    name: str = NUMPY
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise unknown_name("engine", self.name, NAMES)
        if self.name == NUMPY and self.device != "cpu":
            raise InvalidValue(f"the engine numpy has no device {self.device!r}: name --engine torch with it")
        if self.name == TORCH and find_spec("torch") is None:
            raise MissingTorch("the engine torch needs torch, which is not installed: pip install 'hopbar[torch]'")

    def check(self, config: RunConfig) -> None:
        """Refuse a run that this engine cannot make, before anything is made of it.

        Raises
        ------
        NotOnTensors, InvalidValue
            A run that the torch engine does not have; a device that is not there.
        """
        if self.name == TORCH:
            from hvae.tensors.propagation import Place, supported

            Place.of(self.device, config.training.precision)
            supported(config)

    def able(self, config: RunConfig) -> Choice:
        """Return this engine where it can make the run, else numpy, which can make all."""
        if self.name == NUMPY:
            return self
        from hvae.tensors.propagation import NotOnTensors

        try:
            self.check(config)
        except NotOnTensors:
            return Choice()
        return self

    def facts(self) -> dict[str, Any]:
        """Return what a run folder says of it."""
        if self.name == NUMPY:
            return {"engine": self.name, "device": self.device}
        import torch

        name = torch.cuda.get_device_name(self.device) if self.device.startswith("cuda") else platform.processor()
        return {"engine": self.name, "device": self.device, "torch": torch.__version__, "device_name": name}


def recorded(folder: RunFolder) -> Choice:
    """Return the engine that the run in `folder` was made with so far.

    Raises
    ------
    CorruptFile
        engine.json is damaged.
    """
    path = folder.path / "engine.json"
    if not path.exists():
        return Choice()
    facts = input_files.json_object(path, "remove it, or train the run again")
    if not (isinstance(facts.get("engine"), str) and isinstance(facts.get("device"), str)):
        raise CorruptFile(f"{path} does not say engine and device: remove it, or train the run again")
    return Choice(facts["engine"], facts["device"])


class Engine(Protocol):
    """What makes the steps of one run."""

    def advance(self, step: int, rate: float) -> Metrics:
        """Make `step`, from 0, at a learning `rate`; return its metrics.

        Raises
        ------
        DivergedError
            A metric or a weight is not finite.
        """
        ...

    def hand_back(self) -> None:
        """Write weights and optimizer state to the arrays that the run keeps."""
        ...


@dataclass(frozen=True)
class OnArrays:
    """The engine numpy: it changes the run's own arrays."""

    config: RunConfig
    learner: Learner
    updates: steps.Updates
    parameters: Parameters
    images: np.ndarray
    disturbance: Disturbance | None = None

    def advance(self, step: int, rate: float) -> Metrics:
        """Make a step."""
        batch, noise = steps.draw(self.images, self.config.training, step, self.learner.latent)
        at = None if self.disturbance is None else self.disturbance.at(self.parameters, step)
        return steps.advance(self.learner, self.updates, self.parameters, batch, noise, rate, at)

    def hand_back(self) -> None:
        """Do nothing: the run's arrays are what has been changed."""


@dataclass(frozen=True)
class OnTensors:
    """The engine torch: weights and optimizer stay on the device from checkpoint to checkpoint."""

    runs: Replicas
    parameters: Parameters
    state: Parameters

    @classmethod
    def of(
        cls, choice: Choice, config: RunConfig, images: np.ndarray, parameters: Parameters, state: Parameters, step: int
    ) -> OnTensors:
        """Return the engine of a run that has made `step` steps, whose arrays are `parameters` and `state`."""
        from hvae.tensors.propagation import Place
        from hvae.training.replicas import Replicas

        runs = Replicas([config], images, Place.of(choice.device, config.training.precision))
        runs.restore([parameters], [state], step)
        return cls(runs, parameters, state)

    def advance(self, step: int, rate: float) -> Metrics:  # noqa: ARG002  it has its own schedule, on the device
        """Make a step."""
        from hvae.training.replicas import numbers

        metrics = numbers(self.runs.advance())[0]
        largest = metrics.pop("largest_weight")
        if not all(np.isfinite(value) for value in metrics.values()):
            raise DivergedError(f"the metrics are {metrics}")
        if not np.isfinite(largest):
            raise DivergedError("a weight is not finite")
        return metrics | {"largest_weight": largest}

    def hand_back(self) -> None:
        """Copy weights and optimizer state to the run's arrays."""
        for name, array in self.runs.parameters(0).items():
            self.parameters[name][...] = array
        self.state.update(self.runs.state(0))
