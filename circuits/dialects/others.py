"""A circuit for a simulator that does not run here: written from the cards of its ngspice netlist, and compared."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from circuits.circuit.circuit import Circuit
from circuits.circuit.comments import comment, heading
from circuits.circuit.schedule import schedule
from circuits.dialects import spice
from circuits.dialects.cards import Card, of_ngspice
from circuits.dialects.device_cards import devices
from circuits.dialects.dialect import UNRUN, Dialect, check
from circuits.dialects.equality import differences
from circuits.dialects.family import HSPICE, LTSPICE, XYCE
from circuits.dialects.spectre import Spectre
from crossbar.errors import InvalidValue

OTHERS: dict[str, Dialect] = {one.name: one for one in (LTSPICE, XYCE, Spectre(), HSPICE)}
"""The dialects beside ngspice's and VACASK's, by name."""

READ_BACK = 100_000  # memristors up to which a file is read back where it is written: some seconds
SHOWN = 20  # differences that are told


def write(circuit: Circuit, path: Path, dialect: Dialect) -> Path:
    """Write `circuit` to `path` in `dialect`, streaming.

    Raises
    ------
    EngineError, InvalidValue
        See `circuits.dialects.dialect.check`.
    """
    check(circuit)
    if not isinstance(circuit.device, str):
        raise InvalidValue(f"{dialect.name} cannot take {circuit.device}, which is {circuit.device.own.text.elsewhere}")
    dialect.files(_cards(circuit), _title(circuit, dialect), path)
    return path


def compare(circuit: Circuit, path: Path, dialect: Dialect, rng: np.random.Generator) -> list[str]:
    """Return how the netlist at `path` is not the ngspice netlist of `circuit`, the first `SHOWN` differences.

    Raises
    ------
    CorruptFile
        It has a line that no netlist of ours in this dialect has.
    """
    ours = of_ngspice(line for piece in spice.pieces(circuit) for line in piece.splitlines())
    return list(islice(differences(dialect.read(path), ours, dialect, rng), SHOWN))


def _cards(circuit: Circuit) -> Iterator[Card | str]:
    """Yield the cards of `circuit`, memristors that are resistors as text: there are millions of them."""
    gates: dict[str, Card] = {}
    head = (spice.parameters(circuit), spice.cells(circuit), *spice.neurons(circuit))
    yield from of_ngspice((line for piece in head for line in piece.splitlines()), gates)
    if circuit.device == "linear":
        yield from devices(circuit)
    else:
        yield from of_ngspice(line for piece in devices(circuit) for line in piece.splitlines())
    yield from of_ngspice((line for piece in schedule(circuit) for line in piece.splitlines()), gates)


def _title(circuit: Circuit, dialect: Dialect) -> str:
    """Return the title line and the comments: origin, nodes, and that it was never run."""
    mark = "//" if dialect.name == "spectre" else "*"
    said = (
        f"dialect {dialect.name}: {UNRUN}",
        "units: volt, ampere, second, siemens, ohm. One time constant is c_state r_leak.",
        "nodes: s_X state of neuron X (1 V is a state of 1), p_X its word line, m_X its drive W rho in volts",
        "cards: Rp_X__Y (G+) and Rn_X__Y (G-), or Xp_, Xn_: memristors of w_XY = (G+ - G-) / siemens_per_weight",
    )
    lines = "".join(comment(line, mark) for line in said)
    return f"{mark} Hopbar: a continuous Hopfield network in memristors\n{heading(circuit.heading, mark)}{lines}"
