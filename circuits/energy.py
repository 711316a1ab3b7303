"""Energy and latency of one encoded, one generated and one training image: what settles, converts and is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from circuits.area import Interval
from circuits.relaxation import Relaxation
from circuits.sensitivity import Swing, swings
from circuits.technology import POINTS, Point, Technology
from crossbar.errors import InvalidValue

PARTS = ("crossbars", "neurons", "dacs", "adcs", "pulses")


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """One settling of one network, with the neurons that are powered meanwhile.

    Attributes
    ----------
    relaxation : Relaxation
    n_neurons : int
    measured : bool
        Whether the settle time was simulated; if not, it is 1 and stands for the technology's `settle_time`.
    """

    relaxation: Relaxation
    n_neurons: int
    measured: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """Everything one image asks for.

    Attributes
    ----------
    name : str
    phases : sequence of Phase
        Settlings, one after the other; the images of all of them are the same ones.
    dac_rounds, adc_rounds : tuple of int
        Lines converted in each round; the lines of a round take turns at the converters of their network.
    n_written : int
        Devices that the update may write.
    write_rows : int
        Rows of a tile, written in turn; all tiles at once.
    """

    name: str
    phases: Sequence[Phase]
    dac_rounds: tuple[int, ...] = ()
    adc_rounds: tuple[int, ...] = ()
    n_written: int = 0
    write_rows: int = 0

    def __post_init__(self) -> None:
        if not self.phases:
            raise InvalidValue(f"task {self.name!r} must have at least one phase, but has none")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a task costs: latency (s), energy (J) and its parts, settle time (time constants), each as an interval."""

    latency: Interval
    energy: Interval
    parts: Mapping[str, Interval]
    settle: Interval
    n_unsettled: int = 0
    n_simulated: int = 0


def settle_duration(phase: Phase, point: Point, image: np.ndarray | None) -> np.ndarray:
    """Return the settle time of `phase` in seconds, for the images of number `image`, or the mean image if None."""
    return point["time_constant"] * _settle_constants(phase, point, image)


def crossbar_energy(phase: Phase, point: Point, image: np.ndarray | None) -> np.ndarray:
    """Return the integral of G V^2 over the devices of the network while it settles, in joules."""
    g_max = point["conductance_max"]
    g_min = g_max / point["on_off_ratio"]
    costs = phase.relaxation
    siemens = g_min * _pick(costs.base, image) + (g_max - g_min) * _pick(costs.weight, image)
    length = 1.0 if phase.measured else point["settle_time"]
    return point["read_voltage"] ** 2 * point["time_constant"] * length * (siemens + _pick(costs.devices, image))


def energy_parts(task: Task, point: Point, image: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return the energy of each part of `task` in joules."""
    neurons = [phase.n_neurons * point["neuron_power"] * settle_duration(phase, point, image) for phase in task.phases]
    pulse = point["write_voltage"] ** 2 * point["conductance_max"] / point["on_off_ratio"] * point["pulse_width"]
    return {
        "crossbars": np.sum([crossbar_energy(phase, point, image) for phase in task.phases], axis=0),
        "neurons": np.sum(neurons, axis=0),
        "dacs": sum(task.dac_rounds) * point["dac_energy"],
        "adcs": sum(task.adc_rounds) * point["adc_energy"],
        "pulses": task.n_written * point["pulses_per_update"] * pulse,
    }


def latency(task: Task, point: Point, image: np.ndarray | None = None) -> np.ndarray:
    """Return the duration of `task` in seconds: settling, conversions in turn, rows of pulses in turn."""
    settling = np.sum([settle_duration(phase, point, image) for phase in task.phases], axis=0)
    turns = sum(np.minimum(lines, point["lines_per_dac"]) for lines in task.dac_rounds)
    turns = turns + sum(np.minimum(lines, point["lines_per_adc"]) for lines in task.adc_rounds)
    pulses = task.write_rows * point["pulses_per_update"] * point["pulse_width"]
    return settling + turns * point["conversion_time"] + pulses


def energy_drivers(task: Task, technology: Technology) -> tuple[Swing, ...]:
    """Return what moves the energy of `task`: joules at the low and the high value of each parameter, widest first."""
    return swings(lambda point: float(_total(energy_parts(task, point))), technology)


def cost(task: Task, technology: Technology, draws: Point, rng: np.random.Generator) -> Cost:
    """Return the cost of `task`: the mean image at the three points; drawn values and drawn images for percentiles."""
    images = rng.random(np.shape(draws["routing"]))
    points = [technology.values(point) for point in POINTS]
    at_points = [energy_parts(task, point) for point in points]
    drawn = energy_parts(task, draws, images)
    parts = {name: _interval([values[name] for values in at_points], drawn[name], images) for name in PARTS}
    simulated = [phase for phase in task.phases if phase.measured]
    return Cost(
        latency=_interval([latency(task, point) for point in points], latency(task, draws, images), images),
        energy=_interval([_total(values) for values in at_points], _total(drawn), images),
        parts=parts,
        settle=_interval(
            [_settle_sum(task, point, None) for point in points], _settle_sum(task, draws, images), images
        ),
        n_unsettled=sum(phase.relaxation.n_unsettled for phase in simulated),
        n_simulated=sum(len(phase.relaxation.settle) for phase in simulated),
    )


def _settle_constants(phase: Phase, point: Point, image: np.ndarray | None) -> np.ndarray:
    constants = _pick(phase.relaxation.settle, image)
    return constants if phase.measured else constants * point["settle_time"]


def _settle_sum(task: Task, point: Point, image: np.ndarray | None) -> np.ndarray:
    return np.sum([_settle_constants(phase, point, image) for phase in task.phases], axis=0)


def _pick(values: np.ndarray, image: np.ndarray | None) -> np.ndarray:
    """Return the mean of `values` (k,), or those of drawn images: `image` in [0, 1) is a place among the k."""
    if image is None:
        return np.mean(values)
    return values[(np.asarray(image) * len(values)).astype(int)]


def _total(parts: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.sum(np.broadcast_arrays(*parts.values()), axis=0)


def _interval(points: Sequence[np.ndarray], draws: np.ndarray, images: np.ndarray) -> Interval:
    return Interval.of(tuple(float(point) for point in points), np.broadcast_to(draws, images.shape))
