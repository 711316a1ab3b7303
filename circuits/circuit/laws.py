"""Which cells make a neuron, by its law: where its state lives, and what drives its word line; their numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from circuits.memristors import registry
from circuits.memristors.registry import Device
from crossbar.hopfield.neurons import Classical, Linear, Neuron, Saturating, Sigmoid
from crossbar.hopfield.population import Population


class NeuronCells(NamedTuple):
    """The subcircuits of one neuron; `supply` is of the state too, "" where there is none.

    ===========  ===========================  ==========================
    law          state                        line
    ===========  ===========================  ==========================
    `sigmoid`    `neuron`, gated by rho'      `driver`, at v_read rho(s)
    `classical`  `integrator`, no multiplier  `driver`
    `linear`     `integrator`                 `follower`, at v_read s
    `saturating` `integrator` and `supply`    `follower`
    ===========  ===========================  ==========================
    """

    state: str
    line: str
    supply: str = ""


CELLS = {
    Sigmoid.name: NeuronCells("neuron", "driver"),
    Classical.name: NeuronCells("integrator", "driver"),
    Linear.name: NeuronCells("integrator", "follower"),
    Saturating.name: NeuronCells("integrator", "follower", "supply"),
}
"""The cells of each law."""

STEEP = {"neuron", "driver"}
"""Cells that have a gain."""

ALIKE: dict[str, tuple[str, ...]] = {
    "neuron": (), "integrator": (), "driver": (), "follower": (), "supply": ("ceiling",),
}  # fmt: skip
OF_SEVERAL_GAINS = ALIKE | {"neuron": ("gain",), "driver": ("gain",)}
UNLIKE = {
    "neuron": ("gain", "offset", "leak"), "integrator": ("gain", "leak"), "driver": ("gain", "offset"),
    "follower": ("gain", "offset"), "supply": ("gain", "offset", "ceiling"),
}  # fmt: skip
"""The numbers that each card of a cell tells, in this order, where the chip's neurons are not alike."""
PULLED = UNLIKE | {cell: (*UNLIKE[cell], "pull") for cell in ("neuron", "integrator")}
"""The same where some are pulled where nothing pulls."""


LINEAR_SWING = 4.0
"""|s| up to which lines of linear neurons move no memristor with a state; assumed, as latents lie near N(0, 1)."""


def read_voltage(neurons: Population, device: Device) -> float:
    """Return the volts of a signal of 1 on a word line.

    Memristors with a state are read below their thresholds: at their own voltage where signals lie in 0 to 1, at a
    quarter of it (`LINEAR_SWING`) where linear neurons drive them. Resistors take any voltage.
    """
    linear = any(law.follows for law in neurons.laws)
    return registry.read_voltage(device) / (LINEAR_SWING if linear and device != "linear" else 1.0)


def each(neurons: Population) -> list[Neuron]:
    """Return the law of every neuron (N,)."""
    return [law for law, run in neurons.runs for _ in range(run.stop - run.start)]


def gains(neurons: Population) -> tuple[float, ...]:
    """Return the different gains, in the order of the neurons; a linear neuron has none.

    One gain is the netlist's `.param`; of several, and where neurons are not alike, each card tells its own.
    """
    return tuple(dict.fromkeys(float(law.gain) for law in neurons.laws if not law.follows))


def own_numbers(neurons: Population) -> dict[str, tuple[str, ...]]:
    """Return the numbers that each card tells, by cell: those that `neurons` do not share."""
    if neurons.mismatch is not None:
        return PULLED if neurons.mismatch.pulls.any() else UNLIKE
    return OF_SEVERAL_GAINS if len(gains(neurons)) > 1 else ALIKE


def numbers(neurons: Population) -> list[dict[str, float]]:
    """Return gain, offset, leak and pull of every neuron (N,), of a saturating one its limit too, as `ceiling`.

    The gain is the law's (of a linear one 1) times the neuron's own.
    """
    own, laws = neurons.mismatch, each(neurons)
    steep = np.array([law.gain for law in laws], np.float64)
    limits = [{"ceiling": float(law.limit)} if isinstance(law, Saturating) else {} for law in laws]
    if own is None:
        perfect = {"offset": 0.0, "leak": 1.0, "pull": 0.0}
        return [{"gain": gain, **perfect, **limit} for gain, limit in zip(steep.tolist(), limits, strict=True)]
    rows = np.stack([steep * own.gain, own.offset, own.leak, own.pulls], axis=1).tolist()
    names = ("gain", "offset", "leak", "pull")
    return [dict(zip(names, row, strict=True)) | limit for row, limit in zip(rows, limits, strict=True)]


OF_AMPLIFIERS = {"two-device": (("off",), ("off_p", "off_n")), "shared": (("off_p", "off_n", "off_t"), ())}
"""The offsets that the cards of a line and of a sense amplifier tell, by symmetry, where amplifiers differ."""


def words(own: tuple[str, ...], told: dict[str, float]) -> str:
    """Return how a card tells the numbers that are its `own`, of those of its neuron."""
    return "".join(f" {name}={told[name]!r}" for name in own)
