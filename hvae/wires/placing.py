"""A trained model on the devices that hold it: those of its chip, or pairs that its ideal weights are put on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crossbar.arrays.array import CrossbarArray
from crossbar.arrays.config import ArrayConfig
from crossbar.chip import Conductances, load_chip
from crossbar.errors import InvalidValue
from hvae.learning import learners
from hvae.learning.hopfield import EquilibriumPropagation
from hvae.models.hopfield import Parameters
from hvae.onchip.chip import OnChip
from hvae.runs import loading
from hvae.runs.loading import Trained


@dataclass(frozen=True, kw_only=True)
class DeviceRange:
    """How weights that are on no device yet become conductances: pairs from `g_min` to `g_max` (S)."""

    g_min: float = 1e-6
    g_max: float = 1e-4
    weight_coverage: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A trained model on its devices.

    Attributes
    ----------
    trained : Trained
    learner : EquilibriumPropagation
    conductances : mapping of str to Conductances
        By network.
    symmetry : {"shared", "two-device"}
    """

    trained: Trained
    learner: EquilibriumPropagation
    conductances: Mapping[str, Conductances]
    symmetry: str

    def weights(self) -> Parameters:
        """Return the weights that the devices hold, by network, in the precision of the run."""
        dtype = np.dtype(self.trained.config.training.precision)
        return {name: one.weights().astype(dtype) for name, one in self.conductances.items()}


def open_placed(path: Path, symmetry: str | None, range_: DeviceRange) -> Placed:
    """Return the model of the run or chip at `path` on its devices; ideal weights get pairs within `range_`.

    Without `symmetry`, devices that agree for both directions are shared.

    Raises
    ------
    InvalidValue
        A model without Hopfield networks.
    """
    trained = loading.load(path)
    if trained.config.model.name == "f-vae":
        raise InvalidValue(f"{path} is an f-vae, which no crossbar of Hopfield neurons holds: give another run")
    known = load_chip(path).conductances if path.is_file() else {}
    if isinstance(trained.learner, OnChip):
        known = trained.learner.conductances()
        symmetry = symmetry or trained.config.array.symmetry
        learner = trained.learner.ideal
    else:
        made = learners.make(trained.config)
        assert isinstance(made, EquilibriumPropagation)
        learner = made
    names = learner.vae.networks
    if set(known) != set(names):
        known = {name: _paired(learner, name, trained.parameters[name], range_) for name in names}
    shared = all(_same(one) for one in known.values())
    return Placed(
        trained=trained, learner=learner, conductances=known,
        symmetry=symmetry or ("shared" if shared else "two-device"),
    )  # fmt: skip


def _paired(learner: EquilibriumPropagation, name: str, weights: np.ndarray, range_: DeviceRange) -> Conductances:
    """Return `weights` on ideal pairs of devices."""
    config = ArrayConfig(g_min=range_.g_min, g_max=range_.g_max, weight_coverage=range_.weight_coverage)
    array = CrossbarArray.from_weights(learner.vae.networks[name], weights, config, np.random.default_rng(0))
    plus, minus = array.conductances()
    return Conductances(
        plus=plus, minus=minus, siemens_per_weight=array.mapping.siemens_per_weight, device="ideal pair"
    )


def _same(one: Conductances) -> bool:
    return bool(np.array_equal(one.plus, np.transpose(one.plus)) and np.array_equal(one.minus, np.transpose(one.minus)))
