"""What one encoded, one generated and one training image ask of a chip: settlings, conversions, pulses."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add

import numpy as np

from circuits.area.architecture import Architecture
from circuits.area.networks import Model
from circuits.area.plans import CLAMPED, HopfieldPlan
from circuits.energy.cost import Phase, Task
from circuits.energy.relaxation import (
    Loads,
    Relaxation,
    assumed_relaxation,
    device_loads,
    pair_loads,
    reference_loads,
    relaxation_of,
)
from circuits.energy.trajectories import Settlings
from crossbar.chip import Chip
from crossbar.errors import InvalidValue, unknown_name
from crossbar.hopfield.trajectory import Trajectory

IDLE = ("on", "off")


def assumed_tasks(model: Model, architecture: Architecture, *, idle: str = "on") -> dict[str, Task]:
    """Return the tasks of a model that is not trained: assumed settle times, even signals, all weights zero.

    `idle` as in `measured_tasks`.

    Raises
    ------
    InvalidValue
        The model does not settle (the F-VAE).
    """
    plans = _plans(model)

    def loads(role: str, idle: str) -> Loads:
        size = plans[role].network.size
        return network_loads(np.zeros((size, size)), None, plans[role], role, architecture, idle)

    active = {role: loads(role, idle) for role in plans}
    phases = {
        role: phase_of(plan, role, architecture, idle, active[role], assumed_relaxation(active[role]), measured=False)
        for role, plan in plans.items()
    }
    built = {role: loads(role, "on") for role in plans} if idle == "off" else active
    return _tasks(plans, architecture, phases, {role: (phase, phase) for role, phase in phases.items()}, built)


def measured_tasks(
    model: Model, chip: Chip, simulated: Settlings, architecture: Architecture, *, idle: str = "on"
) -> dict[str, Task]:
    """Return the tasks of `chip`, whose phases were `simulated`.

    Where its neurons are not alike, they settle and drive their lines as they do on this chip; what a neuron's circuit
    takes is that of a perfect one.

    `idle` "off" says that what a role does not need is off while it settles: columns into neurons that are clamped
    just now carry no current, and the circuits of these neurons no power. The switches for it are those of the lines'
    ends, whose area is counted either way. Only a tied network has such columns and neurons, unless dead blocks are
    kept.
    """
    plans = _plans(model)

    def loads(role: str, idle: str) -> Loads:
        name = plans[role].name
        devices = chip.conductances.get(name)
        pair = None if devices is None else (devices.plus, devices.minus)
        return network_loads(chip.effective_weights(name), pair, plans[role], role, architecture, idle)

    active = {role: loads(role, idle) for role in plans}

    def phase(role: str, trajectory: Trajectory) -> Phase:
        network = plans[role].network
        held = chip.conductances.get(plans[role].name)
        gains = None if held is None else held.gains
        costs = relaxation_of(trajectory, network.population(network.names), active[role], gains)
        return phase_of(plans[role], role, architecture, idle, active[role], costs, measured=True)

    free = {role: phase(role, simulated.free[role]) for role in plans}
    nudged = {role: tuple(phase(role, nudge) for nudge in simulated.nudged[role]) for role in plans}
    built = {role: loads(role, "on") for role in plans} if idle == "off" else active
    return _tasks(plans, architecture, free, nudged, built)


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
    built: Mapping[str, Loads],
) -> dict[str, Task]:
    sizes = {role: dict(plan.network.blocks) for role, plan in plans.items()}
    pixels, codes, latents = sizes["encode"]["pixels"], sizes["encode"]["latent"], sizes["decode"]["latent"]
    reads = [plan.n_read(architecture) for plan in plans.values()]
    distinct = {id(plan): built[role].total for role, plan in plans.items()}
    return {
        "encode": Task(name="encode", phases=[free["encode"]], dac_rounds=(pixels,), adc_rounds=(codes,)),
        "generate": Task(name="generate", phases=[free["decode"]], dac_rounds=(latents,), adc_rounds=(pixels,)),
        "train": Task(
            name="train",
            phases=[*free.values(), *nudged["decode"], *nudged["encode"]],
            dac_rounds=(pixels, latents, pixels, codes),
            adc_rounds=(codes, *reads, *reads),
            written=reduce(add, distinct.values()),
            write_rows=architecture.tile,
        ),
    }


def phase_of(
    plan: HopfieldPlan, role: str, architecture: Architecture, idle: str, loads: Loads, costs: Relaxation, *,
    measured: bool,
) -> Phase:  # fmt: skip
    """Return a settling of `plan` in `role` that costs `costs`, with the circuits that are on meanwhile."""
    free = plan.network.size - sum(size for name, size in plan.network.blocks if name in plan.held(role))
    return Phase(
        relaxation=costs,
        n_neurons=free if idle == "off" else plan.n_neurons(architecture),
        n_buffers=plan.n_rails(architecture),
        n_driven=loads.n_devices,
        n_strained=plan.n_strained(architecture, conducting(plan, role, architecture, idle)),
        rest_level=architecture.rest_level,
        measured=measured,
    )


def network_loads(
    weights: np.ndarray,
    conductances: tuple[np.ndarray, np.ndarray] | None,
    plan: HopfieldPlan,
    role: str,
    architecture: Architecture,
    idle: str,
) -> Loads:
    """Return what hangs on every line: pairs as they are programmed or will be, or what a reference would make of them.

    Parameters
    ----------
    weights : ndarray (N, N)
        What the network computes with, [source, target].
    conductances : tuple of ndarray (N, N), or None
        G+ and G- where devices are programmed.
    idle : {"on", "off"}
        Whether columns into neurons that are clamped in `role` conduct; a decoder's columns into its latents, where
        eq. (9) reads the input gradient, always do.
    """
    if idle not in IDLE:
        raise unknown_name("state of idle columns", idle, IDLE)
    network = plan.network
    columns = conducting(plan, role, architecture, idle)
    driven = np.zeros(network.size, bool)
    for block in columns:
        driven[network.block(block)] = True
    mask = network.mask() & driven  # [source, target], as the chip's matrices
    if architecture.weights == "reference":
        references = np.zeros(network.size)
        for patch in network.patches(network.names, columns):
            width = patch.targets.stop - patch.targets.start
            references[patch.sources] += -(-width // architecture.weights_per_tile)
        return reference_loads(weights, mask, references, architecture.layout)
    if conductances is not None:
        return device_loads(*conductances, mask, architecture.layout)
    return pair_loads(weights, mask, architecture.layout)


def conducting(plan: HopfieldPlan, role: str, architecture: Architecture, idle: str) -> tuple[str, ...]:
    """Return the blocks of `plan` whose columns conduct in `role`, see `network_loads`."""
    read = {"latent"} if role == "decode" else set()
    return tuple(
        block for block in plan.columns(architecture) if idle == "on" or block not in plan.held(role) or block in read
    )
