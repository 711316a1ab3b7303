"""Which cells make a neuron, by its law: where its state lives, and what drives its word line."""

from __future__ import annotations

from typing import NamedTuple

from circuits.memristors.registry import MODELS
from crossbar.hopfield.neurons import Classical, Linear, Neuron, Sigmoid
from crossbar.hopfield.population import Population


class NeuronCells(NamedTuple):
    """The subcircuits of one neuron.

    ===========  ===========================  ==========================
    law          state                        line
    ===========  ===========================  ==========================
    `sigmoid`    `neuron`, gated by rho'      `driver`, at v_read rho(s)
    `classical`  `integrator`, no multiplier  `driver`
    `linear`     `integrator`                 `follower`, at v_read s
    ===========  ===========================  ==========================
    """

    state: str
    line: str


CELLS = {
    Sigmoid.name: NeuronCells("neuron", "driver"),
    Classical.name: NeuronCells("integrator", "driver"),
    Linear.name: NeuronCells("integrator", "follower"),
}
"""The cells of each law."""

STEEP = {"neuron", "driver"}
"""Cells that have a gain."""


LINEAR_SWING = 4.0
"""|s| up to which lines of linear neurons move no memristor with a state; assumed, as latents lie near N(0, 1)."""


def read_voltage(neurons: Population, device: str) -> float:
    """Return the volts of a signal of 1 on a word line.

    Memristors with a state are read below their thresholds: at their own voltage where signals lie in 0 to 1, at a
    quarter of it (`LINEAR_SWING`) where linear neurons drive them. Resistors take any voltage.
    """
    linear = any(law.name == Linear.name for law in neurons.laws)
    return MODELS[device].read_voltage / (LINEAR_SWING if linear and device != "linear" else 1.0)


def each(neurons: Population) -> list[Neuron]:
    """Return the law of every neuron (N,)."""
    return [law for law, run in neurons.runs for _ in range(run.stop - run.start)]


def gains(neurons: Population) -> tuple[float, ...]:
    """Return the different gains, in the order of the neurons; a linear neuron has none.

    One gain is the netlist's `.param`; of several each card tells its own.
    """
    return tuple(dict.fromkeys(float(law.gain) for law in neurons.laws if law.name != Linear.name))
