"""The memristors of a circuit as cards, row by row of the weight matrix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.circuit.circuit import Circuit
from circuits.dialects.tile import tiled_devices
from circuits.memristors.registry import memristor_cards


def devices(circuit: Circuit) -> Iterator[str]:
    """Yield the cards of all memristors, a target neuron at a time."""
    if circuit.wires is not None:
        yield from tiled_devices(circuit.array, circuit.names, circuit.wires, circuit.memristor)
        return
    model = circuit.memristor
    shared = circuit.array.symmetry == "shared"
    rails = [f"p_{name}" for name in circuit.names]
    inverted = [f"n_{name}" for name in circuit.names] if shared else rails
    ends = [f"__{name}" for name in circuit.names]
    for target, name in enumerate(circuit.names):
        first = target + 1 if shared else 0
        held = np.flatnonzero(circuit.array.built[target, first:]) + first
        chosen = held.tolist()
        for sign, matrix, sources in (("p", circuit.array.plus, rails), ("n", circuit.array.minus, inverted)):
            stem, tail = f"{sign}_{name}", f"p_{name}" if shared else f"q{sign}_{name}"
            names, heads = [stem + ends[source] for source in chosen], [sources[source] for source in chosen]
            yield memristor_cards(model, names, heads, [tail] * len(names), matrix[target, held])
