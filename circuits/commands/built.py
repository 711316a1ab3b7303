"""A chip as it is built: its corner and the errors of its transistors, and the chip of `crossbar` that fits it.

Whoever learns on the fitted chip learns for these transistors. What was learned is written behind their lines.
(It stands here, as `circuits.silicon` and chips with devices know nothing of each other.)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from circuits.circuit.memristor_array import MemristorArray
from circuits.silicon import chip as silicon
from circuits.silicon.bench import Conditions
from circuits.silicon.ensemble import Ensemble
from circuits.silicon.level import Level
from crossbar.chip import Chip
from crossbar.conductances import Conductances
from crossbar.errors import CorruptFile, InvalidValue

NOTE = "silicon"  # of a chip's provenance


@dataclass(frozen=True, kw_only=True)
class Built:
    """Which chip of transistors.

    Attributes
    ----------
    conditions : Conditions
    level : Level
    seed : int or None
        Of the errors of its transistors; None where all are as drawn.
    """

    conditions: Conditions
    level: Level
    seed: int | None = None

    def errors(self, size: int) -> list[dict[str, float]] | None:
        """Return the errors (volts, by transistor) of its `size` neurons, or None."""
        return None if self.seed is None else silicon.drawn(size, self.seed)

    def note(self) -> str:
        """Return it as text for a chip's provenance."""
        told = {"corner": self.conditions.corner, "temperature": self.conditions.temperature, "leak": self.level.leak}
        return json.dumps(told | ({} if self.seed is None else {"seed": self.seed}))

    def save(self, chip: Chip, known: Ensemble, array: MemristorArray, path: Path, *, origin: str) -> None:
        """Write `chip`, which is from `origin`, with the neurons that fit `known` and this chip of transistors."""
        own = fitted(chip, known, array)
        replace(own, provenance={**own.provenance, NOTE: self.note(), "fitted_from": origin}).save(path)

    @classmethod
    def of(cls, chip: Chip) -> Built:
        """Return which chip of transistors `chip` fits.

        Raises
        ------
        InvalidValue
            It was not made by `hopbar silicon --fitted`.
        CorruptFile
            It says so in other words than ours.
        """
        if NOTE not in chip.provenance:
            raise InvalidValue("the chip fits no transistors: give one that `hopbar silicon RUN --fitted FILE` wrote")
        try:
            told = json.loads(chip.provenance[NOTE])
            seed = told.get("seed")
            if not (seed is None or (isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0)):
                raise TypeError("`seed` is no whole number from 0")
            return cls(
                conditions=Conditions(corner=str(told["corner"]), temperature=float(told["temperature"])),
                level=Level(leak=float(told["leak"])), seed=seed,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptFile(f"the chip does not say rightly which transistors it fits: {error}") from error


def fitted(chip: Chip, known: Ensemble, array: MemristorArray) -> Chip:
    """Return `chip` as `crossbar` computes it with the neurons that fit `known`, behind lines of their heights.

    Its devices are those of `array`. `crossbar` multiplies a signal by a line's gain going out and coming in, as it
    is symmetric then; `Ensemble.fitted` has taken the second out of leaks and pulls.
    """
    found = known.fitted(array)
    devices = Conductances(
        plus=array.plus.T, minus=array.minus.T, siemens_per_weight=array.siemens_per_weight, device="ideal",
        gains=found.heights,
    )  # fmt: skip
    network = replace(chip.networks["tied"], mismatch=found.mismatch)
    return replace(chip, networks={"tied": network}, conductances={"tied": devices})


def behind(chip: Chip, like: Chip) -> Chip:
    """Return `chip`, which learned on the neurons of the fitted chip `like`, as weights to write behind its lines.

    Raises
    ------
    InvalidValue
        They have other networks.
    """
    networks: Mapping[str, object] = {name: network.blocks for name, network in chip.networks.items()}
    others = {name: network.blocks for name, network in like.networks.items()}
    if networks != others or "tied" not in like.conductances:
        raise InvalidValue(f"the fitted chip has the networks {others}, but the chip has {networks}: give its own")
    heights = like.conductances["tied"].gains
    eta = np.ones(chip.networks["tied"].size) if heights is None else heights
    weights = chip.effective_weights("tied")
    return replace(
        chip, networks={"tied": replace(chip.networks["tied"], mismatch=None)}, conductances={},
        weights={"tied": (weights + weights.T) / 2 / np.outer(eta, eta)},
    )  # fmt: skip
