"""One study of areas: the models that were asked for, their inventories, areas, ratios, energies and sensitivities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from circuits.area.architecture import Architecture
from circuits.area.estimate import (
    AreaEstimate,
    Interval,
    Scenario,
    component_areas,
    estimate,
    model_inventory,
    scenario,
    total_area,
)
from circuits.area.floor_plan import Die, dies
from circuits.area.networks import TABLE_3, Model, chip_model, paper_model
from circuits.area.ratios import Pair, accountings, chip_comparisons, paper_comparisons, ratio_table
from circuits.area.sensitivity import Swing, swings
from circuits.area.technology import Point, Technology
from circuits.area.transistor_neuron import with_neuron
from circuits.area.wire_loss import check_tile
from circuits.costs.merits import Evaluation, Merit
from circuits.energy.cost import Cost, cost, energy_drivers, energy_parts
from circuits.energy.flows import followed, generating_tasks
from circuits.energy.settings import netlist_point
from circuits.energy.tasks import IDLE, assumed_tasks, measured_tasks
from circuits.energy.trajectories import EulerSettings, simulate
from crossbar.chip import FLOW, Chip, load_chip
from crossbar.errors import InvalidValue, unknown_name


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Something whose silicon is measured; `chip` is None for a model that exists by its sizes only."""

    model: Model
    chip: Chip | None = None


@dataclass(frozen=True, kw_only=True)
class EnergyEstimate:
    """What one model draws, by task ("encode", "generate", "train"); `origin` is the provenance of its chip.

    `idle_off` are the costs with idle columns and the neurons of clamped lines switched off, `as_exported` those (J, at
    the typical point) at the settings that `hopbar netlist` writes, see `circuits.energy.settings.netlist_point`.
    """

    costs: Mapping[str, Cost]
    drivers: Mapping[str, tuple[Swing, ...]]
    idle_off: Mapping[str, Cost]
    as_exported: Mapping[str, float]
    simulated: bool
    origin: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class AreaStudy:
    """Everything that one run of ``hopbar area`` found; neurons are told in `circuits.area.transistor_neuron`."""

    architecture: Architecture
    sharing: str
    conditions: Scenario
    estimates: Mapping[str, AreaEstimate]
    ratios: Mapping[str, Mapping[str, Interval]]
    comparisons: Sequence[Pair]
    energies: Mapping[str, EnergyEstimate]
    plans: Mapping[str, tuple[Die, ...]]
    seed: int
    neuron: str = "assumed"
    matching: float = 1.0


def resolve(words: Sequence[str]) -> list[Target]:
    """Return the targets that `words` name: models of the paper, run folders, chip files.

    Raises
    ------
    UnknownName
        A word that is neither a model nor a path.
    InvalidValue
        A word that occurs twice.
    """
    if len(set(words)) != len(words):
        raise InvalidValue(f"each model or chip must be named once, but got {', '.join(words)}")
    return [_target(word) for word in words]


def _target(word: str) -> Target:
    if word in TABLE_3:
        return Target(model=paper_model(word))
    if not Path(word).exists():
        raise unknown_name("model, run folder or chip file", word, TABLE_3)
    chip = load_chip(word)
    return Target(model=chip_model(chip, name=word), chip=chip)


def study(
    targets: Sequence[Target],
    architecture: Architecture,
    sharing: str,
    technology: Technology,
    *,
    node: int,
    n_draws: int,
    seed: int,
    n_images: int,
    energy: bool = False,
    neuron: str = "assumed",
    matching: float = 1.0,
) -> AreaStudy:
    """Return areas and ratios of `targets`, with energies of those that are chips, or of all if `energy`."""
    technology = with_neuron(neuron, technology, architecture, node, matching)
    check_tile(architecture.tile, technology)
    area_stream, energy_stream = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2))
    conditions = scenario(technology, node, n_draws, area_stream)
    chips = [target.model for target in targets if target.chip is not None and not target.chip.generates]
    comparisons = (*paper_comparisons(), *chip_comparisons(chips))
    return AreaStudy(
        architecture=architecture,
        sharing=sharing,
        conditions=conditions,
        estimates={target.model.name: estimate(target.model, architecture, sharing, conditions) for target in targets},
        ratios=ratio_table(comparisons, architecture, conditions),
        comparisons=comparisons,
        energies={
            target.model.name: energy_estimate(target, architecture, conditions, n_images, energy_stream)
            for target in targets
            if target.chip is not None or (energy and target.model.name != "f-vae")
        },
        plans={
            target.model.name: dies(target.model, architecture, sharing, technology, node) for target in targets
        },
        seed=seed,
        neuron=neuron,
        matching=matching,
    )


def energy_estimate(
    target: Target, architecture: Architecture, conditions: Scenario, n_images: int, rng: np.random.Generator
) -> EnergyEstimate:
    """Return the energy of `target`: from trajectories of `n_images` of its images if it is a chip, else assumed."""
    if target.chip is not None and target.chip.generates:
        pixels = dict(target.chip.networks[FLOW].blocks)["pixels"]
        carried = followed(target.chip, rng.standard_normal((n_images, pixels)))
        tasks, quiet = (generating_tasks(target.model, target.chip, carried, architecture, idle=idle) for idle in IDLE)
    elif target.chip is None:
        tasks, quiet = (assumed_tasks(target.model, architecture, idle=idle) for idle in IDLE)
    else:
        images = _images(target.chip, n_images, rng)
        phases = simulate(target.chip, images, EulerSettings(), rng)
        tasks, quiet = (measured_tasks(target.model, target.chip, phases, architecture, idle=idle) for idle in IDLE)
    technology = conditions.technology
    exported = netlist_point(technology)
    return EnergyEstimate(
        costs={name: cost(task, technology, conditions.draws, rng) for name, task in tasks.items()},
        drivers={name: energy_drivers(task, technology) for name, task in tasks.items()},
        idle_off={name: cost(task, technology, conditions.draws, rng) for name, task in quiet.items()},
        as_exported={name: float(total_area(energy_parts(task, exported))) for name, task in tasks.items()},
        simulated=target.chip is not None,
        origin={} if target.chip is None else target.chip.provenance,
    )


def _images(chip: Chip, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return example images of the chip, or noise of the same range where it carries none."""
    if len(chip.examples):
        return np.asarray(chip.examples[:count], float)
    _, role = chip.role("encode")
    return rng.uniform(-1, 1, (count, role.n_clamped))


def area_swings(model: Model, architecture: Architecture, sharing: str, conditions: Scenario) -> tuple[Swing, ...]:
    """Return what moves the area (mm2) of `model`, widest first."""
    counts = model_inventory(model, architecture, sharing)
    return swings(
        lambda point: float(total_area(component_areas(counts, architecture, point, conditions.node))),
        conditions.technology,
    )


def ratio_swings(
    comparison: Pair, accounting: str, architecture: Architecture, conditions: Scenario
) -> tuple[Swing, ...]:
    """Return what moves the ratio of `comparison` under `accounting`, widest first."""
    sharing, variant = accountings(architecture)[accounting]
    counts = [model_inventory(model, variant, sharing) for model in (comparison.tied, comparison.untied)]

    def ratio(point: Point) -> float:
        tied, untied = (total_area(component_areas(count, variant, point, conditions.node)) for count in counts)
        return float(tied / untied)

    return swings(ratio, conditions.technology)


def merits(
    evaluations: Sequence[Evaluation], architecture: Architecture, sharing: str, conditions: Scenario
) -> list[Merit]:
    """Return the place of every evaluated run in the plane of area and Frechet distance."""
    found = []
    for evaluation in evaluations:
        total = estimate(evaluation.model, architecture, sharing, conditions).total
        found.append(Merit(evaluation=evaluation, area=total.p50, low=total.p5, high=total.p95))
    return found
