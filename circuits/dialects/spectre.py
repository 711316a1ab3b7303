"""Spectre: a netlist in its own language, its behavioural sources as Verilog-A modules beside it.

Spectre does not run here. Its behavioural sources have words of their own, Verilog-A is a language with a standard:
each behavioural source becomes a module with one contribution, `I(out, back) <+ ...`, whose ports are the nodes that it
reads. The modules were compiled by OpenVAF (the compiler of VACASK), which says that they are Verilog-A.
The current of a source is read by a `ccvs` of 1 ohm, as a module sees no other instance.

Taken for granted, from netlists of others and Cadence's user guide: `//` begins a comment, names are case-sensitive,
`parameters` stands on a line of its own within `subckt` and `ends`, `vsource type=pwl wave=[...]`, `ccvs probe= rm=`,
`tran ... skipdc=yes ic=all` starts as SPICE's `uic` does, `vabstol` and `iabstol` are SPICE's `vntol` and `abstol`.
Measurements are left out; the states are saved, and what they should be stands in comments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from circuits.dialects.cards import Card
from circuits.dialects.dialect import RENAMED
from circuits.dialects.expressions import Expression, Name, Number, leaves, written
from circuits.dialects.spectre_reader import SWITCH, TOLERANCES, cards_of
from circuits.dialects.spice import stream

HEAD = '`include "constants.vams"\n`include "disciplines.vams"\n'


@dataclass(frozen=True, kw_only=True)
class Spectre:
    """The dialect; its Verilog-A lies beside the netlist, in a file named by what it holds."""

    name: str = "spectre"
    suffix: str = ".scs"
    tolerances: dict[str, str] = field(default_factory=lambda: dict(TOLERANCES))
    measures: bool = False

    def files(self, cards: Iterable[Card | str], title: str, path: Path) -> None:
        """Write `path`, streaming, and the Verilog-A of its cells."""
        head: list[Card] = []
        stream_of = iter(cards)
        first: list[Card | str] = []
        for card in stream_of:  # definitions come before everything that uses them
            if isinstance(card, Card) and card.kind in ("parameter", "definition", "comment"):
                head.append(card)
                continue
            first = [card]
            break
        modules = "".join(dict.fromkeys(chain([HEAD, SWITCH], *(map(_modules, head)))))
        name = f"cells-{hashlib.sha256(modules.encode()).hexdigest()[:12]}.va"
        stream([modules], path.with_name(name))
        stream(_lines(chain(head, first, stream_of), title, name), path)

    def read(self, path: Path) -> Iterator[Card]:
        """Yield the cards of `path`, its Verilog-A read too."""
        yield from cards_of(path)


def _lines(cards: Iterable[Card | str], title: str, modules: str) -> Iterator[str]:
    yield f'{title}simulator lang=spectre\nglobal 0\nahdl_include "{modules}"\n'
    for card in cards:
        if isinstance(card, str):  # millions of plain resistors
            rows = (line.split() for line in card.splitlines())
            yield "".join([f"{name} ({a} {b}) resistor r={value}\n" for name, a, b, value in rows])
        else:
            yield line(card)


def line(card: Card, cell: str = "") -> str:
    """Return one card, a subcircuit with its body; `cell` is the subcircuit that it stands in."""
    told = {name: _value(value) for name, value in card.values.items()}
    pairs = " ".join(f"{RENAMED.get(name, name)}={value}" for name, value in told.items())
    head = f"{card.name} ({' '.join(card.nodes)})"
    if card.kind == "definition":
        body = "".join(line(one, card.name) for one in (*card.body, *_probes(card)))
        given = f"parameters {pairs}\n" if pairs else ""
        return f"subckt {head}\n{given}{body}ends {card.name}\n"
    if card.kind == "instance":
        return f"{head} {card.of} {pairs}".rstrip() + "\n"
    if card.kind == "behavioural":
        return _placed(card, cell)
    return _part(card, head, told)


def _part(card: Card, head: str, told: dict[str, str]) -> str:
    pairs = " ".join(f"{name}={value}" for name, value in told.items())
    if card.kind in ("resistor", "capacitor", "amplifier"):
        return f"{head} {'vcvs' if card.kind == 'amplifier' else card.kind} {pairs}\n"
    if card.kind == "voltage":
        source = f"dc dc={told['dc']}" if "dc" in told else f"pwl wave=[{' '.join(told.values())}]"
        return f"{head} vsource type={source}\n"
    if card.kind == "current":
        return f"{head} ccvs probe={card.of} rm=1.0\n"
    return _control(card, told)


def _control(card: Card, told: dict[str, str]) -> str:
    if card.kind == "parameter":
        return f"parameters {card.name}={told['value']}\n"
    if card.kind == "transient":
        times = f"step={told['step']} stop={told['stop']} maxstep={told['max_step']}"
        return f"settle tran {times} method=gear2 skipdc=yes ic=all\n"
    if card.kind == "tolerances":
        return "tight options " + " ".join(f"{word}={told[ours]}" for ours, word in TOLERANCES.items()) + "\n"
    if card.kind == "saved":
        return f"save {card.nodes[0]}\n"
    return f"// {card.name}\n" if card.kind == "comment" else ""


def _placed(card: Card, cell: str) -> str:
    """Return the instance of a behavioural source's module."""
    ((_, expression),) = card.values.items()
    if not cell:  # a switch of the single chip: all have one module
        control = sorted(_nodes(expression) - set(card.nodes))
        nodes = " ".join((*card.nodes, *control))
        return f"{card.name} ({nodes}) hopbar_switch r_on=r_on r_off=r_off\n"
    nodes = " ".join((*card.nodes, *sorted(_nodes(expression)), *(f"of_{one}" for one in _sources(expression))))
    given = "".join(f" {RENAMED.get(name, name)}={RENAMED.get(name, name)}" for name in _parameters(expression))
    return f"{card.name} ({nodes}) {module_name(cell, card.name)}{given}\n"


def module_name(cell: str, source: str) -> str:
    """Return what the module of a behavioural source is called."""
    return f"hopbar_{cell}_{source.lower()}"


def _modules(definition: Card) -> Iterator[str]:
    """Yield the modules of the behavioural sources of one subcircuit."""
    for card in definition.body:
        if card.kind == "behavioural":
            yield _module(definition.name, card)


def _module(cell: str, card: Card) -> str:
    ((kind, expression),) = card.values.items()
    ports = [*(f"at_{node}" for node in sorted(_nodes(expression))), *(f"of_{one}" for one in _sources(expression))]
    names = ", ".join(("out", "back", *ports))
    parameters = "".join(f"  parameter real {RENAMED.get(name, name)} = 1;\n" for name in _parameters(expression))
    said = written(expression, _Verilog())
    return f"""
module {module_name(cell, card.name)}({names});
  inout {names};
  electrical {names};
{parameters}  analog {kind.upper()}(out, back) <+ {said};
endmodule
"""


def _probes(definition: Card) -> Iterator[Card]:
    """Yield what reads the currents that behavioural sources of one subcircuit need."""
    asked = {one for card in definition.body if card.kind == "behavioural" for one in _sources(*card.values.values())}
    for card in definition.body:
        if card.kind == "voltage" and card.name.lower() in asked:
            node = f"of_{card.name.lower()}"
            yield Card(kind="current", name=f"H{card.name.lower()}", nodes=(node, "0"), of=card.name)


def _nodes(expression: Expression) -> set[str]:
    said = (one[2:-1].split(",") for one in leaves(expression) if one.startswith("v("))
    return {node for nodes in said for node in nodes}


def _sources(expression: Expression) -> list[str]:
    return sorted(one[2:-1] for one in leaves(expression) if one.startswith("i("))


def _parameters(expression: Expression) -> list[str]:
    return sorted(one for one in leaves(expression) if "(" not in one)


def _value(value: Expression) -> str:
    if isinstance(value, Number):
        return value.text
    if isinstance(value, Name):
        return RENAMED.get(value.text, value.text)
    return written(value, _Verilog())


class _Verilog:
    """How an expression is written in Verilog-A, where 1 / 2 is 0: all numbers are reals."""

    def number(self, text: str) -> str:
        return text if "." in text or "e" in text else f"{text}.0"

    def name(self, name: str) -> str:
        return RENAMED.get(name, name)

    def call(self, function: str, arguments: list[str]) -> str:
        if function == "v":
            return f"V({', '.join(f'at_{node}' for node in arguments)})"
        return f"V(of_{arguments[0]})" if function == "i" else f"{function}({', '.join(arguments)})"

    def choice(self, condition: str, yes: str, no: str) -> str:
        return f"({condition} ? {yes} : {no})"
