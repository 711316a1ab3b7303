"""One run of a whole chip in transistors, beside where the simulator's neurons rest: ideal, fitted, characterised.

Decoding is compared under the chip's own sample, so that an error of its encoder is not counted twice. (It stands here,
as `circuits.silicon` and `circuits.verification` know nothing of each other.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from circuits.cells.sky130.neuron import neuron
from circuits.cells.sky130.process import models
from circuits.circuit.layout import Choices
from circuits.circuit.memristor_array import MemristorArray
from circuits.commands.built import fitted
from circuits.silicon import chip as silicon
from circuits.silicon.bench import MODELS, Conditions
from circuits.silicon.characterised import characterise
from circuits.silicon.ensemble import Ensemble, characterise_each
from circuits.silicon.level import Level
from circuits.simulators.process import Limits
from circuits.verification.chip_reference import rest, settle_sample
from crossbar.chip import Chip
from crossbar.output_files import write_json, write_text

SIDES = ("characterised", "fitted", "ideal")


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """What a chip is run with.

    Attributes
    ----------
    known : Ensemble
        Its neurons under the same conditions, measured.
    times : silicon.Times
    limits : Limits
    """

    known: Ensemble
    times: silicon.Times
    limits: Limits = silicon.LIMITS

    @property
    def conditions(self) -> Conditions:
        """Corner, temperature, volts."""
        return self.known.conditions

    @property
    def level(self) -> Level:
        """Volts, ohms, farads."""
        return self.known.level


@dataclass(frozen=True, kw_only=True, eq=False)
class Beside:
    """A run and its differences to the simulator.

    Attributes
    ----------
    task : silicon.Task
    found : silicon.Found
    differences : mapping of str to ndarray (N,)
        Circuit less simulator, `<side>_encode` and `<side>_decode` of the three sides.
    pixels : ndarray (n_pixels,)
        Decoded image less that of the simulator's ideal neurons, which have a sample of their own.
    """

    task: silicon.Task
    found: silicon.Found
    differences: Mapping[str, np.ndarray]
    pixels: np.ndarray

    def write(
        self, chosen: Setting, errors: Sequence[Mapping[str, float]] | None, folder: Path, told: Mapping[str, Any]
    ) -> None:
        """Write the netlist that was run to `folder`/circuit.cir, and what was `told` of it to silicon.json."""
        folder.mkdir(exist_ok=True)
        write(self.task, chosen.conditions, chosen.level, chosen.times, folder, errors)
        write_json(folder / "silicon.json", told)

    def record(self) -> dict[str, Any]:
        """Return it as JSON takes it: largest differences in units of the state, rms of pixels, watts, volts."""
        task, found = self.task, self.found
        sample = found.decoded[task.latents] - found.encoded[task.latents] - task.noise
        return {
            **{name: float(np.abs(one).max()) for name, one in self.differences.items()},
            "pixels_rms": _rms(self.pixels), "image_rms": _rms(found.decoded[task.pixels] - task.image),
            "sample_error": float(np.abs(sample).max()), "moving": found.moving,
            "power_W": float(found.power[-1]), "nodes_V": list(found.swing), "processor_seconds": found.seconds,
            "neurons": task.array.size, "memristors": count(task.array),
            "transistors": task.array.size * len(neuron().transistors), "largest_siemens": float(task.array.plus.max()),
        }  # fmt: skip


def _rms(pixels: np.ndarray) -> float:
    return float(np.sqrt(np.mean(pixels**2)))


def count(array: MemristorArray) -> int:
    """Return the number of memristors that are there."""
    return sum(int(np.count_nonzero(side > silicon.LEAST)) for side in (array.plus, array.minus))


def setting(
    chip: Chip, conditions: Conditions, *, level: Level | None = None, times: silicon.Times | None = None,
    limits: Limits = silicon.LIMITS, errors: Sequence[Mapping[str, float]] | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Setting:  # fmt: skip
    """Characterise a neuron for `chip`: its lines are loaded as those of the chip are on average.

    With `errors` of each neuron's transistors (N,) every one is; `told` hears how many are done.
    """
    level = level or Level()
    array = array_of(chip, conditions, level)
    load = float((array.plus + array.minus).sum(axis=0).mean()) / 2
    if errors is None:
        known = Ensemble.alike(characterise(conditions, level, load), array.size)
    else:
        known = characterise_each(conditions, level, load, errors, told)
    return Setting(known=known, times=times or silicon.Times(), limits=limits)


def array_of(chip: Chip, conditions: Conditions, level: Level) -> MemristorArray:
    """Return the memristors of `chip` at the level of such neurons."""
    n_pixels, n_latent = (chip.role(name)[1].n_clamped for name in ("encode", "decode"))
    return silicon.task(chip, np.zeros(n_pixels), np.zeros(n_latent), conditions, level).array


def beside(
    chip: Chip, image: np.ndarray, noise: np.ndarray, chosen: Setting,
    errors: Sequence[Mapping[str, float]] | None = None,
) -> Beside:  # fmt: skip
    """Run `chip` on `image` (n_pixels,) with `noise` (n_latent,) in ngspice, and settle it in the simulator.

    Raises
    ------
    InvalidValue, MissingFile, EngineError, DivergedError
        As in `circuits.silicon.chip.task` and `run`, and in settling.
    """
    known = chosen.known
    task = silicon.task(chip, image, noise, chosen.conditions, chosen.level)
    found = silicon.run(task, chosen.conditions, chosen.level, chosen.times, errors, chosen.limits)
    sample = found.decoded[task.latents]
    own = fitted(chip, known, task.array)
    rests = {
        "ideal_encode": rest(chip, Choices(), "encode", task.image).states,
        "ideal_decode": rest(chip, Choices(), "decode", sample).states,
        "fitted_encode": rest(own, Choices(), "encode", task.image).states,
        "fitted_decode": rest(own, Choices(), "decode", sample).states,
        "characterised_encode": known.rest(task.array, task.pixels, task.image),
        "characterised_decode": known.rest(task.array, task.latents, sample),
    }
    ends = {"encode": found.encoded, "decode": found.decoded}
    whole = settle_sample(chip, Choices(), task.image, np.asarray(noise, np.float64)).rests["decode"].states
    return Beside(
        task=task, found=found, pixels=(found.decoded - whole)[task.pixels],
        differences={name: ends[name.rpartition("_")[2]] - states for name, states in rests.items()},
    )  # fmt: skip


def write(
    task: silicon.Task, conditions: Conditions, level: Level, times: silicon.Times, folder: Path,
    errors: Sequence[Mapping[str, float]] | None = None,
) -> Path:  # fmt: skip
    """Write the netlist of a chip to `folder`/circuit.cir, beside a link to the transistors' models.

    `errors` are those of each neuron's transistors, volts by name; None: all are as drawn.
    """
    link = folder / MODELS
    link.unlink(missing_ok=True)
    link.symlink_to(models(conditions.corner))
    return write_text(folder / "circuit.cir", silicon.netlist(task, conditions, level, times, errors))
