"""LTspice, Xyce and HSPICE read back into cards, by what their syntax is and not by how it was written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from circuits.dialects.cards import Card
from circuits.dialects.dialect import GIVEN, ours
from circuits.dialects.expressions import NUMBER, Expression, Number, read
from crossbar.errors import CorruptFile

PLAIN = re.compile(rf"[-+]?{NUMBER}\Z")
PARAMETER = re.compile(r"\.param (\w+)=(\S.*)\Z")
MEASURE = re.compile(r"(\.\w+) tran (\w+) find v\((\w+)\) at=(\S+)\Z")
TRANSIENT = re.compile(r"\.tran (\S+) (\S+)(?: 0 (\S+))? uic\Z")
WORD = re.compile(r"(?:\w+=)?(?:'[^']*'|\{[^}]*\}|PWL\([^)]*\)|[^\s'{}]+)")


@dataclass(frozen=True, kw_only=True)
class Syntax:
    """What the cards of a dialect look like.

    Attributes
    ----------
    quotes : tuple of str
        What encloses an expression that stands for a number.
    sources : dict of str to tuple of str
        Letter and word of a behavioural voltage ("v") and current ("i").
    braced : bool
        Whether the parameters of a source's expression stand in braces, and the expression in none.
    parameters : str
        What comes before the parameters of a subcircuit.
    conditional : {"if", "?"}
        `if(c,a,b)` or `(c ? a : b)`.
    measure, output : str
        How a measurement and the saved nodes begin.
    longest : str
        How `.tran` tells the longest step; empty where an option does.
    options : tuple of str
        How its lines of options begin, each of which occurs once.
    """

    quotes: tuple[str, str] = ("{", "}")
    sources: dict[str, tuple[str, str]] = field(default_factory=lambda: {"v": ("B", "V"), "i": ("B", "I")})
    braced: bool = False
    parameters: str = "params: "
    conditional: str = "if"
    measure: str = ".measure"
    output: str
    longest: str
    options: tuple[str, ...]


def cards_of(lines: Iterable[str], syntax: Syntax) -> Iterator[Card]:
    """Yield the cards of `lines`.

    Raises
    ------
    CorruptFile
        A line that no netlist of ours has, a value that is neither a number nor an expression in the right quotes.
    """
    reading = _Reading(syntax)
    for line in _joined(lines):
        if line.startswith(".subckt "):
            reading.open(line)
        elif line.startswith(".ends "):
            yield reading.close(line)
        elif line.startswith((".option", ".end")):
            reading.option(line)
        else:
            card = reading.card(line)
            if reading.head is None:
                yield from card
            else:
                reading.body += card
    missing = [one for one in syntax.options if one not in reading.seen]
    if missing:
        raise CorruptFile(f"it has no line {missing[0]!r}; export the netlist again")
    longest = reading.options.pop("delmax", None)
    if reading.transient:
        yield Card(kind="transient", values=reading.transient | ({} if longest is None else {"max_step": longest}))
    if reading.options:
        yield Card(kind="tolerances", values=reading.options)
    if reading.head is not None:
        raise CorruptFile(f"subcircuit {reading.head.name[:40]} does not end; export the netlist again")


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines without comments, those that go on in one piece."""
    kept = ""
    for line in lines:
        if line.startswith("*") or not line.strip():
            continue
        if line.startswith("+"):
            kept += " " + line[1:].strip()
            continue
        if kept:
            yield kept
        kept = line.strip()
    if kept:
        yield kept


class _Reading:
    """A file as far as it was read: an open subcircuit, and the options so far."""

    def __init__(self, syntax: Syntax) -> None:
        self.syntax = syntax
        self.head: Card | None = None
        self.body: list[Card] = []
        self.options: dict[str, Expression] = {}
        self.transient: dict[str, Expression] = {}
        self.seen: set[str] = set()

    def open(self, line: str) -> None:
        nodes, told = self.split(line)
        if self.head is not None or len(nodes) < 3:
            raise CorruptFile(f"no subcircuit of ours: {line[:80]!r}")
        self.head, self.body = Card(kind="definition", name=nodes[1], nodes=tuple(nodes[2:]), values=told), []

    def close(self, line: str) -> Card:
        if self.head is None or line != f".ends {self.head.name}":
            raise CorruptFile(f"a subcircuit ends that has not begun: {line[:80]!r}")
        head, self.head = self.head, None
        return Card(kind=head.kind, name=head.name, nodes=head.nodes, values=head.values, body=tuple(self.body))

    def option(self, line: str) -> None:
        if line == ".end":
            return
        known = [one for one in self.syntax.options if line.startswith(one)]
        if not known or known[0] in self.seen:
            raise CorruptFile(f"no option of this dialect, or one that occurs twice: {line[:80]!r}")
        self.seen.add(known[0])
        for word in line.split():
            name, _, value = word.partition("=")
            if PLAIN.match(value) and name != "runlvl":
                self.options[name] = Number(value)

    def card(self, line: str) -> list[Card]:
        """Return the cards of one line; of saved nodes one each."""
        if line.startswith(self.syntax.output + " "):
            nodes = re.findall(r"v\((\w+)\)", line[len(self.syntax.output) :])
            return [Card(kind="saved", name=node, nodes=(node,)) for node in nodes]
        if line.startswith("."):
            return self.control(line)
        words, told = self.split(line)
        if len(words) < 3:
            raise CorruptFile(f"no line of a netlist of ours in this dialect: {line[:80]!r}")
        name, letter = words[0], line[0]
        for kind, (lead, word) in self.syntax.sources.items():
            begins = re.match(rf"{lead}\w+ \w+ \w+ {word}=", line)
            if begins is not None:
                expression = self.source(line[begins.end() :])
                return [Card(kind="behavioural", name=_own(name), nodes=tuple(words[1:3]), values={kind: expression})]
        if letter == "X":
            return [Card(kind="instance", name=name, nodes=tuple(words[1:-1]), of=words[-1], values=told)]
        return [self.part(line, words, told)]

    def part(self, line: str, words: list[str], told: dict[str, Expression]) -> Card:
        """Return a resistor, capacitor, voltage source or amplifier."""
        name, letter, value = words[0], line[0], words[-1]
        if letter == "V" and value.startswith("PWL("):
            points = value[4:-1].split()
            wave = {f"{'tv'[k % 2]}{k // 2}": self.value(point) for k, point in enumerate(points)}
            return Card(kind="voltage", name=name, nodes=tuple(words[1:3]), values=wave)
        if letter == "E" and len(words) == 6:
            return Card(kind="amplifier", name=name, nodes=tuple(words[1:5]), values={"gain": self.value(value)})
        known = {"R": ("resistor", "r"), "C": ("capacitor", "c"), "V": ("voltage", "dc")}
        if letter not in known or len(words) != 4:
            raise CorruptFile(f"no line of a netlist of ours in this dialect: {line[:80]!r}")
        kind, word = known[letter]
        return Card(kind=kind, name=name, nodes=tuple(words[1:3]), values={word: self.value(value), **told})

    def control(self, line: str) -> list[Card]:
        parameter, measure, transient = (one.match(line) for one in (PARAMETER, MEASURE, TRANSIENT))
        if parameter is not None:
            return [Card(kind="parameter", name=parameter.group(1), values={"value": self.value(parameter.group(2))})]
        if measure is not None and measure.group(1) == self.syntax.measure:
            _, name, node, at = measure.groups()
            return [Card(kind="measured", name=name, nodes=(node,), values={"at": self.value(at)})]
        if transient is not None and not self.transient:
            told = dict(zip(("step", "stop", "max_step"), transient.groups(), strict=True))
            self.transient = {name: self.value(text) for name, text in told.items() if text is not None}
            return []
        raise CorruptFile(f"no line of a netlist of ours in this dialect: {line[:80]!r}")

    def split(self, line: str) -> tuple[list[str], dict[str, Expression]]:
        """Return the words of a line, and the numbers that it tells by name."""
        words, told = [], {}
        marker = self.syntax.parameters.strip()
        for word in WORD.findall(line):
            name, equals, value = word.partition("=")
            if equals and name.isidentifier() and name in ("vol", "cur", "V", "I"):
                continue  # a source's expression, which is read apart
            if equals and name.isidentifier():
                told[GIVEN.get(name, name)] = self.value(value)
            elif word != marker:
                words.append(word)
        if told and marker and line[0] in ".X" and f" {marker} " not in line:
            raise CorruptFile(f"parameters without {marker!r}: {line[:80]!r}")
        return words, told

    def value(self, text: str) -> Expression:
        """Return a number, or an expression in the quotes of the dialect."""
        if PLAIN.match(text):
            return Number(text)
        first, last = self.syntax.quotes
        if not (text.startswith(first) and text.endswith(last)):
            raise CorruptFile(f"{text[:60]!r} is neither a number nor an expression within {first}{last}")
        return ours(read(text[1:-1]))

    def source(self, text: str) -> Expression:
        """Return a source's expression; it has conditions and parameters as the dialect writes them only."""
        first, last = self.syntax.quotes
        wrong = "?" in text if self.syntax.conditional == "if" else "if(" in text
        if wrong or "^" in text:
            raise CorruptFile(f"an expression with an operator that means something else here: {text[:80]!r}")
        if not self.syntax.braced:
            return self.value(text) if text.startswith(first) and text.endswith(last) else self.value("")
        bare = re.sub(r"\{\w+\}|[vi]\([^)]*\)|\w+\(|[0-9.]+(?:e[-+]?[0-9]+)?", "", text)
        if re.search(r"[A-Za-z_]", bare):
            raise CorruptFile(f"an expression with a parameter that has no braces: {text[:80]!r}")
        return ours(read(text))


def _own(name: str) -> str:
    """Return our name of a behavioural source: another letter may stand before it."""
    return name[1:] if name[1:2].isupper() else name

