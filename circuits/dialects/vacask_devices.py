"""The memristors of a circuit in VACASK's language: resistors, or modules of one's own that hold a state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from circuits.circuit.circuit import Circuit
from circuits.memristors.linear import OPEN, resistances
from circuits.memristors.own import OwnMemristor
from circuits.memristors.registry import Device
from crossbar.errors import EngineError

OWN = "own.va"
"""The file of a stranger's Verilog-A, beside the netlist."""


def check_device(device: Device) -> None:
    """Raise an EngineError with the remedy where `device` has a state, and no Verilog-A."""
    if isinstance(device, OwnMemristor):
        device.own.module()
    elif device != "linear":
        raise EngineError(
            f"VACASK runs linear devices, and those of one's own in Verilog-A, but not {device}: take --engine ngspice "
            "(hopbar verify) or --dialect ngspice (hopbar netlist)"
        )


def write_own(circuit: Circuit, folder: Path) -> None:
    """Write the Verilog-A of the circuit's memristors to `folder`, where they have one."""
    if isinstance(circuit.device, OwnMemristor):
        (folder / OWN).write_text(circuit.device.own.module().modules.text, encoding="ascii")


def load(circuit: Circuit) -> str:
    """Return the line that loads `OWN`, where it is there."""
    return "" if isinstance(circuit.device, str) else f'load "{OWN}"\n'


def begun(circuit: Circuit) -> str:
    """Return how a transient begins: states of neurons at 0, or at `start` around devices that set their own states.

    A module tells its state at an operating point, so that one begins the transient, the free neurons held in it.
    """
    if isinstance(circuit.device, str):
        return 'icmode="uic"'
    free = np.flatnonzero(~circuit.clamped).tolist()
    held = ", ".join(f'"s_{circuit.names[index]}", {float(circuit.start[index])!r}' for index in free)
    return f'icmode="op" ic={{{held}}}'


def saved(circuit: Circuit) -> str:
    """Return which signals are kept: the states of neurons alone, where each device has nodes of its own."""
    if isinstance(circuit.device, str):
        return ""
    return "  save " + " ".join(f"v(s_{name})" for name in circuit.names) + "\n"


def devices(circuit: Circuit) -> Iterator[str]:
    """Yield one resistor per memristor, named as in the SPICE netlist, or a model and an instance of one's own."""
    shared = circuit.array.symmetry == "shared"
    names = circuit.names
    for target, name in enumerate(names):
        first = target + 1 if shared else 0
        held = np.flatnonzero(circuit.array.built[target, first:]) + first
        for sign, matrix in (("p", circuit.array.plus), ("n", circuit.array.minus)):
            tail = f"p_{name}" if shared else f"q{sign}_{name}"
            head = "n_" if shared and sign == "n" else "p_"
            sources = [names[source] for source in held.tolist()]
            stems = [f"{sign}_{name}__{source}" for source in sources]
            yield _cards(circuit, stems, [head + source for source in sources], tail, matrix[target, held])


def _cards(circuit: Circuit, stems: list[str], heads: list[str], tail: str, conductances: np.ndarray) -> str:
    device = circuit.device
    if isinstance(device, str):
        values = resistances(conductances).tolist()
        rows = zip(stems, heads, values, strict=True)
        return "".join([f"r{stem} ({head} {tail}) r r={value!r}\n" for stem, head, value in rows])
    said = [
        f"r{stem} ({head} {tail}) r r={OPEN!r}\n"
        for stem, head, value in zip(stems, heads, conductances.tolist(), strict=True)
        if value == 0
    ]
    chosen = np.flatnonzero(conductances).tolist()
    names, sources = [stems[k] for k in chosen], [heads[k] for k in chosen]
    return "".join([*said, device.module_cards(names, sources, [tail] * len(chosen), conductances[chosen])])
