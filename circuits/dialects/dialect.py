"""What a dialect is, and the names that none of them may be given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from circuits.circuit.circuit import Circuit
from circuits.dialects.cards import Card
from circuits.dialects.expressions import Expression, Name, replaced
from crossbar.errors import EngineError, InvalidValue

UNRUN = "never run in its own simulator; hopbar netlist --check compares its text with the ngspice netlist"
"""What is told of a dialect whose simulator we do not have."""

RENAMED = {"ic": "start", "v": "volts"}
"""Parameters of subcircuits that elsewhere are keywords or functions: what they are called there."""

GIVEN = {new: old for old, new in RENAMED.items()}
"""What they are called in ngspice's netlist."""

RESERVED = {"all", "e", "false", "freq", "gnd", "hertz", "i", "pi", "temp", "temper", "time", "true", "v"}
"""Neurons' names that a measurement could not have in one dialect or another."""


class Dialect(Protocol):
    """How a circuit's cards are written for one simulator, and read back."""

    @property
    def name(self) -> str:
        """What `--dialect` calls it."""
        ...

    @property
    def suffix(self) -> str:
        """How its files end."""
        ...

    @property
    def tolerances(self) -> dict[str, str]:
        """What it calls those tolerances of ngspice that it has."""
        ...

    @property
    def measures(self) -> bool:
        """Whether measurements stand in the file."""
        ...

    def files(self, cards: Iterable[Card | str], title: str, path: Path) -> None:
        """Write the netlist to `path`; texts among the cards are pieces of plain resistors as ngspice has them."""
        ...

    def read(self, path: Path) -> Iterator[Card]:
        """Yield the cards of a netlist that `files` wrote, without what nothing depends on.

        Raises
        ------
        CorruptFile
            A line that no netlist of ours in this dialect has.
        """
        ...


def check(circuit: Circuit) -> None:
    """Check that `circuit` can be written for a simulator other than ngspice and VACASK.

    Raises
    ------
    EngineError
        It asks for an operating point: only transients are written.
    InvalidValue
        A neuron has a name that is a word of a simulator.
    """
    if circuit.analysis.kind != "tran":
        raise EngineError("this dialect is written as a transient only; take ngspice or vacask for an operating point")
    if circuit.offsets is not None:
        raise EngineError("offsets of amplifiers that differ are written for ngspice alone; leave --offset-spread out")
    taken = sorted(RESERVED & set(circuit.names))
    if taken:
        raise InvalidValue(f"neurons must not be named {', '.join(taken)}, words of a simulator; name them otherwise")


def ours(expression: Expression) -> Expression:
    """Return `expression` with our names of the parameters that are `RENAMED` in the file that it was read from."""
    return replaced(expression, lambda one: Name(GIVEN.get(one.text, one.text)) if isinstance(one, Name) else None)
