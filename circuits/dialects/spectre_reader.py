"""Spectre's language and the Verilog-A beside it, read back into cards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from circuits.dialects.cards import Card
from circuits.dialects.dialect import GIVEN, ours
from circuits.dialects.expressions import Call, Expression, Name, read, replaced
from crossbar.errors import CorruptFile, MissingFile

TOLERANCES = {"reltol": "reltol", "vntol": "vabstol", "abstol": "iabstol", "gmin": "gmin"}
SWITCH = """
module hopbar_switch(out, back, at);
  inout out, back, at;
  electrical out, back, at;
  parameter real r_on = 1;
  parameter real r_off = 1;
  analog I(out, back) <+ (V(out,back)/((V(at)>0.5) ? r_on : r_off));
endmodule
"""
"""The module of all switches of the single chip."""

INSTANCE = re.compile(r"(\w+) \(([\w ]+)\) (\w+)((?: \w+=(?:\[[^\]]*\]|\S+))*)\Z")
TOLD = re.compile(r"(\w+)=(\[[^\]]*\]|\S+)")
MODULE = re.compile(
    r"module (\w+)\(([\w, ]+)\);\s+inout ([\w, ]+);\s+electrical ([\w, ]+);\s+((?:parameter real \w+ = 1;\s+)*)"
    r"analog ([VI])\(out, back\) <\+ ([^;]*);\s+endmodule"
)
INCLUDED = re.compile(r'ahdl_include "(cells-[0-9a-f]{12}\.va)"\Z')
TRANSIENT = re.compile(r"settle tran step=(\S+) stop=(\S+) maxstep=(\S+) method=gear2 skipdc=yes ic=all\Z")
PRIMITIVES = {
    "resistor": ("resistor", ("r",)), "capacitor": ("capacitor", ("c", "ic")), "vcvs": ("amplifier", ("gain",)),
}  # fmt: skip


class Module(NamedTuple):
    """One Verilog-A module: its ports after the two of its contribution, its parameters, what it contributes."""

    ports: tuple[str, ...]
    parameters: frozenset[str]
    kind: str
    expression: Expression


def modules_of(text: str) -> dict[str, Module]:
    """Return the modules of a Verilog-A file of ours.

    Raises
    ------
    CorruptFile
        It holds anything else.
    """
    rest = re.sub(r'`include "\w+\.vams"', "", MODULE.sub("", text)).strip()
    if rest:
        raise CorruptFile(f"the Verilog-A has what no cell of ours has: {rest[:80]!r}")
    found = {}
    for name, ports, inout, electrical, parameters, kind, said in MODULE.findall(text):
        if not ports == inout == electrical or not ports.startswith("out, back"):
            raise CorruptFile(f"the ports of the Verilog-A module {name} disagree")
        if name in found:
            raise CorruptFile(f"the Verilog-A module {name} occurs twice")
        declared = frozenset(re.findall(r"parameter real (\w+) =", parameters))
        found[name] = Module(tuple(ports.split(", ")[2:]), declared, kind.lower(), read(said))
    return found


def cards_of(path: Path) -> Iterator[Card]:
    """Yield the cards of the netlist at `path`."""
    modules: dict[str, Module] = {}
    head: tuple[str, tuple[str, ...]] | None = None
    body: list[Card] = []
    values: dict[str, Expression] = {}
    for line in _plain(path):
        included = INCLUDED.match(line)
        if included is not None:
            beside = path.parent / included.group(1)
            if not beside.is_file():
                raise MissingFile(f"no Verilog-A at {beside}, which {path} includes; export the netlist again")
            modules = modules_of(beside.read_text(encoding="ascii", errors="replace"))
        elif line.startswith("subckt "):
            name, _, ports = line[len("subckt ") :].partition(" ")
            head, body, values = (name, tuple(ports.strip("()").split())), [], {}
        elif head is not None and line == f"ends {head[0]}":
            probes = {card.nodes[0]: card.of.lower() for card in body if card.kind == "current"}
            inside = tuple(_by_source(card, probes) for card in body if card.kind != "current")
            yield Card(kind="definition", name=head[0], nodes=head[1], values=values, body=inside)
            head = None
        elif line.startswith("parameters ") and head is not None:
            values = {GIVEN.get(name, name): ours(read(value)) for name, value in TOLD.findall(line)}
        elif head is not None:
            body.append(_element(line, modules))
        else:
            yield _element(line, modules) if INSTANCE.match(line) else _control(line)
    if head is not None:
        raise CorruptFile(f"subcircuit {head[0][:40]} does not end; export the netlist again")


def _plain(path: Path) -> Iterator[str]:
    with path.open(encoding="ascii", errors="replace", newline="\n") as file:
        for line in file:
            said = line.strip()
            if said and not said.startswith("//") and said not in ("simulator lang=spectre", "global 0"):
                yield said


def _control(line: str) -> Card:
    told = {name: read(value) for name, value in TOLD.findall(line) if re.match(r"[-0-9.]", value)}
    words = line.split()
    transient = TRANSIENT.match(line)
    if words[0] == "parameters" and len(told) == 1 == len(words) - 1:
        ((name, value),) = told.items()
        return Card(kind="parameter", name=name, values={"value": value})
    if transient is not None:
        times = zip(("step", "stop", "max_step"), map(read, transient.groups()), strict=True)
        return Card(kind="transient", values=dict(times))
    if words[:2] == ["tight", "options"] and len(told) == len(words) - 2:
        return Card(kind="tolerances", values=told)
    if words[0] == "save" and len(words) == 2:
        return Card(kind="saved", name=words[1], nodes=(words[1],))
    raise CorruptFile(f"no line of a Spectre netlist of ours: {line[:80]!r}")


def _element(line: str, modules: dict[str, Module]) -> Card:
    found = INSTANCE.match(line)
    if found is None:
        raise CorruptFile(f"no line of a Spectre netlist of ours: {line[:80]!r}")
    name, nodes, master = found.group(1), tuple(found.group(2).split()), found.group(3)
    told: dict[str, str] = dict(TOLD.findall(found.group(4)))
    if master in modules:
        return _behavioural(name, nodes, modules[master], told)
    if master == "vsource" and told.get("type") == "pwl" and "wave" in told:
        points = told["wave"].strip("[]").split()
        wave = {f"{'tv'[k % 2]}{k // 2}": read(point) for k, point in enumerate(points)}
        return Card(kind="voltage", name=name, nodes=nodes, values=wave)
    if master == "vsource" and set(told) == {"type", "dc"}:
        return Card(kind="voltage", name=name, nodes=nodes, values={"dc": ours(read(told["dc"]))})
    if master == "ccvs" and "probe" in told and told.get("rm") == "1.0" and nodes[1:] == ("0",):
        return Card(kind="current", name=name, nodes=nodes, of=told["probe"])
    if master in PRIMITIVES:
        kind, words = PRIMITIVES[master]
        if not set(told) <= set(words):
            raise CorruptFile(f"no line of a Spectre netlist of ours: {line[:80]!r}")
        return Card(kind=kind, name=name, nodes=nodes, values={word: ours(read(told[word])) for word in told})
    if master.startswith("hopbar_"):
        raise CorruptFile(f"{name[:40]} is of module {master[:60]}, which the Verilog-A does not have")
    values = {GIVEN.get(word, word): ours(read(value)) for word, value in told.items()}
    return Card(kind="instance", name=name, nodes=nodes, of=master, values=values)


def _behavioural(name: str, nodes: tuple[str, ...], module: Module, told: dict[str, str]) -> Card:
    """Return the source that an instance of `module` is, in the nodes and parameters that it is given."""
    if len(nodes) != len(module.ports) + 2 or set(told) != set(module.parameters):
        raise CorruptFile(f"{name[:40]} has not the ports and parameters of its module")
    places = dict(zip(("out", "back", *module.ports), nodes, strict=True))
    given = {word: read(value) for word, value in told.items()}
    values = {module.kind: _put(module.expression, places, given)}
    return Card(kind="behavioural", name=name, nodes=nodes[:2], values=values)


def _put(expression: Expression, places: dict[str, str], given: dict[str, Expression]) -> Expression:
    """Return the `expression` of a module with an instance's nodes for its ports, and what it is told for its names."""

    def change(one: Expression) -> Expression | None:
        if isinstance(one, Name):
            if one.text not in given:
                raise CorruptFile(f"a module has no parameter {one.text[:40]}")
            return ours(given[one.text])
        if isinstance(one, Call) and one.function == "v":
            nodes = [places.get(getattr(port, "text", ""), "") for port in one.arguments]
            return Call("v", tuple(Name(node) for node in nodes if node != "0"))
        return None

    return replaced(expression, change)


def _by_source(card: Card, probes: dict[str, str]) -> Card:
    """Return a behavioural source with the currents that `probes` turned into voltages."""

    def change(one: Expression) -> Expression | None:
        node = getattr(one.arguments[0], "text", "") if isinstance(one, Call) and one.function == "v" else ""
        return Call("i", (Name(probes[node]),)) if node in probes else None

    if card.kind != "behavioural":
        return card
    values = {kind: replaced(value, change) for kind, value in card.values.items()}
    return Card(kind=card.kind, name=card.name, nodes=card.nodes, values=values)
