"""Which cells make a neuron, by its law: where its state lives, and what drives its word line."""

from __future__ import annotations

from typing import NamedTuple

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


def each(neurons: Population) -> list[Neuron]:
    """Return the law of every neuron (N,)."""
    return [law for law, run in neurons.runs for _ in range(run.stop - run.start)]


def gains(neurons: Population) -> tuple[float, ...]:
    """Return the different gains, in the order of the neurons; a linear neuron has none.

    One gain is the netlist's `.param`; of several each card tells its own.
    """
    return tuple(dict.fromkeys(float(law.gain) for law in neurons.laws if law.name != Linear.name))
