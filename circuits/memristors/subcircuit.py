"""The door for a stranger's SPICE text: one subcircuit of two pins, and nothing that reads a file or runs a command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from crossbar.errors import InvalidValue, unknown_name

LONGEST = 64 * 1024  # characters of a file
MOST = 10_000  # cards of one device, its inner subcircuits written out
DEEPEST = 20  # subcircuits in one another
ELEMENTS = set("rclkvibefghdqmjstwx")
"""First letters of cards that are allowed: code models (A), compiled models (N) and cards of other programs are not."""
INSIDE = {".param", ".func", ".model"}
PREFIX = "own_"
"""What our netlist calls a stranger's subcircuits by, so that none is taken for a cell of ours."""
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Line(NamedTuple):
    """A line with what continues it, and its number in the file."""

    number: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """A subcircuit: its pins, the names of its parameters, its lines."""

    name: str
    pins: tuple[str, ...]
    parameters: tuple[str, ...]
    body: tuple[Line, ...]

    @property
    def inner(self) -> tuple[str, ...]:
        """Names of the subcircuits that it uses, one a card."""
        return tuple(_subcircuit_of(line.text) for line in self.body if line.text[0] in "xX")


@dataclass(frozen=True, kw_only=True, slots=True)
class Subcircuits:
    """The definitions of a file; `text` is them under names of our own, as a netlist of ngspice takes them."""

    definitions: dict[str, Definition]

    @property
    def text(self) -> str:
        """All definitions, their names with `PREFIX`."""
        said = []
        for one in self.definitions.values():
            told = [f"{name}={value}" for name, value in _told(one.body[0].text)]
            said.append(" ".join([f".subckt {PREFIX}{one.name}", *one.pins, *told]))
            said += [_renamed(line.text) for line in one.body[1:]]
            said.append(f".ends {PREFIX}{one.name}")
        return "\n".join(said) + "\n"

    def chosen(self, name: str | None) -> Definition:
        """Return the definition called `name`, or the only one that no other uses.

        Raises
        ------
        UnknownName
            There is no such subcircuit.
        InvalidValue
            None was named and there are several, or it has not two pins (a third may show its state).
        """
        if name is not None and name.lower() not in self.definitions:
            raise unknown_name("subcircuit", name, self.definitions)
        used = {inner for one in self.definitions.values() for inner in one.inner}
        outer = [one for one in self.definitions.values() if one.name not in used]
        if name is None and len(outer) != 1:
            raise InvalidValue(
                f"say which subcircuit is the memristor (`subcircuit = ...`): there are {', '.join(self.definitions)}"
            )
        found = self.definitions[name.lower()] if name is not None else outer[0]
        if len(found.pins) not in (2, 3):
            raise InvalidValue(
                f"a memristor has two pins, and may have a third that shows its state, but subcircuit {found.name} "
                f"has {len(found.pins)}: {' '.join(found.pins)}"
            )
        return found


def read(text: str) -> Subcircuits:
    """Return the subcircuits of `text`, in small letters, or refuse it with the line that is wrong.

    Raises
    ------
    InvalidValue
        A line that is no part of a subcircuit, that reads files or runs commands (`.include`, `.lib`, `.control`, code
        models), a subcircuit that is missing, uses itself, or becomes more than `MOST` cards.
    """
    if len(text) > LONGEST:
        raise InvalidValue(f"a memristor's text may have {LONGEST:,} characters, but this one has {len(text):,}")
    definitions: dict[str, Definition] = {}
    for body in _bodies(_lines(text)):
        one = _definition(body)
        if one.name in definitions:
            raise _refused(body[0], f"subcircuit {one.name} was defined before")
        definitions[one.name] = one
    if not definitions:
        raise InvalidValue("there is no subcircuit: a memristor is given as `.subckt NAME p q ...` to `.ends`")
    for name in definitions:
        _count(name, definitions, ())
    return Subcircuits(definitions=definitions)


def _bodies(lines: list[Line]) -> list[list[Line]]:
    """Return the lines of each definition, its head first, without its end."""
    found: list[list[Line]] = []
    inside = False
    for line in lines:
        word = line.text.split()[0]
        if word == ".end" and not inside:
            break
        if (word == ".subckt") == inside:
            raise _refused(line, "a definition within a definition" if inside else "move it into a subcircuit")
        if word == ".subckt":
            found.append([line])
            inside = True
        elif word == ".ends":
            inside = False
        else:
            _check(line)
            found[-1].append(line)
    if inside:
        raise _refused(found[-1][0], "it is never ended (.ends)")
    return found


def _lines(text: str) -> list[Line]:
    """Return the lines that say something, in small letters, without comments, each with its continuations."""
    found: list[Line] = []
    for number, raw in enumerate(text.splitlines(), 1):
        if any(not (" " <= letter <= "~" or letter == "\t") for letter in raw) or set(raw) & set("`\"\\"):
            raise InvalidValue(f"line {number} has a character that no memristor needs: {raw[:60]!r}")
        line = re.split(r"(?:^|\s)\$|;|//", raw)[0].strip().lower()
        if not line or line[0] == "*":
            continue
        if line[0] == "+" and found:
            found[-1] = Line(found[-1].number, f"{found[-1].text} {line[1:].strip()}")
        elif line[0] == "+":
            raise InvalidValue(f"line {number} continues nothing: {raw[:60]!r}")
        else:
            found.append(Line(number, line))
    return found


def _check(line: Line) -> None:
    word = line.text.split()[0]
    if word[0] == "." and word not in INSIDE:
        raise _refused(line, f"of control lines a memristor may have {', '.join(sorted(INSIDE))}")
    if word[0] != "." and (word[0] not in ELEMENTS or not _WORD.fullmatch(word)):
        raise _refused(line, f"of elements a memristor may have {', '.join(sorted(ELEMENTS))}")
    if word[0] == "x" and not _WORD.fullmatch(_subcircuit_of(line.text)):
        raise _refused(line, "an instance ends with the name of its subcircuit, and parameters")


def _definition(body: list[Line]) -> Definition:
    words = _split(body[0].text)
    names = [word for word in words[1:] if "=" not in word and word != "params:"]
    if len(names) < 2 or not all(re.fullmatch(r"[a-z0-9_]+", name) for name in names):
        raise _refused(body[0], "it must read `.subckt NAME p q` and parameters such as `x0=0.5`")
    told = tuple(name for name, _ in _told(body[0].text))
    return Definition(name=names[0], pins=tuple(names[1:]), parameters=told, body=tuple(body))


def _split(text: str) -> list[str]:
    """Return the words of a line; `name = value` is one, and so is an expression in braces."""
    whole = re.sub(r"\{[^{}]*\}|'[^']*'", lambda found: "".join(found[0].split()), text)
    return re.sub(r"\s*=\s*", "=", whole).split()


def _told(text: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (word.partition("=") for word in _split(text) if "=" in word)]


def _subcircuit_of(text: str) -> str:
    plain = [word for word in _split(text) if "=" not in word and word != "params:"]
    return plain[-1]


def _renamed(text: str) -> str:
    """Return an instance's card with its subcircuit under our name; any other line as it is."""
    if text[0] != "x":
        return text
    words, name = _split(text), _subcircuit_of(text)
    place = len(words) - 1 - words[::-1].index(name)
    return " ".join([*words[:place], PREFIX + name, *words[place + 1 :]])


def _count(name: str, definitions: dict[str, Definition], above: tuple[str, ...]) -> int:
    """Return how many cards a subcircuit becomes."""
    if name in above:
        raise InvalidValue(f"subcircuit {name} uses itself: {' -> '.join([*above, name])}")
    if len(above) > DEEPEST:
        raise InvalidValue(f"subcircuit {above[0]} is nested more than {DEEPEST} deep")
    if name not in definitions:
        raise InvalidValue(f"subcircuit {above[-1]} uses {name}, which the file does not define")
    one = definitions[name]
    size = len(one.body)
    for inner in one.inner:
        size += _count(inner, definitions, (*above, name))
        if size > MOST:
            raise InvalidValue(f"subcircuit {name} becomes more than {MOST:,} cards; a memristor has a handful")
    return size


def _refused(line: Line, reason: str) -> InvalidValue:
    return InvalidValue(f"line {line.number} cannot be taken, {reason}: {line.text[:60]!r}")
