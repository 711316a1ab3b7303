"""The memristors of a circuit as cards, row by row of the weight matrix."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.circuit.circuit import Circuit
from circuits.dialects.tile import tiled_devices
from circuits.memristors.registry import MemristorModel, memristor, memristor_cards


def memristor_of(circuit: Circuit) -> MemristorModel:
    """Return the memristor model of `circuit`, for the range of its conductances."""
    held = [side[side > 0] for side in (circuit.array.plus, circuit.array.minus)]
    lowest = min((float(side.min()) for side in held if side.size), default=1e-6)
    highest = max((float(side.max()) for side in held if side.size), default=1e-4)
    return memristor(circuit.device, g_min=lowest, g_max=highest if highest > lowest else 2 * lowest)


def devices(circuit: Circuit) -> Iterator[str]:
    """Yield the cards of all memristors, a target neuron at a time."""
    if circuit.wires is not None:
        yield from tiled_devices(circuit.array, circuit.names, circuit.wires, memristor_of(circuit))
        return
    model = memristor_of(circuit)
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
