"""What one image drawn by a flow asks of its chip: one transient of a known length, and the lines that it loads."""

from __future__ import annotations

import numpy as np

from circuits.area.architecture import Architecture
from circuits.area.networks import Model
from circuits.area.plans import HopfieldPlan
from circuits.circuit.generation import clock_of, slowness_of
from circuits.energy.cost import Task
from circuits.energy.relaxation import relaxation_of
from circuits.energy.tasks import network_loads, phase_of
from crossbar.chip import FLOW, GENERATE, Chip
from crossbar.errors import DivergedError
from crossbar.hopfield.clock import times
from crossbar.hopfield.trajectory import KEPT, Trajectory

STEP = 0.2  # time constants of a hidden neuron


def followed(chip: Chip, noise: np.ndarray, slowness: float | None = None) -> Trajectory:
    """Return how `chip` carries `noise` (k, pixels) to images, by Euler's steps; at its usual `slowness` if None.

    Raises
    ------
    DivergedError
        A state is no longer finite.
    """
    network, weights = chip.networks[FLOW], chip.effective_weights(FLOW).astype(np.float64)
    population, pixels, time = network.population(network.names), network.block("pixels"), clock_of(network)
    assert chip.readout is not None
    slowness = slowness_of(chip, slowness)
    n_steps, n_times = round(slowness * chip.readout.after / STEP), time.stop - time.start
    pace = np.full(network.size, STEP)
    pace[pixels] /= slowness
    states = np.zeros((len(noise), network.size))
    states[:, pixels] = noise
    every, kept = max(1, n_steps // KEPT), []
    for number in range(n_steps + 1):
        states[:, time] = times(np.array([number / n_steps]), n_times)
        if number % every == 0:
            kept.append(states.astype(np.float32))
        signals = population.signals(states)
        states = states - pace * population.forces(states, signals, signals @ weights)
    if not np.isfinite(kept[-1]).all():
        raise DivergedError("the flow diverged: check the chip's weights")
    return Trajectory(times=STEP * every * np.arange(len(kept)), states=np.stack(kept))


def generating_tasks(
    model: Model, chip: Chip, simulated: Trajectory, architecture: Architecture, *, idle: str = "on"
) -> dict[str, Task]:
    """Return the task of drawing one image with `chip`, whose transients were `simulated`; `idle` as of other tasks.

    Noise comes through the DACs, the image leaves through the ADCs; what makes the noise is not counted.
    """
    plan = model.plans[0]
    assert isinstance(plan, HopfieldPlan)
    devices = chip.conductances.get(FLOW)
    pair = None if devices is None else (devices.plus, devices.minus)
    loads = network_loads(chip.effective_weights(FLOW), pair, plan, GENERATE, architecture, idle)
    neurons, length = plan.network.population(plan.network.names), float(simulated.times[-1])
    costs = relaxation_of(simulated, neurons, loads, None if devices is None else devices.gains, length)
    phase = phase_of(plan, GENERATE, architecture, idle, loads, costs, measured=True)
    pixels = dict(plan.network.blocks)["pixels"]
    return {"generate": Task(name="generate", phases=[phase], dac_rounds=(pixels,), adc_rounds=(pixels,))}
