"""A trained chip in transistors: every neuron of sky130, every memristor a resistor, encode, sample and decode at once.

A weight's two memristors stand between a word line that goes up with rho, or one that goes down, and one bit line
(`circuits.cells.sky130.conveyor`). What stands outside the transistors is memristors, leaks, the drivers' resistors,
capacitors, and the rails: supply, the lines' rest, the states' middle, the two bias currents, the pixels' inputs, the
steps of the noise and the gates of the switches.

In time: all states are held at zero. Pixels are clamped and the rest let go: the chip encodes. The latents are held,
noise is added; pixels and hidden neurons go back to zero, latents are clamped with the sample, and after a while pixels
and hidden neurons are let go: it decodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from circuits.cells.sky130.neuron import neuron
from circuits.cells.sky130.process import SUPPLY
from circuits.cells.sky130.sample_hold import sample_hold
from circuits.cells.sky130.switch import switch
from circuits.circuit.memristor_array import MemristorArray, map_linearly
from circuits.silicon.bench import HOLD, Conditions, Signals, head, simulate
from circuits.silicon.level import Level, mounted, rails, state
from circuits.silicon.neuron import GAIN
from circuits.silicon.spread import draw
from circuits.simulators.process import Limits
from crossbar.chip import Chip
from crossbar.errors import InvalidValue
from crossbar.hopfield.neurons import Sigmoid
from crossbar.numerics import checks

GATES = ("begin", "zero", "image", "track", "sample")
RISE = 1e-6  # s; of a gate's voltage
APART = 0.02  # time constants between a gate that closes and one that opens
LEAST = 1e-14  # S; of a device that is there
LIMITS = Limits(seconds=1200.0, gigabytes=4.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """How long each phase lasts, in time constants: held at zero, encoding, back to zero, decoding.

    Raises
    ------
    InvalidValue
        One that is not positive and finite.
    """

    start: float = 1.0
    encode: float = 30.0
    reset: float = 4.0
    decode: float = 60.0

    def __post_init__(self) -> None:
        for name in ("start", "encode", "reset", "decode"):
            checks.positive(name, getattr(self, name))

    @property
    def marks(self) -> tuple[float, float, float, float]:
        """When each phase ends, from the beginning."""
        start, encode, reset, decode = np.cumsum([self.start, self.encode, self.reset, self.decode]).tolist()
        return start, encode, reset, decode


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What a chip is to do.

    Attributes
    ----------
    array : MemristorArray
    pixels, latents : ndarray of int
        Which neurons they are.
    image : ndarray (n_pixels,)
        To encode, in units of the state.
    noise : ndarray (n_latent,)
        To add to the latents, sigma eps.
    """

    array: MemristorArray
    pixels: np.ndarray
    latents: np.ndarray
    image: np.ndarray
    noise: np.ndarray


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What a chip did; states in units.

    Attributes
    ----------
    encoded, decoded : ndarray (N,)
        States at the end of the two phases.
    states : ndarray (N, n)
        All the way.
    time : ndarray (n,)
        Seconds.
    power : ndarray (n,)
        Watts out of the supply; the rails of lines and states carry little and are left out.
    rail_power : ndarray (n,)
        Watts out of those two rails, of either sign.
    swing : tuple of float
        The lowest and highest voltage of any node but supply and gates of switches.
    moving : float
        By how much a state still moved in the last time constant of a phase.
    seconds : float
        Processor time of ngspice.
    """

    encoded: np.ndarray
    decoded: np.ndarray
    states: np.ndarray
    time: np.ndarray
    power: np.ndarray
    rail_power: np.ndarray
    swing: tuple[float, float]
    moving: float
    seconds: float


def task(
    chip: Chip, image: np.ndarray, noise: np.ndarray, conditions: Conditions, level: Level, *, g_min: float = 0.0
) -> Task:
    """Return the task of encoding `image` (n_pixels,), sampling with `noise` (n_latent,) and decoding.

    Ideal weights are mapped linearly, by the neuron's own siemens per weight, with `g_min` siemens in the other device
    of a pair (zero: it is not there).

    Raises
    ------
    InvalidValue
        A chip that is not tied, has programmed devices, or neurons that are not the paper's, alike and of gain 3.
    """
    network = chip.networks.get("tied")
    if network is None or chip.conductances:
        raise InvalidValue("neurons of sky130 take tied chips of ideal weights: conductances follow from the neuron")
    alike = all(isinstance(one, Sigmoid) and one.gain == GAIN for one in network.population(network.names).laws)
    if not alike or network.mismatch is not None:
        raise InvalidValue(
            f"neurons of sky130 are sigmoids of gain {GAIN:g}, all alike, but the chip has others; what was learned on "
            "a fitted chip runs with `hopbar silicon --on` that chip"
        )
    weights, scale = chip.effective_weights("tied").T, level.siemens_per_weight(conditions)
    lowest = max(g_min, 1e-15)
    largest = lowest + scale * float(np.abs(weights).max())
    array = map_linearly(weights, network.mask(), g_min=lowest, g_max=largest, symmetry="two-device")
    order, sigma = np.arange(network.size), np.asarray(0.0 if chip.sigma is None else chip.sigma)
    return Task(
        array=array, pixels=order[network.block("pixels")], latents=order[network.block("latent")],
        image=np.asarray(image, np.float64), noise=sigma * np.asarray(noise, np.float64),
    )  # fmt: skip


def drawn(size: int, seed: int) -> list[dict[str, float]]:
    """Return the errors (volts, by transistor) of `size` neurons of a chip with mismatch."""
    return draw(neuron(), size, np.random.default_rng(seed))


def netlist(
    one: Task, conditions: Conditions, level: Level, times: Times, errors: Sequence[Mapping[str, float]] | None = None
) -> str:
    """Return the netlist; `errors` are those of each neuron's transistors, volts by name."""
    unit = level.time_constant
    step = unit / 50
    analysis = f".tran {step:.6g} {times.marks[-1] * unit:.9g} 0 {10 * step:.6g}\n.save all"
    cell = neuron()
    cards = [
        *head(conditions, analysis), cell.text() if errors is None else cell.uneven_text(), switch().text(),
        sample_hold().text(), *rails(conditions), *_gates(times, unit), *_memristors(one.array),
        *_neurons(one, conditions, level, errors), *_clamps(one, conditions),
        *_samples(one, conditions, level, times), analysis, ".end",
    ]  # fmt: skip
    return "\n".join(cards) + "\n"


def _gates(times: Times, unit: float) -> Iterator[str]:
    """Yield the gates of the switches and their opposites: on from one time, or from before all, to another, or on."""
    start, encode, reset, _ = (mark * unit for mark in times.marks)
    apart = APART * unit
    on = {
        "begin": (None, start), "image": (start + apart, encode + apart), "track": (start, encode),
        "zero": (encode + 2 * apart, reset), "sample": (encode + 2 * apart, None),
    }  # fmt: skip
    for name, (first, last) in on.items():
        for gate, low, high in ((name, 0.0, SUPPLY), (f"not_{name}", SUPPLY, 0.0)):
            points = [(0.0, high if first is None else low)]
            points += [] if first is None else [(first, low), (first + RISE, high)]
            points += [] if last is None else [(last, high), (last + RISE, low)]
            yield f"Vgate_{gate} {gate} 0 pwl({' '.join(f'{time:.9g} {volts:g}' for time, volts in points)})"


def _memristors(array: MemristorArray) -> Iterator[str]:
    for sign, matrix, line in (("p", array.plus, "above"), ("m", array.minus, "below")):
        for target, source in zip(*np.nonzero(matrix > LEAST), strict=True):
            ohm = 1 / float(matrix[target, source])
            yield f"R{sign}_{target}_{source} {line}_{source} line_{target} {ohm:.12g}"


def _neurons(
    one: Task, conditions: Conditions, level: Level, errors: Sequence[Mapping[str, float]] | None
) -> Iterator[str]:
    for k in range(one.array.size):
        yield from mounted(str(k), conditions, level, None if errors is None else errors[k])
        yield from state(str(k), level)


def _clamps(one: Task, conditions: Conditions) -> Iterator[str]:
    """Yield the switches to zero, and those of the pixels to their inputs."""
    for k in range(one.array.size):
        yield f"Xbegin_{k} s_{k} ref begin not_begin vdd switch"
        if k not in one.latents:
            yield f"Xzero_{k} s_{k} ref zero not_zero vdd switch"
    for k, value in zip(one.pixels, one.image, strict=True):
        yield f"Vimage_{k} image_{k} 0 {conditions.middle + conditions.scale * value:.9g}"
        yield f"Ximage_{k} s_{k} image_{k} image not_image vdd switch"


def _samples(one: Task, conditions: Conditions, level: Level, times: Times) -> Iterator[str]:
    """Yield the sample-and-holds; the noise's step comes between the end of tracking and the sample's clamp."""
    middle, when = conditions.middle, (times.marks[1] + APART) * level.time_constant
    for k, value in zip(one.latents, one.noise, strict=True):
        stepped = middle + conditions.scale * value
        yield f"Vstep_{k} step_{k} 0 pwl(0 {middle:g} {when:.9g} {middle:g} {when + RISE:.9g} {stepped:.9g})"
        yield f"Ckeep_{k} kept_{k} step_{k} {level.keep:.9g}"
        yield f"Xhold_{k} s_{k} kept_{k} sample_{k} track not_track bias pbias vdd sample_hold"
        yield f"Xsample_{k} s_{k} sample_{k} sample not_sample vdd switch"


def run(
    one: Task, conditions: Conditions, level: Level, times: Times,
    errors: Sequence[Mapping[str, float]] | None = None, limits: Limits = LIMITS,
) -> Found:  # fmt: skip
    """Run the chip in ngspice; every node is looked at.

    Raises
    ------
    MissingFile, EngineError, InvalidValue
        As in `circuits.silicon.bench.simulate`.
    """
    found = simulate(netlist(one, conditions, level, times, errors), conditions, limits)
    states = np.array([(found[f"v(s_{k})"] - conditions.middle) / conditions.scale for k in range(one.array.size)])
    ends = (times.marks[1] - APART) * level.time_constant, times.marks[3] * level.time_constant
    encoded, decoded = (_at(end, found.time, states) for end in ends)
    before = (_at(end - level.time_constant, found.time, states) for end in ends)
    moving = max(float(np.abs(end - one).max()) for end, one in zip((encoded, decoded), before, strict=True))
    return Found(
        encoded=encoded, decoded=decoded, states=states, time=found.time, power=-SUPPLY * found["i(vdd)"],
        rail_power=-HOLD * found["i(vhold)"] - conditions.middle * found["i(vref)"], swing=_swing(found),
        moving=moving, seconds=found.waveforms.processor_seconds,
    )  # fmt: skip


def _at(when: float, time: np.ndarray, states: np.ndarray) -> np.ndarray:
    return np.array([np.interp(when, time, row) for row in states])


def _swing(found: Signals) -> tuple[float, float]:
    gates = {f"v({prefix}{name})" for name in GATES for prefix in ("", "not_")}
    return found.swing_without(gates)
