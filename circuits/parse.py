"""Netlists read back: which memristors a file holds, and which weights they make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from circuits.cells.linear import OPEN
from circuits.memristor_array import MemristorArray
from circuits.names import split_device_name
from crossbar.errors import CorruptFile, MissingFile

MEMRISTORS = ("Rp_", "Rn_", "Xp_", "Xn_")
STATES = ("Vclamp_", "Xneuron_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Netlist:
    """What a netlist of ours says.

    Attributes
    ----------
    neurons : tuple of str
        In the order of the states.
    parameters : dict of str to float
        Its `.param` lines, without those inside cells.
    array : MemristorArray
        The conductances of its R cards; an open one conducts nothing.
    """

    neurons: tuple[str, ...]
    parameters: dict[str, float]
    array: MemristorArray


def count_memristors(path: str | Path) -> int:
    """Return how many memristors the netlist at `path` holds: one a card, whatever their model."""
    return sum(line.startswith(MEMRISTORS) for line in _lines(path))


def parse(path: str | Path) -> Netlist:
    """Read a netlist of linear memristors back.

    Raises
    ------
    MissingFile, CorruptFile
        There is no such file; a card is damaged, occurs twice, or belongs to no known neuron.
    """
    neurons: list[str] = []
    parameters: dict[str, float] = {}
    cards: dict[str, float] = {}
    shared = cell = False
    for line in _lines(path):
        if line.startswith((".subckt", ".ends")):
            cell = line.startswith(".subckt")
            shared = shared or line.startswith((".subckt driver s p n", ".subckt rail"))
        elif cell:
            continue
        elif line.startswith(".param ") and "=" in line:
            name, _, value = line[len(".param ") :].partition("=")
            parameters[name.strip()] = _number(value, line)
        elif line.startswith(STATES):
            neurons.append(line.split(None, 1)[0].split("_", 1)[1])
        elif line.startswith(("Rp_", "Rn_")):
            name, conductance = _card(line)
            if name in cards:
                raise CorruptFile(f"memristor {name} occurs twice; export the netlist again")
            cards[name] = conductance
    return Netlist(
        neurons=tuple(neurons), parameters=parameters,
        array=_array(neurons, cards, parameters, "shared" if shared else "two-device"),
    )  # fmt: skip


def _lines(path: str | Path) -> Iterator[str]:
    path = Path(path)
    if not path.exists():
        raise MissingFile(f"no netlist at {path}; write one with `hopbar netlist`")
    with path.open(encoding="ascii", errors="replace") as file:
        yield from file


def _card(line: str) -> tuple[str, float]:
    parts = line.split()
    if len(parts) != 4:
        raise CorruptFile(f"damaged card {line.strip()!r}; export the netlist again")
    resistance = _number(parts[3], line)
    if not 0 < resistance < float("inf"):
        raise CorruptFile(f"memristor {parts[0]} must have a positive, finite resistance, but has {resistance}")
    return parts[0][1:], 0.0 if resistance >= OPEN else 1 / resistance


def _number(text: str, line: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise CorruptFile(
            f"{text.strip()!r} in {line.strip()!r} is no plain number; export the netlist again"
        ) from error


def _array(neurons: list[str], cards: dict[str, float], parameters: dict[str, float], symmetry: str) -> MemristorArray:
    places = {name: index for index, name in enumerate(neurons)}
    sides = {"p": np.zeros((len(neurons),) * 2), "n": np.zeros((len(neurons),) * 2)}
    built = np.zeros((len(neurons),) * 2, bool)
    for name, conductance in cards.items():
        sign, target, source = split_device_name(name)
        if target not in places or source not in places:
            raise CorruptFile(f"memristor {name} joins neurons that the netlist does not have; export it again")
        pairs = [(places[target], places[source])]
        if symmetry == "shared":
            pairs.append((places[source], places[target]))
        for pair in pairs:
            sides[sign][pair], built[pair] = conductance, True
    scale = parameters.get("siemens_per_weight", float("nan"))
    if not scale > 0:
        raise CorruptFile("the netlist has no `.param siemens_per_weight`; export it again")
    return MemristorArray(plus=sides["p"], minus=sides["n"], built=built, siemens_per_weight=scale, symmetry=symmetry)
