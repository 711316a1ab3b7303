"""A trained chip in transistors: every neuron of sky130, every memristor a resistor, encode, sample and decode at once.

A weight's two memristors stand between a word line that goes up with rho, or one that goes down, and one bit line
(`circuits.cells.sky130.conveyor`). What stands outside the transistors is memristors, leaks, the drivers' resistors,
capacitors, and the rails: supply, `hold`, `ref`, the two bias gates' currents, the pixels' inputs, the steps of the
noise and the gates of the switches.

In time: all states start at rest at zero, held there. Pixels are clamped and the rest let go: the chip encodes. The
latents are held, noise is added; pixels and hidden neurons go back to zero, latents are clamped with the sample, and
after a while pixels and hidden neurons are let go: it decodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from circuits.cells.sky130.cell import Subcircuit
from circuits.cells.sky130.neuron import neuron
from circuits.cells.sky130.process import SUPPLY
from circuits.cells.sky130.sample_hold import sample_hold
from circuits.cells.sky130.switch import switch
from circuits.circuit.memristor_array import MemristorArray
from circuits.silicon.bench import Conditions, Signals, head, simulate
from circuits.silicon.level import Level, mounted, rails, state
from circuits.simulators.process import Limits
from crossbar.errors import InvalidValue

PARTS = {"neuron": neuron, "switch": switch, "sample_hold": sample_hold}
RISE = 1e-6  # s; of a gate's voltage
LIMITS = Limits(seconds=1200.0, gigabytes=4.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """Ends of the phases in time constants: held at zero, encoding, back to zero, decoding."""

    start: float = 1.0
    encode: float = 30.0
    reset: float = 4.0
    decode: float = 30.0

    @property
    def marks(self) -> tuple[float, float, float, float]:
        """When each phase ends, from the beginning."""
        ends = np.cumsum([self.start, self.encode, self.reset, self.decode])
        return tuple(float(one) for one in ends)


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What a chip is to do: `image` (n_pixels,) to encode, `noise` (n_latent,) to add to the latents, in units."""

    array: MemristorArray
    pixels: slice
    latents: slice
    image: np.ndarray
    noise: np.ndarray

    def __post_init__(self) -> None:
        if self.array.symmetry != "two-device":
            raise InvalidValue("neurons of sky130 need a device for each direction of a pair: take --symmetry two-device")


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """States (N,) at the end of encoding and of decoding, in units; the sample; and all signals."""

    encoded: np.ndarray
    decoded: np.ndarray
    sample: np.ndarray
    states: np.ndarray
    time: np.ndarray
    power: np.ndarray
    swing: tuple[float, float]


def netlist(task: Task, conditions: Conditions, level: Level, times: Times, errors: list | None = None) -> str:
    """Return the netlist; `errors` are those of each neuron's transistors, volts by name."""
    unit = level.time_constant
    step = unit / 50
    analysis = f".tran {step:.6g} {times.marks[-1] * unit:.9g} 0 {step * 10:.6g}\n{_kept(task)}"
    parts = [make() for make in PARTS.values()]
    text = [one.uneven_text() if errors is not None and one.name == "neuron" else one.text() for one in parts]
    return "\n".join(
        [
            *head(conditions, analysis), *text, *rails(conditions), *gates(times, unit), *_memristors(task.array),
            *_neurons(task, conditions, level, errors), *_clamps(task, conditions, level, times), analysis, ".end",
        ]
    ) + "\n"  # fmt: skip


def _kept(task: Task) -> str:
    return ".save all"


def gates(times: Times, unit: float) -> Iterator[str]:
    """Yield the gates of the switches and their opposites.

    The latents are held before the pixels are let go, and clamped after that.
    """
    start, encode, reset, _ = (mark * unit for mark in times.marks)
    apart = unit / 50
    on = {
        "begin": (0.0, start), "zero": (encode + 2 * apart, reset), "image": (start + apart, encode + apart),
        "track": (start, encode), "sample": (encode + 2 * apart, None),
    }  # fmt: skip
    for name, (first, last) in on.items():
        for gate, low, high in ((name, 0.0, SUPPLY), (f"not_{name}", SUPPLY, 0.0)):
            points = [f"0 {high if first == 0 else low:g}"]
            if first > 0:
                points += [f"{first:.9g} {low:g}", f"{first + RISE:.9g} {high:g}"]
            if last is not None:
                points += [f"{last:.9g} {high:g}", f"{last + RISE:.9g} {low:g}"]
            yield f"Vgate_{gate} {gate} 0 pwl({' '.join(points)})"


def _memristors(array: MemristorArray) -> Iterator[str]:
    for sign, matrix, line in (("p", array.plus, "above"), ("m", array.minus, "below")):
        for target, source in zip(*np.nonzero(matrix), strict=True):
            yield f"R{sign}_{target}_{source} {line}_{source} line_{target} {1 / float(matrix[target, source]):.12g}"


def _neurons(task: Task, conditions: Conditions, level: Level, errors: list | None) -> Iterator[str]:
    for k in range(task.array.size):
        own = None if errors is None else errors[k]
        yield "\n".join([*mounted(str(k), conditions, level, own), *state(str(k), level)])


def _clamps(task: Task, conditions: Conditions, level: Level, times: Times) -> Iterator[str]:
    unit, scale, middle = level.time_constant, conditions.scale, conditions.middle
    order = np.arange(task.array.size)
    latents = order[task.latents]
    for k in order:
        gate = "begin" if k in latents else "zero"
        yield f"Xbegin_{k} s_{k} ref begin not_begin vdd switch"
        if gate == "zero":
            yield f"Xzero_{k} s_{k} ref zero not_zero vdd switch"
    for k, value in zip(order[task.pixels], task.image, strict=True):
        yield f"Vimage_{k} image_{k} 0 {middle + scale * value:.9g}\nXimage_{k} s_{k} image_{k} image not_image vdd switch"
    when = (times.marks[1] + 0.01) * unit
    for k, value in zip(latents, task.noise, strict=True):
        yield f"Vstep_{k} step_{k} 0 pwl(0 {middle:g} {when:.9g} {middle:g} {when + RISE:.9g} {middle + scale * value:.9g})"
        yield f"Ckeep_{k} kept_{k} step_{k} {level.keep:.9g}"
        yield f"Xhold_{k} s_{k} kept_{k} sample_{k} track not_track bias pbias vdd sample_hold"
        yield f"Xsample_{k} s_{k} sample_{k} sample not_sample vdd switch"


def run(task: Task, conditions: Conditions, level: Level, times: Times, errors: list | None = None) -> Found:
    """Run the chip in ngspice; every node is looked at.

    Raises
    ------
    MissingFile, EngineError, InvalidValue
        As in `circuits.silicon.bench.simulate`.
    """
    found = simulate(netlist(task, conditions, level, times, errors), conditions, LIMITS)
    return read(found, task, conditions, level, times)


def read(found: Signals, task: Task, conditions: Conditions, level: Level, times: Times) -> Found:
    """Return what the signals say."""
    unit = level.time_constant
    states = np.array([(found[f"v(s_{k})"] - conditions.middle) / conditions.scale for k in range(task.array.size)])
    _, encode, _, decode = (mark * unit for mark in times.marks)
    before = encode - unit / 50
    at = {name: np.array([np.interp(when, found.time, one) for one in states]) for name, when in (("e", before), ("d", decode))}
    return Found(
        encoded=at["e"], decoded=at["d"], sample=at["d"][task.latents], states=states, time=found.time,
        power=-SUPPLY * found["i(vdd)"], swing=found.swing,
    )  # fmt: skip
