"""What one encoded, one generated and one training image ask of a chip: settlings, conversions, pulses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from circuits.architecture import Architecture
from circuits.energy import Phase, Task
from circuits.models import Model
from circuits.plans import CLAMPED, HopfieldPlan
from circuits.relaxation import (
    Loads,
    Relaxation,
    Trajectory,
    device_loads,
    reference_loads,
    relaxation_of,
    weight_loads,
)
from circuits.trajectories import Phases
from crossbar.chip import Chip
from crossbar.errors import InvalidValue

MEAN_SQUARE_SIGNAL = 1 / 3  # of a signal spread evenly over 0 to 1; used only where no trajectory is known
ZERO = {"pair": 0.0, "reference": 0.5}  # where in its range a device that holds a weight of zero lies


def assumed_tasks(model: Model, architecture: Architecture) -> dict[str, Task]:
    """Return the tasks of a model that is not trained: assumed settle times, even signals, all weights zero.

    Raises
    ------
    InvalidValue
        The model does not settle (the F-VAE).
    """
    plans = _plans(model)
    phases = {role: _assumed_phase(plan, architecture) for role, plan in plans.items()}
    return _tasks(plans, architecture, phases, {role: (phase, phase) for role, phase in phases.items()})


def measured_tasks(
    model: Model, chip: Chip, simulated: Phases, architecture: Architecture, *, idle_columns: bool = True
) -> dict[str, Task]:
    """Return the tasks of `chip`, whose phases were `simulated`.

    `idle_columns` says whether columns into neurons that are clamped just now carry current too; a tied network has
    them in both roles, unless switches cut them off.
    """
    plans = _plans(model)
    loads = {role: _loads(chip, plan, role, architecture, idle_columns) for role, plan in plans.items()}

    def phase(role: str, trajectory: Trajectory) -> Phase:
        costs = relaxation_of(trajectory, chip.gain, loads[role])
        return Phase(relaxation=costs, n_neurons=plans[role].n_neurons(architecture))

    free = {role: phase(role, simulated.free[role]) for role in plans}
    nudged = {role: tuple(phase(role, nudge) for nudge in simulated.nudged[role]) for role in plans}
    return _tasks(plans, architecture, free, nudged)


def _plans(model: Model) -> dict[str, HopfieldPlan]:
    plans = {role: plan for plan in model.plans if isinstance(plan, HopfieldPlan) for role in plan.roles}
    if set(plans) != set(CLAMPED):
        raise InvalidValue(f"the energy of {model.name} is not estimated: only Hopfield networks settle")
    return {role: plans[role] for role in CLAMPED}


def _tasks(
    plans: Mapping[str, HopfieldPlan],
    architecture: Architecture,
    free: Mapping[str, Phase],
    nudged: Mapping[str, tuple[Phase, ...]],
) -> dict[str, Task]:
    sizes = {role: dict(plan.network.blocks) for role, plan in plans.items()}
    pixels, codes, latents = sizes["encode"]["pixels"], sizes["encode"]["latent"], sizes["decode"]["latent"]
    reads = [plan.n_read(architecture) for plan in plans.values()]
    distinct = {id(plan): plan for plan in plans.values()}.values()
    return {
        "encode": Task(name="encode", phases=[free["encode"]], dac_rounds=(pixels,), adc_rounds=(codes,)),
        "generate": Task(name="generate", phases=[free["decode"]], dac_rounds=(latents,), adc_rounds=(pixels,)),
        "train": Task(
            name="train",
            phases=[*free.values(), *nudged["decode"], *nudged["encode"]],
            dac_rounds=(pixels, latents, pixels, codes),
            adc_rounds=(codes, *reads, *reads),
            n_written=sum(plan.tiles(architecture).n_memristors for plan in distinct),
            write_rows=architecture.tile,
        ),
    }


def _assumed_phase(plan: HopfieldPlan, architecture: Architecture) -> Phase:
    """Return a phase of a plan; a device of the half layout carries current both ways, so it counts as full's two."""
    devices = plan.tiles(replace(architecture, layout="full")).n_memristors
    base = np.array([devices * MEAN_SQUARE_SIGNAL])
    costs = Relaxation(settle=np.ones(1), base=base, weight=ZERO[architecture.weights] * base, devices=np.zeros(1))
    return Phase(relaxation=costs, n_neurons=plan.n_neurons(architecture), measured=False)


def _loads(chip: Chip, plan: HopfieldPlan, role: str, architecture: Architecture, idle_columns: bool) -> Loads:
    """Return what hangs on every line: pairs as they are programmed or will be, or what a reference would make of them.

    In the half layout each device carries current both ways: the loads are those of the full one.
    """
    network = plan.network
    read = {"latent"} if role == "decode" else set()
    columns = [block for block in plan.columns(architecture) if idle_columns or block != CLAMPED[role] or block in read]
    conducting = np.zeros(network.size, bool)
    for block in columns:
        conducting[network.block(block)] = True
    mask = network.mask() & conducting  # [source, target], as the chip's matrices
    if architecture.weights == "reference":
        references = np.zeros(network.size)
        for patch in network.patches(network.names, columns):
            width = patch.targets.stop - patch.targets.start
            references[patch.sources] += -(-width // architecture.weights_per_tile)
        return reference_loads(chip.effective_weights(plan.name), mask, references)
    if plan.name in chip.conductances:
        devices = chip.conductances[plan.name]
        return device_loads(devices.plus, devices.minus, mask)
    return weight_loads(chip.weights[plan.name], mask)
