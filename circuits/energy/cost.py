"""Energy and latency of one encoded, one generated and one training image: what settles, converts and is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from circuits.area.estimate import Interval, output_current
from circuits.area.sensitivity import Swing, swings
from circuits.area.technology import POINTS, Point, Technology
from circuits.energy.relaxation import Relaxation, Siemens
from crossbar.errors import InvalidValue

PARTS = ("crossbars", "buffers", "neurons", "dacs", "adcs", "pulses")
SETTLING = ("crossbars", "buffers", "neurons")  # the parts that are drawn while the chip settles


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """One settling of one network, with the circuits that are powered meanwhile.

    Attributes
    ----------
    relaxation : Relaxation
    n_neurons, n_buffers : int
        Neuron circuits and line buffers that are on.
    n_driven : int
        Devices that conduct; output stages are biased for the current of both their ends.
    n_strained : int
        Those of them on lines of linear neurons.
    rest_level : float
        Where in its range a device of weight zero lies, see `Architecture.rest_level`.
    measured : bool
        Whether the settle time was simulated; if not, it is 1 and stands for the technology's `settle_time`.
    """

    relaxation: Relaxation
    n_neurons: int
    n_buffers: int = 0
    n_driven: int = 0
    n_strained: int = 0
    rest_level: float = 0.0
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
    written : Siemens or None
        Sum of the conductances of the devices that the update may write.
    write_rows : int
        Rows of a tile, written in turn; all tiles at once.
    """

    name: str
    phases: Sequence[Phase]
    dac_rounds: tuple[int, ...] = ()
    adc_rounds: tuple[int, ...] = ()
    written: Siemens | None = None
    write_rows: int = 0

    def __post_init__(self) -> None:
        if not self.phases:
            raise InvalidValue(f"task {self.name!r} must have at least one phase, but has none")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a task costs, each as an interval.

    Latency (s), energy from the supply (J) with its parts, what of it the devices of the arrays dissipate while they
    are read (J), mean power while settling (W), settle time (time constants).
    """

    latency: Interval
    energy: Interval
    parts: Mapping[str, Interval]
    dissipated: Interval
    power: Interval
    settle: Interval
    n_unsettled: int = 0
    n_simulated: int = 0


def settle_duration(phase: Phase, point: Point, image: np.ndarray | None) -> np.ndarray:
    """Return the settle time of `phase` in seconds, for the images of number `image`, or the mean image if None."""
    return point["time_constant"] * _settle_constants(phase, point, image)


def crossbar_energy(phase: Phase, point: Point, image: np.ndarray | None) -> np.ndarray:
    """Return what the supply delivers to the lines while the network settles, V_DD integral I dt, in joules."""
    charge = point["read_voltage"] * _time_scale(phase, point) * _siemens(phase.relaxation.drawn, point, image)
    return point["supply_voltage"] * charge


def array_dissipation(phase: Phase, point: Point, image: np.ndarray | None) -> np.ndarray:
    """Return what of `crossbar_energy` the devices dissipate, the integral of G V^2, in joules."""
    siemens = _siemens(phase.relaxation.dissipated, point, image)
    return point["read_voltage"] ** 2 * _time_scale(phase, point) * siemens


def buffer_energy(phase: Phase, point: Point, image: np.ndarray | None) -> np.ndarray:
    """Return what line buffers and output stages draw whether or not their lines carry current, in joules."""
    current = output_current(phase.n_driven, phase.n_strained, point, phase.rest_level)
    bias = point["output_bias"] * point["supply_voltage"] * current
    return (phase.n_buffers * point["buffer_power"] + bias) * settle_duration(phase, point, image)


def energy_parts(task: Task, point: Point, image: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return the energy of each part of `task` in joules.

    A pulse of V volts and t seconds takes G V^2 t of the conductance G that the device has: the mean of those that the
    update may write.
    """
    neurons = [phase.n_neurons * point["neuron_power"] * settle_duration(phase, point, image) for phase in task.phases]
    written = 0.0 if task.written is None else _siemens(task.written, point, None)
    return {
        "crossbars": np.sum([crossbar_energy(phase, point, image) for phase in task.phases], axis=0),
        "buffers": np.sum([buffer_energy(phase, point, image) for phase in task.phases], axis=0),
        "neurons": np.sum(neurons, axis=0),
        "dacs": sum(task.dac_rounds) * point["dac_energy"],
        "adcs": sum(task.adc_rounds) * point["adc_energy"],
        "pulses": written * point["pulses_per_update"] * point["write_voltage"] ** 2 * point["pulse_width"],
    }


def dissipation(task: Task, point: Point, image: np.ndarray | None = None) -> np.ndarray:
    """Return what the devices of the arrays dissipate while `task` settles, in joules; a part of `crossbars`."""
    return np.sum([array_dissipation(phase, point, image) for phase in task.phases], axis=0)


def settling_power(task: Task, point: Point, image: np.ndarray | None = None) -> np.ndarray:
    """Return the mean power of `task` while it settles, in watts; 0 where nothing has to settle."""
    parts = energy_parts(task, point, image)
    duration = np.sum([settle_duration(phase, point, image) for phase in task.phases], axis=0)
    energy = _total({name: parts[name] for name in SETTLING})
    return np.divide(energy, duration, out=np.zeros(np.shape(energy)), where=np.asarray(duration) > 0)


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

    def over(quantity: Callable[..., np.ndarray]) -> Interval:
        return _interval([quantity(task, point) for point in points], quantity(task, draws, images), images)

    return Cost(
        latency=over(latency),
        dissipated=over(dissipation),
        power=over(settling_power),
        settle=over(_settle_sum),
        energy=_interval([_total(values) for values in at_points], _total(drawn), images),
        parts=parts,
        n_unsettled=sum(phase.relaxation.n_unsettled for phase in simulated),
        n_simulated=sum(len(phase.relaxation.settle) for phase in simulated),
    )


def _time_scale(phase: Phase, point: Point) -> np.ndarray:
    """Return the seconds that stand for a unit of time in the integrals of `phase`."""
    return point["time_constant"] * (1.0 if phase.measured else point["settle_time"])


def _siemens(found: Siemens, point: Point, image: np.ndarray | None) -> np.ndarray:
    g_max = point["conductance_max"]
    g_min = g_max / point["on_off_ratio"]
    return g_min * _pick(found.base, image) + (g_max - g_min) * _pick(found.weight, image) + _pick(found.devices, image)


def _settle_constants(phase: Phase, point: Point, image: np.ndarray | None) -> np.ndarray:
    constants = _pick(phase.relaxation.settle, image)
    return constants if phase.measured else constants * point["settle_time"]


def _settle_sum(task: Task, point: Point, image: np.ndarray | None = None) -> np.ndarray:
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
