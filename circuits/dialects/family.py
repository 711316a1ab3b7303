"""LTspice, Xyce and HSPICE: SPICE with other words for the same cards.

None of the three runs here. What is taken for granted, and where it was read:

* LTspice (its help on B sources): `B ... V=` and `I=`, `if(x,y,z)`, `tanh`; `^` is an exclusive or. Parameters stand in
  braces everywhere, which it documents; that it takes them bare in a B source we did not find.
* Xyce (netlists of others): `B ... V={...}`, `IF(x,y,z)`, `PARAMS:` on `.subckt` and X cards, `.options timeint
  method=gear reltol= abstol=`, `.options device gmin=`. Switch models have other parameters than ngspice's, so that
  switches are behavioural. We are not sure that the `abstol` of `timeint` is in volts, as here, where it gets `vntol`.
* HSPICE (netlists of others): `E ... vol='...'`, `G ... cur='c ? a : b'`, `runlvl`, `parhier=local` (a card's own
  parameter wins), `method=gear`, `delmax` (the longest step), `uic`. From memory alone: `pwr` for `pow`, of whose
  exponent HSPICE takes the integer part (both are the same for `vteam`, the one cell that has powers); `runlvl=0` makes
  it obey `reltol`; names may have 1024 characters, of which ours have 133 at most.

A subcircuit's `ic` is called `start` and its `v` `volts` (`circuits.dialects.dialect.RENAMED`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from circuits.dialects.cards import Card
from circuits.dialects.dialect import RENAMED
from circuits.dialects.expressions import Expression, Number, written
from circuits.dialects.family_reader import Syntax, cards_of
from circuits.dialects.spice import stream

WIDTH = 8  # saved nodes of a line


@dataclass(frozen=True, kw_only=True)
class Family:
    """A dialect of SPICE.

    Attributes
    ----------
    syntax : Syntax
        What its cards look like; the reader knows no more.
    functions : mapping of str to str
        Functions by other names.
    options : tuple of str
        The lines of tolerances, in ngspice's names.
    """

    name: str
    suffix: str
    syntax: Syntax
    tolerances: dict[str, str]
    options: tuple[str, ...]
    functions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    measures: bool = True

    def files(self, cards: Iterable[Card | str], title: str, path: Path) -> None:
        """Write `path`, streaming."""
        stream(self._lines(cards, title), path)

    def read(self, path: Path) -> Iterator[Card]:
        """Yield the cards of `path`."""
        with path.open(encoding="ascii", errors="replace", newline="\n") as file:
            yield from cards_of(file, self.syntax)

    def _lines(self, cards: Iterable[Card | str], title: str) -> Iterator[str]:
        yield title
        saved: list[str] = []
        for card in cards:
            if isinstance(card, str):
                yield card
            elif card.kind == "saved":
                saved.append(f"v({card.nodes[0]})")
            else:
                yield self.line(card)
        for first in range(0, len(saved), WIDTH):
            yield f"{'+' if first else self.syntax.output} {' '.join(saved[first : first + WIDTH])}\n"
        yield ".end\n"

    def line(self, card: Card) -> str:
        """Return one card, a subcircuit with its body."""
        told = {RENAMED.get(name, name): self.value(value) for name, value in card.values.items()}
        pairs = " ".join(f"{name}={value}" for name, value in told.items())
        given = f" {self.syntax.parameters}{pairs}" if pairs else ""
        head = " ".join((card.name, *card.nodes))
        if card.kind == "definition":
            return f".subckt {head}{given}\n{''.join(map(self.line, card.body))}.ends {card.name}\n"
        if card.kind == "instance":
            return f"{head} {card.of}{given}\n"
        if card.kind == "behavioural":
            return self._source(card)
        return self._part(card, head, told)

    def _part(self, card: Card, head: str, told: dict[str, str]) -> str:
        if card.kind == "capacitor":
            begun = told.get(RENAMED["ic"])
            return f"{head} {told['c']}\n" if begun is None else f"{head} {told['c']} ic={begun}\n"
        if card.kind == "voltage":
            points = " ".join(told.values())
            return f"{head} {told['dc']}\n" if "dc" in told else f"{head} PWL({points})\n"
        if card.kind in ("resistor", "amplifier"):
            return f"{head} {told['r' if card.kind == 'resistor' else 'gain']}\n"
        return self._control(card, told)

    def _control(self, card: Card, told: dict[str, str]) -> str:
        if card.kind == "parameter":
            return f".param {card.name}={told['value']}\n"
        if card.kind == "transient":
            apart = "" if self.syntax.longest else f".option delmax={told['max_step']}\n"
            return f".tran {told['step']} {told['stop']}{self.syntax.longest.format(**told)} uic\n{apart}"
        if card.kind == "measured":
            return f"{self.syntax.measure} tran {card.name} find v({card.nodes[0]}) at={told['at']}\n"
        if card.kind == "tolerances":
            return "".join(f"{line}\n" for line in self.options).format(**told)
        return f"* {card.name}\n"

    def _source(self, card: Card) -> str:
        ((kind, expression),) = card.values.items()
        letter, word = self.syntax.sources[kind]
        name = card.name if card.name.startswith(letter) else letter + card.name
        said = written(expression, _Words(self, braced=self.syntax.braced))
        return f"{name} {' '.join(card.nodes)} {word}={said if self.syntax.braced else said.join(self.syntax.quotes)}\n"

    def value(self, value: Expression) -> str:
        """Return what stands where a number may stand."""
        return value.text if isinstance(value, Number) else written(value, _Words(self)).join(self.syntax.quotes)


@dataclass(frozen=True)
class _Words:
    """How an expression is written within one dialect."""

    family: Family
    braced: bool = False

    def number(self, text: str) -> str:
        return text

    def name(self, name: str) -> str:
        said = RENAMED.get(name, name)
        return f"{{{said}}}" if self.braced else said

    def call(self, function: str, arguments: list[str]) -> str:
        return f"{self.family.functions.get(function, function)}({','.join(arguments)})"

    def choice(self, condition: str, yes: str, no: str) -> str:
        if self.family.syntax.conditional == "?":
            return f"({condition} ? {yes} : {no})"
        return f"if({condition},{yes},{no})"


LTSPICE = Family(
    name="ltspice", suffix=".ltspice.net",
    syntax=Syntax(braced=True, measure=".meas", output=".save", longest=" 0 {max_step}",
                  options=(".options method=gear ", ".options itl1=")),
    tolerances={name: name for name in ("reltol", "abstol", "vntol", "chgtol", "gmin", "itl1", "itl4")},
    options=(
        ".options method=gear reltol={reltol} abstol={abstol} vntol={vntol} chgtol={chgtol} gmin={gmin}",
        ".options itl1={itl1} itl4={itl4}",
    ),
)  # fmt: skip
XYCE = Family(
    name="xyce", suffix=".xyce.cir",
    syntax=Syntax(output=".print tran", longest=" 0 {max_step}",
                  options=(".options timeint method=gear ", ".options device gmin=")),
    tolerances={"reltol": "reltol", "vntol": "abstol", "gmin": "gmin"},
    options=(
        ".options timeint method=gear reltol={reltol} abstol={vntol}", ".options device gmin={gmin}",
    ),
)  # fmt: skip
HSPICE = Family(
    name="hspice", suffix=".hspice.sp",
    syntax=Syntax(
        quotes=("'", "'"), sources={"v": ("E", "vol"), "i": ("G", "cur")}, parameters="", conditional="?",
        output=".probe tran", longest="",
        options=(".option post probe runlvl=0 parhier=local method=gear", ".option reltol=", ".option delmax="),
    ),
    tolerances={name: name for name in ("reltol", "abstol", "vntol", "chgtol", "gmin")},
    options=(
        ".option post probe runlvl=0 parhier=local method=gear",
        ".option reltol={reltol} abstol={abstol} vntol={vntol} chgtol={chgtol} gmin={gmin}",
    ),
    functions=MappingProxyType({"pow": "pwr"}),
)  # fmt: skip
