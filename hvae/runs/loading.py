"""From a run folder or a chip file to a model that encodes, decodes and can be scored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from crossbar.chip import Chip, load_chip
from crossbar.errors import CorruptFile, DivergedError, InvalidValue
from hvae.config import toml_file
from hvae.config.neurons import NeuronSettings
from hvae.learning import learners
from hvae.onchip import chip as onchip
from hvae.config.run import RunConfig, SettlingConfig
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.learning.learners import Learner
from hvae.models.hopfield import Parameters
from hvae.runs.records import RunFolder
from hvae.learning.unsettled import Tally

SYMMETRY = 1e-6


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained model, ready to use.

    Attributes
    ----------
    config : RunConfig
        Of the run that trained it.
    learner : Learner
    parameters : Parameters
        Weights by network; of a programmed chip those that its devices realise.
    epochs : float
        Passes over the training set so far.
    folder : Path or None
        Of the run; None for a chip.
    """

    config: RunConfig
    learner: Learner
    parameters: Parameters
    epochs: float
    folder: Path | None = None

    def counted(self, tally: Tally) -> Trained:
        """Return this model, with the samples that it settles counted in `tally`."""
        return replace(self, learner=self.learner.counted(tally))


def load(path: Path) -> Trained:
    """Return the model of the run folder or chip file at `path`.

    Raises
    ------
    MissingFile, CorruptFile
        There is no run or chip, no checkpoint yet, or the file is damaged.
    DivergedError
        It holds weights that are not finite.
    """
    if path.is_file():
        return from_chip(load_chip(path))
    folder = RunFolder.open(path)
    config, checkpoint = folder.config(), folder.load()
    on_chip = config.array.device is not None
    if on_chip:
        with folder.restoring():
            learner: Learner = onchip.restored(config, checkpoint.parameters, checkpoint.optimizer)
    else:
        learner = learners.make(config)
    learners.check_parameters(learner, checkpoint.parameters, path / "checkpoint.h5")
    parameters = learner.weights() if isinstance(learner, onchip.OnChip) else checkpoint.parameters
    refuse_broken(learner, parameters, path)
    return Trained(
        config=config,
        learner=learner,
        parameters=checkpoint.parameters,
        epochs=_epochs(folder, checkpoint.step),
        folder=path,
    )


def from_chip(chip: Chip) -> Trained:
    """Return the model that `chip` computes: with its devices' weights where it is programmed.

    Where devices break W = W^T no energy exists, and the chip is settled by its own steps, eq. (3).
    """
    if chip.generates:
        raise InvalidValue("the chip is a flow, no VAE: `hopbar flow draw` and `hopbar flow score` take it")
    if "config" not in chip.provenance:
        raise CorruptFile(
            "the chip does not say how it was trained, nor on which images: program it again from its run, or import "
            "it again with --dataset"
        )
    config = toml_file.loads(chip.provenance["config"], "the chip's config")
    if any(asymmetry(chip.effective_weights(name)) > SYMMETRY for name in chip.networks):
        settling = SettlingConfig(solver="euler", tolerance=config.settling.tolerance, max_sweeps=2000)
        config = replace(config, settling=settling, nudging=replace(config.nudging, refine_above=None))
    if config.neurons.chip is not None:  # the chip has its neurons, wherever the run took them from
        config = replace(config, neurons=NeuronSettings())
    learner = learners.make(config)
    if not isinstance(learner, EquilibriumPropagation):
        raise CorruptFile(f"the chip says that it is a {config.model.name}, which no crossbar holds; program it again")
    learner = replace(learner, vae=learner.vae.on_neurons(chip.networks))
    parameters = learner.of_chip(chip, np.dtype(config.training.precision).type)
    _refuse_what_is_not_finite(parameters, "the chip")
    return Trained(config=config, learner=learner, parameters=parameters, epochs=float("nan"))


def refuse_broken(learner: Learner, parameters: Parameters, path: Path) -> None:
    """Refuse `parameters` that `learner` cannot have been left with by a training that went well.

    Raises
    ------
    DivergedError
        Some are not finite.
    CorruptFile
        A Hopfield network on exact weights without W = W^T, whose energy eq. (1) is none.
    """
    _refuse_what_is_not_finite(parameters, str(path))
    networks = learner.vae.networks if isinstance(learner, EquilibriumPropagation) else {}
    for name in networks:
        if asymmetry(parameters[name]) > SYMMETRY:
            raise CorruptFile(
                f"{path} holds weights `{name}` that are not symmetric, but a Hopfield network needs W = W^T: the file "
                "was changed; train the run again into a new folder"
            )


def _refuse_what_is_not_finite(parameters: Parameters, where: str) -> None:
    broken = [name for name, weights in parameters.items() if not np.isfinite(weights).all()]
    if broken:
        raise DivergedError(
            f"{where} holds weights that are not finite (`{'`, `'.join(broken)}`): its training diverged, or the file "
            "is damaged; train it again, with a lower `optimizer.learning_rate` if it diverged"
        )


def asymmetry(weights: np.ndarray) -> float:
    """Return |W - W^T| / |W| in the Frobenius norm; 0 for a symmetric matrix."""
    size = float(np.linalg.norm(weights))
    return float(np.linalg.norm(weights - weights.T)) / size if size else 0.0


def _epochs(folder: RunFolder, step: int) -> float:
    epochs = [record["epoch"] for record in folder.metrics() if record.get("step", step) <= step]
    return float(epochs[-1]) if epochs else 0.0
