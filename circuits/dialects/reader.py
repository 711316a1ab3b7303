"""Netlists read back: which memristors a file holds, which weights they make, and what else stands in it."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from circuits.circuit.memristor_array import MemristorArray
from circuits.dialects.vacask_reader import as_spice
from circuits.memristors.linear import OPEN
from crossbar.errors import CorruptFile, MissingFile

MEMRISTORS = ("Rp_", "Rn_", "Xp_", "Xn_")
FLOAT = r"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?"
OWN = ("gain", "offset", "leak", "ceiling", "pull")
NAME, NUMBER, TOLD = r"([a-z][a-z0-9_]*)", f"({FLOAT})", "".join(f"(?: {one}=(?P<{one}>{FLOAT}))?" for one in OWN)
LINE = "(?P<line>driver|follower)"
COUNT = r"(?: n_row=(?P<count>\d+))?"
OFFS = rf"(?P<offsets>(?: off(?:_[pnt])?={FLOAT})*)"
SCALE = rf"(?: scale=(?P<scale>{FLOAT}))?"
PATTERNS = {
    "clamp": rf"Vclamp_{NAME} s_\1 0 {NUMBER}",
    "cosine": rf"Vtime_{NAME} s_\1 0 SIN\(0 (?P<amplitude>{FLOAT}) (?P<value>{FLOAT}) 0 0 90\)",
    "sine": rf"Vtime_{NAME} s_\1 0 SIN\(0 (?P<amplitude>{FLOAT}) (?P<value>{FLOAT}) 0 0 0\)",
    "slow": rf"Cslow_{NAME} s_\1 0 (?P<value>{FLOAT}) ic=(?P<start>{FLOAT})",
    "neuron": rf"Xneuron_{NAME} s_\1 m_\1 (?P<state>neuron|integrator) ic=(?P<value>{FLOAT}){TOLD}",
    "supply": rf"Xsupply_{NAME} s_\1 (?P<supply>supply){TOLD}",
    "driver": rf"Xdriver_{NAME} s_\1 p_\1 {LINE}{TOLD}{SCALE}{OFFS}",
    "sense": rf"Xsense_{NAME} qp_\1 qn_\1 m_\1 sense{SCALE}{OFFS}",
    "shared driver": rf"Xdriver_{NAME} s_\1 p_\1 n_\1 m_\1 {LINE} s_row=(?P<value>{FLOAT}){COUNT}{TOLD}{SCALE}{OFFS}",
    "shared rail": rf"Xrail_{NAME} p_\1 n_\1 m_\1 rail v=(?P<volts>{FLOAT}) s_row=(?P<value>{FLOAT}){SCALE}",
    "rail": rf"Vrail_{NAME} p_\1 0 (?P<volts>{FLOAT})",
    "token": r"Cline_(?P<kind>p|n|qp|qn)_(?P<name>\w+) (?P=kind)_(?P=name) 0 1e-20",
    "line": rf"R[wb]_\d+_\d+[pn]_\d+_\d+ \w+ \w+ {NUMBER}",
    "nudge": rf"Xnudge_{NAME} s_\1 beta nudge( \w+={NUMBER}){{3}}",
    "input": rf"Vinput_{NAME} x_\1 0 {NUMBER}", "encode": rf"Sencode_{NAME} s_\1 x_\1 encode 0 gate",
    "reset": rf"Sreset_{NAME} s_\1 0 reset 0 gate", "hold": rf"Xhold_{NAME} s_\1 h_\1 track sample_hold",
    "noise": rf"Xnoise_{NAME} h_\1 z_\1 noise eps={NUMBER}", "decode": rf"Sdecode_{NAME} s_\1 z_\1 decode 0 gate",
    "control": r"V(beta|track|encode|decode|reset) \1 0 PWL\([-+0-9.e ]+\)", "save": rf"\.save v\(s_{NAME}\)",
    "save drive": rf"\.save v\(m_{NAME}\)",
    "options": r"\.options method=gear( [a-z0-9]+=[-+0-9.e]+)+",
    "nodeset": rf"\.nodeset v\({NAME}\)={NUMBER}",
    "analysis": r"\.op|\.tran(?: [-+0-9.e]+){4} uic", "end": r"\.end",
    "measure": rf"\.meas tran {NAME} find v\(s_\1\) at={NUMBER}",
    "comment": r"\* .*|\*", "switch": r"\.model gate sw vt=0\.5 vh=0 ron=\{r_on\} roff=\{r_off\}",
}  # fmt: skip
SHARED = (".subckt driver s p n", ".subckt follower s p n", ".subckt rail")
KINDS = {kind: re.compile(rf"(?:{pattern})\n?\Z") for kind, pattern in PATTERNS.items()}


class ToldCell(NamedTuple):
    """Which cell a card places, and the numbers of its own that it tells: gain, offset, leak, pull, ceiling."""

    cell: str
    numbers: dict[str, float]


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
    cards : dict of str to dict of str to float
        Numbers by neuron, of each kind of card in `PATTERNS`: its clamps, drivers, draws; 0 for one without a number.
        "volts" are those of word lines that are fixed, "start" the first states that slow capacitors tell, "amplitude"
        the volts of clocks, "count" the devices on a line that a replica stands for.
    laws : dict of str to dict of str to ToldCell
        Of each neuron the cells of its "state", its "line" and its "supply", with the numbers that their cards tell.
    offsets : dict of str to dict of str to float
        Of each neuron the offsets of amplifiers that its cards tell, by name.
    cells : tuple of str
        Its subcircuits.
    unpaired : int
        Devices whose partner of the other sign is missing.
    stateful : int
        Memristors with a state of their own, whose conductance no card tells: `array` is without them.
    foreign : tuple of str
        Lines that no netlist of ours has.
    """

    neurons: tuple[str, ...]
    parameters: dict[str, float]
    array: MemristorArray
    cards: dict[str, dict[str, float]]
    laws: dict[str, dict[str, ToldCell]]
    offsets: dict[str, dict[str, float]]
    cells: tuple[str, ...]
    unpaired: int
    stateful: int
    foreign: tuple[str, ...]


def count_memristors(path: str | Path) -> int:
    """Return how many memristors the netlist at `path` holds: one a card, whatever their model."""
    return sum(line.startswith(MEMRISTORS) for line in _lines(path))


def parse(path: str | Path) -> Netlist:
    """Read a netlist of linear memristors back, in SPICE or (`.sim`, its cells.va beside it) in VACASK's language.

    Raises
    ------
    MissingFile, CorruptFile
        There is no such file; a card is damaged, occurs twice, or belongs to no known neuron.
    """
    reading = _Reading()
    for line in _lines(path):
        if line.startswith(("Rp_", "Rn_")) and not reading.cell:
            reading.device(line)
        else:
            reading.other(line)
    return reading.netlist()


def _lines(path: str | Path) -> Iterator[str]:
    path = Path(path)
    if not path.is_file():
        raise MissingFile(f"no netlist at {path}; write one with `hopbar netlist`")
    if path.suffix == ".sim":
        for lines in as_spice(path):
            yield from lines.splitlines(keepends=True)
        return
    with path.open(encoding="ascii", errors="replace", newline="\n") as file:
        yield from file


@dataclass(slots=True)
class _Reading:
    """A netlist as far as it was read."""

    neurons: list[str] = field(default_factory=list)
    parameters: dict[str, float] = field(default_factory=dict)
    cards: dict[str, dict[str, float]] = field(default_factory=dict)
    laws: dict[str, dict[str, ToldCell]] = field(default_factory=dict)
    scales: dict[str, dict[str, float]] = field(default_factory=dict)
    offsets: dict[str, dict[str, float]] = field(default_factory=dict)
    cells: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    cell: list[str] = field(default_factory=list)
    shared: bool = False
    stateful: int = 0
    rows: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)
    places: array = field(default_factory=lambda: array("q"))
    values: array = field(default_factory=lambda: array("d"))

    def other(self, line: str) -> None:
        """Read a line that is no resistor of a memristor."""
        if self.cell or line.startswith(".subckt"):
            self.cell.append(line)
            if line.startswith(".ends"):
                self.cells.append("".join(self.cell))
                self.cell = []
            self.shared = self.shared or line.startswith(SHARED)
        elif line.startswith(".param "):
            name, _, value = line[len(".param ") :].partition("=")
            if name.strip() in self.parameters:
                raise CorruptFile(f"`.param {name.strip()[:40]}` occurs twice; export the netlist again")
            self.parameters[name.strip()] = _number(value, line)
        elif line.startswith(("Xp_", "Xn_")):
            self.stateful += 1
        else:
            self._card(line)

    def _card(self, line: str) -> None:
        for kind, pattern in KINDS.items():
            found = pattern.match(line)
            if found is None:
                continue
            name = found.group(1) if pattern.groups else ""
            if kind in ("clamp", "neuron", "cosine", "sine"):
                self.neurons.append(name)
            if kind in ("comment", "line", "token", "control"):
                name = line.split(None, 1)[0]
                if kind == "comment":
                    return
            known = self.cards.setdefault(kind, {})
            if name in known and kind != "options":
                self.foreign.append(line)  # the same card twice
            known[name] = _value(found)
            told = found.groupdict()
            for more in ("volts", "start", "amplitude", "count"):
                if told.get(more) is not None:
                    self.cards.setdefault(more, {})[name] = _number(str(told[more]), line)
            if told.get("scale") is not None:
                side = "sense" if kind == "sense" else "driver"
                self.scales.setdefault(side, {})[name] = _number(str(told["scale"]), line)
            self._amplifiers(name, told, line)
            self._law(name, told, line)
            return
        if line.strip():
            self.foreign.append(line)

    def _amplifiers(self, name: str, told: dict[str, str | None], line: str) -> None:
        for pair in (told.get("offsets") or "").split():
            own, _, value = pair.partition("=")
            self.offsets.setdefault(name, {})[own] = _number(value, line)

    def _law(self, name: str, told: dict[str, str | None], line: str) -> None:
        texts = {one: told.get(one) for one in OWN}
        numbers = {one: _number(text, line) for one, text in texts.items() if text is not None}
        for part in ("state", "line", "supply"):
            cell = told.get(part)
            if cell is not None:
                self.laws.setdefault(name, {})[part] = ToldCell(cell, numbers)

    def device(self, line: str) -> None:
        """Read one memristor."""
        if not self.rows:
            self._index()
        parts = line.split()
        if len(parts) != 4:
            raise CorruptFile(f"damaged card {line.strip()[:100]!r}; export the netlist again")
        card, head, tail, text = parts
        target, _, source = card.partition("__")
        row, column = self.rows.get(target), self.columns.get(source)
        if row is None or column is None:
            raise CorruptFile(f"memristor {card[:100]} joins neurons that the netlist does not have; export it again")
        if (tail != row[2] or head != row[1] + source) and not (head.startswith("w_") and tail.startswith("b_")):
            self.foreign.append(line)  # between other nodes than its name says
        resistance = _number(text, line)
        if not 0 < resistance < float("inf"):
            raise CorruptFile(f"memristor {card[:100]} must have a positive, finite resistance, but has {resistance}")
        self.places.append(row[0] + column)
        self.values.append(0.0 if resistance >= OPEN else 1 / resistance)

    def _index(self) -> None:
        size = len(self.neurons)
        self.columns = {name: index for index, name in enumerate(self.neurons)}
        for side, sign in enumerate("pn"):
            head = "n_" if self.shared and sign == "n" else "p_"
            for index, name in enumerate(self.neurons):
                tail = f"p_{name}" if self.shared else f"q{sign}_{name}"
                self.rows[f"R{sign}_{name}"] = ((side * size + index) * size, head, tail)

    def netlist(self) -> Netlist:
        """Return what was read."""
        size = len(self.neurons)
        places = np.array(self.places, np.int64)
        built, sides = np.zeros((2, size, size), bool), np.zeros((2, size, size))
        built.reshape(-1)[places] = True
        sides.reshape(-1)[places] = self.values
        if int(built.sum()) != len(places):
            raise CorruptFile("a memristor occurs twice; export the netlist again")
        if self.shared:
            built, sides = built | built.transpose(0, 2, 1), sides + sides.transpose(0, 2, 1)
        scale = self.parameters.get("siemens_per_weight", float("nan"))
        if not scale > 0:
            raise CorruptFile("the netlist has no `.param siemens_per_weight`; export it again")
        held = MemristorArray(
            plus=sides[0], minus=sides[1], built=built[0] | built[1], siemens_per_weight=scale,
            symmetry="shared" if self.shared else "two-device", gains=self._gains(),
        )  # fmt: skip
        return Netlist(
            neurons=tuple(self.neurons), parameters=self.parameters, array=held, cards=self.cards,
            laws=self.laws, offsets=self.offsets, cells=tuple(self.cells), unpaired=int((built[0] ^ built[1]).sum()),
            stateful=self.stateful, foreign=(*self.foreign, *(["".join(self.cell)] if self.cell else [])),
        )  # fmt: skip

    def _gains(self) -> np.ndarray | None:
        """Return the gains of the lines, None where no card tells one; both ends of a line must tell the same."""
        driven, sensed = self.scales.get("driver", {}), self.scales.get("sense", {})
        if not driven and not sensed:
            return None
        fixed = "rail" in self.cards  # word lines at given voltages, with the gains in them
        clamped = self.cards.get("clamp", {})  # VACASK senses nothing there
        if not (self.shared or fixed):
            at = {name: driven.get(name, 1.0) for name in self.neurons}
            apart = [name for name in at if at[name] != sensed.get(name, at[name] if name in clamped else 1.0)]
            if apart:
                raise CorruptFile(f"both ends of the line of {apart[0]} must have one `scale`; export it again")
        told = sensed if fixed else driven
        return np.array([told.get(name, 1.0) for name in self.neurons])


def _value(found: re.Match[str]) -> float:
    """Return the number of a card: its `value`, or what it ends in; 0 where that is no number."""
    last = found.groupdict().get("value") or (found.groups()[-1] if found.re.groups else None)
    try:
        return float(last or "")
    except ValueError:
        return 0.0


def _number(text: str, line: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise CorruptFile(
            f"{text.strip()[:40]!r} in {line.strip()[:100]!r} is no plain number; export the netlist again"
        ) from error
