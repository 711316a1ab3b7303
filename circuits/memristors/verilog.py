"""The door for a stranger's Verilog-A: modules of two pins, under names of our own."""

from __future__ import annotations

from dataclasses import dataclass

from circuits.memristors.verilog_tokens import Token, refused, tokens
from crossbar.errors import InvalidValue, unknown_name

PREFIX = "own_"
"""What our netlist calls a stranger's modules by, so that none is taken for a cell of ours."""
TYPES = {"real", "integer", "signed"}
WAYS = {"inout", "input", "output"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """A module: its pins in order, those of its nodes that are electrical, its parameters.

    Its own name and its parameters' are in small letters, as OpenVAF hands them on.
    """

    name: str
    pins: tuple[str, ...]
    electrical: frozenset[str]
    parameters: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Modules:
    """The modules of a file by name; `text` is the file without comments, its modules under names of our own."""

    modules: dict[str, Module]
    text: str

    def chosen(self, name: str | None) -> Module:
        """Return the module called `name`, or the only one.

        Raises
        ------
        UnknownName
            There is no such module.
        InvalidValue
            None was named and there are several, or it has not two electrical pins (a third may show its state).
        """
        if name is not None and name.lower() not in self.modules:
            raise unknown_name("module", name, self.modules)
        if name is None and len(self.modules) != 1:
            known = ", ".join(self.modules)
            raise InvalidValue(f"say which module is the memristor (`module = ...`): there are {known}")
        found = self.modules[name.lower()] if name is not None else next(iter(self.modules.values()))
        if len(found.pins) not in (2, 3) or not set(found.pins[:2]) <= found.electrical:
            raise InvalidValue(
                f"a memristor has two electrical pins, and may have a third that shows its state, but module "
                f"{found.name} has {len(found.pins)} ({' '.join(found.pins)}), of which "
                f"{' '.join(pin for pin in found.pins if pin in found.electrical) or 'none'} electrical"
            )
        return found


def read(text: str) -> Modules:
    """Return the modules of `text`, or refuse it with the line that is wrong.

    Raises
    ------
    InvalidValue
        What `circuits.memristors.verilog_tokens.tokens` refuses, anything outside of a module, a module that is
        missing, twice there, never ended, or without a list of pins; parameters of one name in small letters.

    Examples
    --------
    >>> text = "module r(p, n); electrical p, n; parameter real ohm = 1; analog V(p, n) <+ ohm*I(p, n); endmodule"
    >>> read(text).chosen(None).parameters
    ('ohm',)
    """
    found = tokens(text)
    renamed = list(found)
    places = [place for place, token in enumerate(found) if token.kind != "blank"]
    bodies = _bodies([found[place] for place in places])
    modules: dict[str, Module] = {}
    for body, start in bodies:
        one = _module(body)
        if one.name in modules:
            raise refused(body[1], "a module of this name was defined before")
        modules[one.name] = one
        place = places[start + 1]
        renamed[place] = found[place]._replace(text=PREFIX + one.name)
    if not modules:
        raise InvalidValue("there is no module: a memristor is given as `module NAME(p, n);` to `endmodule`")
    return Modules(modules=modules, text="".join(token.text for token in renamed).rstrip() + "\n")


def _bodies(said: list[Token]) -> list[tuple[list[Token], int]]:
    """Return the tokens of each module without its end, and where it begins; directives may stand outside."""
    found: list[tuple[list[Token], int]] = []
    inside, directive, attribute = False, 0, False
    for place, token in enumerate(said):
        if token.kind == "macro":
            directive = token.row
        if token.text in ("module", "endmodule") and token.row == directive:
            raise refused(token, "a module begins and ends on a line of its own, and in no macro")
        if inside:
            inside = token.text != "endmodule"
            if token.text == "module":
                raise refused(token, "a module within a module")
            if inside:
                found[-1][0].append(token)
        elif token.text == "module":
            found.append(([token], place))
            inside = True
        elif token.text in ("(*", "*)") or attribute:
            attribute = token.text != "*)"
        elif token.row != directive:
            raise refused(token, "move it into a module")
    if inside:
        raise refused(found[-1][0][0], "it is never ended (endmodule)")
    return found


def _module(body: list[Token]) -> Module:
    """Return what a module declares; `body` begins with the word `module`."""
    ends = [place for place, token in enumerate(body) if token.text == ";"]
    words = [token.text for token in body]
    if len(body) < 3 or not ends or body[1].kind != "word" or words[2] != "(" or words[ends[0] - 1] != ")":
        raise refused(body[0], "it must read `module NAME(p, n);`")
    pieces = _pieces(body[3 : ends[0] - 1])
    if not all(piece and all(token.kind == "word" for token in piece) for piece in pieces):
        raise refused(body[1], "its pins are names with commas between them, without macros")
    pins = tuple(piece[-1].text for piece in pieces)
    electrical = {*_in_head(pieces)}
    parameters: list[str] = []
    for start, end in zip(ends, [*ends[1:], len(body)], strict=True):
        _declared(body[start + 1 : end], electrical, parameters)
    named = dict.fromkeys(parameters)  # an `ifdef may have the same one in each of its branches
    small = tuple(name.lower() for name in named)
    if len(set(small)) < len(small):
        raise refused(body[1], "two parameters differ in large and small letters alone, which VACASK does not see")
    return Module(name=words[1].lower(), pins=pins, electrical=frozenset(electrical), parameters=small)


def _pieces(said: list[Token]) -> list[list[Token]]:
    """Return the tokens between commas."""
    found: list[list[Token]] = [[]]
    for token in said:
        if token.text == ",":
            found.append([])
        else:
            found[-1].append(token)
    return found


def _in_head(pieces: list[list[Token]]) -> list[str]:
    """Return the pins that `module m(inout electrical p, n)` makes electrical."""
    found, electrical = [], False
    for piece in pieces:
        words = {token.text for token in piece[:-1]}
        if words:
            electrical = "electrical" in words
        if electrical:
            found.append(piece[-1].text)
    return found


def _declared(said: list[Token], electrical: set[str], parameters: list[str]) -> None:
    """Add what one statement declares: electrical nodes, or parameters with their values."""
    words = [token.text for token in said]
    for word in ("electrical", "parameter", "aliasparam"):
        if word not in words:
            continue
        pieces = _pieces([token for token in said[words.index(word) + 1 :] if token.text not in TYPES | WAYS])
        if word == "electrical":
            electrical.update(piece[0].text for piece in pieces if piece and piece[0].kind == "word")
        else:
            heads = [piece[:2] for piece in pieces if len(piece) > 2 and piece[0].kind == "word"]
            parameters += [name.text for name, sign in heads if sign.text == "="]
