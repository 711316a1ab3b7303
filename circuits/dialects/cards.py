"""The cards of a netlist as data: what a line of SPICE says, whatever the dialect; read from ngspice's text here.

Other dialects are written from these cards (`circuits.dialects.family`, `circuits.dialects.spectre`), and read back
into them (`circuits.dialects.family_reader`, `circuits.dialects.spectre_reader`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from circuits.dialects.expressions import Binary, Call, Choice, Expression, Name, Number, read
from crossbar.errors import CorruptFile

WORDS = {"R": "r", "C": "c", "V": "dc"}
KINDS = {"R": "resistor", "C": "capacitor", "V": "voltage", "B": "behavioural", "E": "amplifier", "S": "switch"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One card.

    =============  ====================================  =======================================
    kind           nodes                                 values
    =============  ====================================  =======================================
    `parameter`                                          `value`
    `definition`   ports of the subcircuit               defaults of its parameters; `body`
    `resistor`     two                                   `r`
    `capacitor`    two                                   `c`, maybe `ic`
    `voltage`      two                                   `dc`, or `t0`, `v0`, `t1`, ... of a PWL
    `behavioural`  two                                   `v` or `i`
    `amplifier`    two, and two that control             `gain`
    `instance`     of subcircuit `of`                    parameters that it tells
    `transient`                                          `step`, `stop`, `max_step`
    `tolerances`                                         as ngspice calls them
    `saved`        one
    `measured`     one                                   `at`
    `comment`      `name` is its text
    =============  ====================================  =======================================

    A switch is a `behavioural` current, V / r_on above its threshold and V / r_off below it: switch models differ.
    """

    kind: str
    name: str = ""
    nodes: tuple[str, ...] = ()
    of: str = ""
    values: dict[str, Expression] = field(default_factory=dict)
    body: tuple[Card, ...] = ()


def of_ngspice(lines: Iterable[str], gates: dict[str, Card] | None = None) -> Iterator[Card]:
    """Yield the cards of `lines`, of a netlist of `circuits.dialects.spice`, in which `gates` are models of switches.

    Raises
    ------
    CorruptFile
        A line that no netlist of ours has.
    """
    definition: list[str] | None = None
    body: list[Card] = []
    gates = {} if gates is None else gates
    for raw in lines:
        line = raw.rstrip("\n")
        words = line.split()
        if not words or words == ["*"] or words[0] == ".end":
            continue
        if words[0] == ".subckt":
            definition, body = words[1:], []
        elif words[0] == ".ends" and definition is not None:
            yield _definition(definition, body)
            definition = None
        elif words[0] == ".model":
            gates[words[1]] = Card(kind="switch", name=words[1], values=_told(words[3:]))
        else:
            card = _control(line, words) if words[0][0] in ".*" else _element(line, words, gates)
            if definition is None:
                yield card
            else:
                body.append(card)


def _definition(words: list[str], body: list[Card]) -> Card:
    """Return a subcircuit; parameters that its body sets are its parameters too."""
    ports = [word for word in words[1:] if "=" not in word]
    values = _told([word for word in words[1:] if "=" in word])
    values |= {card.name: card.values["value"] for card in body if card.kind == "parameter"}
    inside = tuple(card for card in body if card.kind != "parameter")
    return Card(kind="definition", name=words[0], nodes=tuple(ports), values=values, body=inside)


def _control(line: str, words: list[str]) -> Card:
    if words[0] == ".param":
        name, _, value = line[len(".param ") :].partition("=")
        return Card(kind="parameter", name=name, values={"value": read(value)})
    if words[0] == ".options":
        return Card(kind="tolerances", values=_told([word for word in words[1:] if word != "method=gear"]))
    if words[0] == ".save":
        return Card(kind="saved", name=words[1][2:-1], nodes=(words[1][2:-1],))
    if words[0] == ".tran" and len(words) == 6 and words[5] == "uic":
        step, stop, _, longest = (Number(word) for word in words[1:5])
        return Card(kind="transient", values={"step": step, "stop": stop, "max_step": longest})
    if words[0] == ".meas":
        return Card(kind="measured", name=words[2], nodes=(words[4][2:-1],), values={"at": read(words[5][3:])})
    if words[0] == "*":
        return Card(kind="comment", name=line[2:])
    raise CorruptFile(f"no line of a netlist of ours: {line[:80]!r}")


def _element(line: str, words: list[str], gates: dict[str, Card]) -> Card:
    name, letter = words[0], words[0][0]
    if letter == "B":
        words = line.split(None, 3)
        word, _, text = words[3].partition("=")
        return Card(kind="behavioural", name=name, nodes=tuple(words[1:3]), values={word.lower(): read(text)})
    if letter == "X":
        told = [word for word in words[1:] if "=" in word]
        nodes = words[1 : len(words) - len(told)]
        return Card(kind="instance", name=name, nodes=tuple(nodes[:-1]), of=nodes[-1], values=_told(told))
    if letter == "S" and words[5] in gates:
        return _switch(name, words, gates[words[5]])
    if letter == "V" and words[3].startswith("PWL("):
        points = line[line.index("(") + 1 : -1].split()
        values: dict[str, Expression] = {f"{'tv'[k % 2]}{k // 2}": Number(text) for k, text in enumerate(points)}
        return Card(kind="voltage", name=name, nodes=tuple(words[1:3]), values=values)
    if letter == "E" and len(words) == 6:
        return Card(kind="amplifier", name=name, nodes=tuple(words[1:5]), values={"gain": read(words[5])})
    if letter in WORDS and len(words) >= 4:
        return Card(
            kind=KINDS[letter], name=name, nodes=tuple(words[1:3]),
            values={WORDS[letter]: read(words[3]), **_told(words[4:])},
        )  # fmt: skip
    raise CorruptFile(f"no line of a netlist of ours: {line[:80]!r}")


def _switch(name: str, words: list[str], gate: Card) -> Card:
    """Return a switch as what it conducts; it has no hysteresis and is controlled against ground."""
    if gate.values["vh"] != Number("0") or words[4] != "0":
        raise CorruptFile(f"switch {name} must have no hysteresis, and a control against ground")
    ohm = Choice(Binary(">", voltage(words[3]), gate.values["vt"]), gate.values["ron"], gate.values["roff"])
    current = Binary("/", voltage(words[1], words[2]), ohm)
    return Card(kind="behavioural", name=name, nodes=tuple(words[1:3]), values={"i": current})


def voltage(node: str, against: str = "0") -> Call:
    """Return the voltage of `node`."""
    return Call("v", (Name(node),) if against == "0" else (Name(node), Name(against)))


def _told(words: list[str]) -> dict[str, Expression]:
    return {name: read(value) for name, _, value in (word.partition("=") for word in words)}
